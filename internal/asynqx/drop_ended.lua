-- Deletes a finished task that is only kept for the dashboard.
-- KEYS 1 task (hash) 2 completed tasks (zset) 3 archived tasks (zset)
-- ARGV 1 id of the task
-- result 1 if it was deleted
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'completed' and state ~= 'archived' then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('DEL', KEYS[1])
