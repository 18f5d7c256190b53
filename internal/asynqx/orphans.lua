-- Lists the tasks of a queue whose worker may be dead: their leases have not been renewed for
-- some time, by the clock of Redis, or are missing. A lease that ends later than any could was
-- given before that clock was set back.
-- KEYS 1 lease (zset) 2 active (list)
-- ARGV 1 length of a lease in s 2 time since the last renewal, in s 3 maximum number of tasks of each kind
-- result id, end of its lease in Unix seconds ('' if it has none), …
local now, found = tonumber(redis.call('TIME')[1]), {}
local function list(from, to)
  for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], from, to, 'WITHSCORES', 'LIMIT', 0, ARGV[3])) do
    table.insert(found, field)
  end
end
list('-inf', now + ARGV[1] - ARGV[2])
list(now + 2 * ARGV[1], '+inf')
if redis.call('LLEN', KEYS[2]) > redis.call('ZCARD', KEYS[1]) then
  for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, ARGV[3] - 1)) do
    if not redis.call('ZSCORE', KEYS[1], id) then
      table.insert(found, id)
      table.insert(found, '')
    end
  end
end
return found
