-- Extends the leases of tasks, by the clock of Redis.
-- KEYS 1 lease (zset)
-- ARGV 1 length of a lease in s 2.. ids of tasks
-- result 0
local lease_end = tonumber(redis.call('TIME')[1]) + ARGV[1]
redis.call('ZREM', KEYS[1], '') -- needs no memory: then a full Redis accepts the next write
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'XX', lease_end, ARGV[i])
end
return 0
