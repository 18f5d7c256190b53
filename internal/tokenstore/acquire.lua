-- Decides what a process does about the app's access token.
-- KEYS 1 token (hash) 2 lock (string) 3 failure (hash)
-- ARGV 1 owner of the lock 2 lock lifetime in ms 3 now in ms, 0 = Redis TIME
--      4 a token that the caller cannot read, '' for none: it counts as absent
-- result {"token", value, refresh_in_ms, expires_in_ms}   use it
--        {"fetch", failures_in_a_row}                     call gettoken: the caller has the lock
--        {"held", until_in_ms, code, msg, status}         gettoken is not called for a while after a failure
--        {"wait"}                                         another process is calling gettoken
local token_key, lock, failure_key = unpack(KEYS)
local owner, lock_life, now, unreadable = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Every reply is a list of strings.
local function text(n)
  return string.format('%.0f', n)
end
-- A value that is not a number, or not one that the other scripts write, is 0: an unreadable field must not keep
-- an app from its token.
local function number(field)
  local n = tonumber(field or '')
  if not n or n ~= n or n < 0 or n > 9007199254740991 then
    return 0
  end
  return n
end
local month, hour = 2592000000, 3600000
local token = redis.call('HMGET', token_key, 'token', 'refresh_at', 'expires_at', 'saved_at')
-- If the clock went back, the remaining life of the token is unknown.
local refresh_at, expires_at = number(token[2]), number(token[3])
local usable = token[1] and token[1] ~= unreadable and expires_at > now and expires_at <= now + month and number(token[4]) <= now + 1000
local function use()
  return {'token', token[1], text(math.max(refresh_at - now, 0)), text(expires_at - now)}
end
if usable and refresh_at > now then
  return use()
end

local failure = redis.call('HMGET', failure_key, 'until', 'code', 'msg', 'status', 'failures')
local held_for = number(failure[1]) - now
local held = held_for > 0 and held_for <= hour -- no failure lasts longer
redis.call('HDEL', token_key, '') -- takes no memory: a full Redis lets the next write pass
if not held and redis.call('SET', lock, owner, 'NX', 'PX', lock_life) then
  return {'fetch', text(math.min(number(failure[5]), 1000))}
end
if usable then
  return use()
end
if held then
  return {'held', text(held_for), failure[2] or '', failure[3] or '', failure[4] or ''}
end
return {'wait'}
