-- Puts tasks of a dead worker back into their queue, the first as the next one. A task whose
-- lease was renewed meanwhile stays. Follows wake.lua and put_back.lua.
-- KEYS 1 lease (zset) 2 active (list) 3 pending (list)
-- ARGV 1 prefix of the tasks' keys, then id and end of its lease as returned by orphans.lua, …
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
