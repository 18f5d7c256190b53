-- Puts a task that no worker will take back into its queue, as the next one. Follows place.lua
-- and wake.lua.
-- KEYS 7 archived (zset) 8 completed (zset)
-- result 1 if it was requeued, 0 if it was in the queue, or is gone
if place == 'queued' or place == 'gone' then
  return 0
end
for _, list in ipairs({KEYS[2], KEYS[3]}) do
  redis.call('LREM', list, 0, id)
end
for set = 4, 8 do
  redis.call('ZREM', KEYS[set], id)
end
redis.call('RPUSH', KEYS[2], id)
redis.call('HSET', KEYS[1], 'state', 'pending')
redis.call('HDEL', KEYS[1], 'pending_since')
wake(KEYS[2])
return 1
