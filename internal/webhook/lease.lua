-- Leases a closed digest whose process did not finish, or a waiting message.
-- KEYS 1 due (zset) 2 closed digest or waiting message (hash)
-- ARGV 1 now in ms, 0 = Redis TIME 2 its name in due
--      3 lease in ms: how long other processes ignore it
-- result the hash: field, value, …; nothing if another process has it
local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local due = redis.call('ZSCORE', KEYS[1], ARGV[2])
if not due or tonumber(due) > now then
  return {}
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[2])
  return {}
end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
return redis.call('HGETALL', KEYS[2])
