-- Puts tasks that their worker has left behind back into their queue, where the first is the
-- next. One whose lease was renewed meanwhile stays. wake.lua stands before this text.
-- KEYS 1 lease (zset) 2 active (list) 3 pending (list)
-- ARGV 1 prefix of the tasks' keys, then id and end of its lease as orphans.lua told them, …
-- result how many tasks are in the queue again
local taken = 0
for i = #ARGV - 1, 2, -2 do
  local id, lease_end = ARGV[i], ARGV[i + 1]
  if (redis.call('ZSCORE', KEYS[1], id) or '') == lease_end and redis.call('LREM', KEYS[2], 0, id) > 0 then
    redis.call('ZREM', KEYS[1], id)
    local key = ARGV[1] .. id
    if redis.call('HEXISTS', key, 'msg') == 1 then -- it was not deleted meanwhile
      redis.call('RPUSH', KEYS[3], id)
      redis.call('HSET', key, 'state', 'pending')
      taken = taken + 1
    end
  end
end
if taken > 0 then
  wake(KEYS[3])
end
return taken
