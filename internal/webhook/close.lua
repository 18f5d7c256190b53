-- Closes a digest whose window is over, for the process that enqueues it: nothing is
-- added to it any more, because what was enqueued cannot be changed. The member's
-- next window begins. After one with more than twice the threshold it is a storm: all
-- messages are gathered, from the first on, until a window has no more than the
-- threshold.
-- KEYS 1 due (zset) 2 window (hash) 3 open digest (hash) 4 closed digest (hash)
-- ARGV 1 now in ms, 0 = Redis TIME 2 name of the open digest in due 3 that of the closed one
--      4 threshold 5 window in ms 6 lease in ms: how long others leave it alone
-- result the digest: field, value, …; nothing if it is not due or not there
local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local due = redis.call('ZSCORE', KEYS[1], ARGV[2])
if not due or tonumber(due) > now then
  return {}
end
redis.call('ZREM', KEYS[1], ARGV[2])
local w = redis.call('HMGET', KEYS[2], 'count', 'storm')
local limit = w[2] == '1' and tonumber(ARGV[4]) or 2 * ARGV[4]
local storm = tonumber(w[1] or 0) > limit and 1 or 0
redis.call('HSET', KEYS[2], 'until', now + ARGV[5], 'count', 0, 'storm', storm, 'open', 0)
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[5])
if redis.call('EXISTS', KEYS[3]) == 0 then
  return {}
end
redis.call('RENAME', KEYS[3], KEYS[4])
redis.call('ZADD', KEYS[1], now + ARGV[6], ARGV[3])
return redis.call('HGETALL', KEYS[4])
