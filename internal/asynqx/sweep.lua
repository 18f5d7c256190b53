-- Deletes the oldest archived tasks of a queue, a few at a time.
-- KEYS 1 archived tasks (zset, by Unix seconds)
-- ARGV 1 tasks to keep at most 2 older than this, in Unix seconds, go in any case
--      3 tasks to delete at most 4 prefix of the tasks' keys
-- result how many were deleted
local excess = redis.call('ZCARD', KEYS[1]) - ARGV[1]
local old = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
local n = math.min(math.max(excess, old), tonumber(ARGV[3]))
if n <= 0 then
  return 0
end
local ids = redis.call('ZRANGE', KEYS[1], 0, n - 1)
for _, id in ipairs(ids) do
  redis.call('DEL', ARGV[4] .. id)
end
redis.call('ZREM', KEYS[1], unpack(ids))
return #ids
