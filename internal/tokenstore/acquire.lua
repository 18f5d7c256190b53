-- What one process should do about the app's access token.
-- KEYS 1 token (hash) 2 lock (string) 3 failure (hash)
-- ARGV 1 owner of the lock 2 lock lifetime in ms 3 now in ms, 0 = Redis TIME
--      4 a token that the caller cannot read, '' for none: it is taken for absent
-- result {"token", value, refresh_in_ms, expires_in_ms}   use it
--        {"fetch", failures_in_a_row}                     call gettoken: the lock is yours
--        {"held", until_in_ms, code, msg, status}         gettoken rests after a failure
--        {"wait"}                                         another process is calling gettoken
local now = tonumber(ARGV[3])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Every reply is a list of strings.
local function text(n)
  return string.format('%.0f', n)
end
local token = redis.call('HMGET', KEYS[1], 'token', 'refresh_at', 'expires_at', 'saved_at')
-- If the clock went back, nobody can tell how much of the token's life is left.
local usable = token[1] and token[1] ~= ARGV[4] and tonumber(token[3]) > now and tonumber(token[4] or 0) <= now + 1000
local function use()
  return {'token', token[1], text(math.max(token[2] - now, 0)), text(token[3] - now)}
end
if usable and tonumber(token[2]) > now then
  return use()
end

local failure = redis.call('HMGET', KEYS[3], 'until', 'code', 'msg', 'status', 'failures')
local held = failure[1] and tonumber(failure[1]) > now
redis.call('HDEL', KEYS[1], '') -- takes no memory: a full Redis lets the next write pass
if not held and redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {'fetch', failure[5] or '0'}
end
if usable then
  return use()
end
if held then
  return {'held', text(failure[1] - now), failure[2], failure[3], failure[4]}
end
return {'wait'}
