-- Puts a task that no handler has got back into its queue, where it is the next. wake.lua
-- and put_back.lua stand before this text.
-- KEYS 1 active (list) 2 lease (zset) 3 pending (list) 4 the task (hash)
-- ARGV 1 id
if put_back(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]) then
  wake(KEYS[3])
end
return 1
