-- Puts a task that no worker will take back into its queue, as the next one. Follows place.lua
-- and wake.lua.
-- KEYS 6 archived (zset) 7 completed (zset) 8 the task (hash)
-- ARGV 2 its id
-- result 1 if it was requeued, 0 if it was in the queue, or is gone
local id, task = ARGV[2], redis.call('HMGET', KEYS[8], 'state', 'pending_since')
local place = place_of(id, task[1], task[2])
if place == 'queued' or place == 'gone' then
  return 0
end
for _, list in ipairs({KEYS[1], KEYS[2]}) do
  redis.call('LREM', list, 0, id)
end
for set = 3, 7 do
  redis.call('ZREM', KEYS[set], id)
end
redis.call('RPUSH', KEYS[1], id)
redis.call('HSET', KEYS[8], 'state', 'pending')
redis.call('HDEL', KEYS[8], 'pending_since')
wake(KEYS[1])
return 1
