-- Makes a task that waits for its time the next of its queue. Follows wake.lua.
-- KEYS 1 task (hash) 2 pending (list) 3 scheduled (zset) 4 retry (zset)
-- ARGV 1 id of the task
-- result 1 if it was waiting
if redis.call('ZREM', KEYS[3], ARGV[1]) + redis.call('ZREM', KEYS[4], ARGV[1]) == 0 then
  return 0
end
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'pending')
redis.call('HDEL', KEYS[1], 'pending_since')
wake(KEYS[2])
return 1
