-- Lists the tasks whose lease has been over for as long as one lasts, by the clock of
-- Redis. One that ends further ahead than any lease was given before that clock went back.
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
