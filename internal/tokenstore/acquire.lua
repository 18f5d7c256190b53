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
-- What is no number, or none that the other scripts write, is 0: a field that cannot be
-- understood must keep no app from its token.
local function number(field)
  local n = tonumber(field or '')
  if not n or n ~= n or n < 0 or n > 9007199254740991 then
    return 0
  end
  return n
end
local month, hour = 2592000000, 3600000
local token = redis.call('HMGET', KEYS[1], 'token', 'refresh_at', 'expires_at', 'saved_at')
-- If the clock went back, nobody can tell how much of the token's life is left.
local refresh_at, expires_at = number(token[2]), number(token[3])
local usable = token[1] and token[1] ~= ARGV[4] and expires_at > now and expires_at <= now + month and number(token[4]) <= now + 1000
local function use()
  return {'token', token[1], text(math.max(refresh_at - now, 0)), text(expires_at - now)}
end
if usable and refresh_at > now then
  return use()
end

local failure = redis.call('HMGET', KEYS[3], 'until', 'code', 'msg', 'status', 'failures')
local rest = number(failure[1]) - now
local held = rest > 0 and rest <= hour -- no failure rests for longer
redis.call('HDEL', KEYS[1], '') -- takes no memory: a full Redis lets the next write pass
if not held and redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {'fetch', text(math.min(number(failure[5]), 1000))}
end
if usable then
  return use()
end
if held then
  return {'held', text(rest), failure[2] or '', failure[3] or '', failure[4] or ''}
end
return {'wait'}
