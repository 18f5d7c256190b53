-- Lists the tasks of a queue whose worker may be dead: their leases have not been renewed for
-- some time, by the clock of Redis, or are missing.
-- KEYS 1 lease (zset) 2 active (list)
-- ARGV 1 length of a lease in s 2 time since the last renewal, in s 3 maximum number of tasks
-- result id, end of its lease in Unix seconds ('' if it has none), …
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] + ARGV[1] - ARGV[2],
  'WITHSCORES', 'LIMIT', 0, ARGV[3])
if redis.call('LLEN', KEYS[2]) > redis.call('ZCARD', KEYS[1]) then
  for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, ARGV[3] - 1)) do
    if not redis.call('ZSCORE', KEYS[1], id) then
      table.insert(found, id)
      table.insert(found, '')
    end
  end
end
return found
