-- Puts tasks that their worker has left behind back into their queue, where the first is the
-- next. One whose lease was renewed meanwhile stays. wake.lua and put_back.lua
-- stand before this text.
-- KEYS 1 lease (zset) 2 active (list) 3 pending (list)
-- ARGV 1 prefix of the tasks' keys, then id and end of its lease as orphans.lua told them, …
-- result how many tasks are in the queue again
local taken = 0
for i = #ARGV - 1, 2, -2 do
  local id, lease_end = ARGV[i], ARGV[i + 1]
  local unrenewed = (redis.call('ZSCORE', KEYS[1], id) or '') == lease_end
  if unrenewed and put_back(KEYS[2], KEYS[1], KEYS[3], ARGV[1] .. id, id) then
    taken = taken + 1
  end
end
if taken > 0 then
  wake(KEYS[3])
end
return taken
