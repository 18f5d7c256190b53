-- Puts a task that no handler has got back into its queue, where it is the next. wake.lua
-- stands before this text.
-- KEYS 1 active (list) 2 lease (zset) 3 pending (list) 4 the task (hash)
-- ARGV 1 id
if redis.call('LREM', KEYS[1], 0, ARGV[1]) > 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('RPUSH', KEYS[3], ARGV[1])
  redis.call('HSET', KEYS[4], 'state', 'pending')
  wake(KEYS[3])
end
return 1
