-- Enqueues tasks that are due (retry and scheduled) as asynq 0.26's own script does, but
-- in front of those that wait: their turn was earlier.
-- KEYS 1 retry or scheduled (zset) 2 pending (list)
-- ARGV 1 now in s 2 prefix of the tasks' keys 3 now in ns
-- result number of tasks
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 100)
for i = #ids, 1, -1 do -- asynq takes from the right
  redis.call('RPUSH', KEYS[2], ids[i])
  redis.call('ZREM', KEYS[1], ids[i])
  redis.call('HSET', ARGV[2] .. ids[i], 'state', 'pending', 'pending_since', ARGV[3])
end
return #ids
