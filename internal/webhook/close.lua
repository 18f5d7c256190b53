-- Closes a digest whose window is over, for the process that enqueues it: nothing more is
-- added to it, because an enqueued message cannot be changed. The member's next window
-- begins. A digest of more than twice the threshold starts a storm: all messages are
-- collected, from the first on, until a window has no more than the threshold.
-- KEYS 1 due (zset) 2 window (hash) 3 open digest (hash) 4 closed digest (hash)
-- ARGV 1 now in ms, 0 = Redis TIME 2 name of the open digest in due 3 that of the closed one
--      4 threshold 5 window in ms 6 lease in ms: how long other processes ignore it
-- result the digest: field, value, …; nothing if it is not due or does not exist
local due_key, window, open_digest, closed_digest = unpack(KEYS)
local now, open_name, closed_name = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local threshold, span, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local due = redis.call('ZSCORE', due_key, open_name)
if not due or tonumber(due) > now then
  return {}
end
redis.call('ZREM', due_key, open_name)
local w = redis.call('HMGET', window, 'count', 'storm')
local limit = w[2] == '1' and threshold or 2 * threshold
local storm = tonumber(w[1] or 0) > limit and 1 or 0
redis.call('HSET', window, 'until', now + span, 'count', 0, 'storm', storm, 'open', 0)
redis.call('PEXPIRE', window, 2 * span)
if redis.call('EXISTS', open_digest) == 0 then
  return {}
end
redis.call('RENAME', open_digest, closed_digest)
redis.call('ZADD', due_key, now + lease, closed_name)
return redis.call('HGETALL', closed_digest)
