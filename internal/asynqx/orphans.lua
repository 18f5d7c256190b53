-- Lists the tasks of a queue whose worker may be dead, a page at a time: their leases have not
-- been renewed for some time, by the clock of Redis, or are missing. A lease that ends later
-- than any could was given before that clock was set back.
-- KEYS 1 lease (zset) 2 active (list)
-- ARGV 1 length of a lease in s 2 time since the last renewal, in s 3 how many tasks of each kind
--      to skip 4 and how many to list
-- result 1 if there may be more, 0 if not; then id, end of its lease in Unix seconds ('' if it
--        has none), …
local skip, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local now, found = tonumber(redis.call('TIME')[1]), {'0'}
local function list(from, to)
  local tasks = redis.call('ZRANGEBYSCORE', KEYS[1], from, to, 'WITHSCORES', 'LIMIT', skip, most)
  for _, field in ipairs(tasks) do
    table.insert(found, field)
  end
  if #tasks == 2 * most then
    found[1] = '1'
  end
end
list('-inf', now + ARGV[1] - ARGV[2])
list(now + 2 * ARGV[1], '+inf')
if redis.call('LLEN', KEYS[2]) > redis.call('ZCARD', KEYS[1]) then
  local active = redis.call('LRANGE', KEYS[2], -skip - most, -skip - 1) -- new ones come at the head
  for _, id in ipairs(active) do
    if not redis.call('ZSCORE', KEYS[1], id) then
      table.insert(found, id)
      table.insert(found, '')
    end
  end
  if #active == most then
    found[1] = '1'
  end
end
return found
