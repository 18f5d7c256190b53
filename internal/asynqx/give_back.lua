-- Puts a task without a handler back into its queue, as the next one. Follows wake.lua and
-- put_back.lua.
-- KEYS 1 active (list) 2 lease (zset) 3 pending (list) 4 the task (hash)
-- ARGV 1 id
if put_back(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]) then
  wake(KEYS[3])
end
return 1
