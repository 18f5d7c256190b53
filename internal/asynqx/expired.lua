-- Lists the tasks whose lease expired at least one lease length ago, by the clock of Redis. A
-- lease that ends later than any could was given before that clock was set back.
-- KEYS 1 lease (zset)
-- ARGV 1 length of a lease in s 2 prefix of the tasks' keys
-- result encoded tasks
local now, length = tonumber(redis.call('TIME')[1]), tonumber(ARGV[1])
local tasks = {}
local function list(from, to)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], from, to)) do
    local task = redis.call('HGET', ARGV[2] .. id, 'msg')
    if task then
      table.insert(tasks, task)
    end
  end
end
list('-inf', now - length)
list(now + 2 * length, '+inf')
return tasks
