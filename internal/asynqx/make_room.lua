-- Deletes tasks that have ended well and are only kept for the dashboard, those first
-- whose time is over first.
-- KEYS 1 completed tasks (zset)
-- ARGV 1 how many at most 2 prefix of the tasks' keys
-- result how many
local ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)
for _, id in ipairs(ids) do
  redis.call('DEL', ARGV[2] .. id)
  redis.call('ZREM', KEYS[1], id)
end
return #ids
