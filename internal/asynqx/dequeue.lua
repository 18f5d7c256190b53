-- Takes a task as asynq 0.26's own script does, and remembers it: a server that did not
-- get the reply asks again under the same name and gets the same task. Otherwise nobody
-- would process the task until its lease ends and the recoverer finds it.
-- KEYS 1 pending (list) 2 paused (string) 3 active (list) 4 lease (zset)
--      5 the last task that this server took (string: name of the dequeue, task id)
-- ARGV 1 end of the lease in s 2 prefix of the tasks' keys
--      3 name of this dequeue 4 life of KEYS 5 in ms: less than a lease lasts
-- result the encoded task, or nil
local taken = redis.call('GET', KEYS[5])
if taken then
  local name, id = string.match(taken, '^(%S+) (.+)$')
  if name == ARGV[3] and redis.call('ZSCORE', KEYS[4], id) then
    redis.call('ZADD', KEYS[4], ARGV[1], id)
    return redis.call('HGET', ARGV[2] .. id, 'msg')
  end
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return nil
end
local id = redis.call('RPOPLPUSH', KEYS[1], KEYS[3])
if not id then
  return nil
end
redis.call('HSET', ARGV[2] .. id, 'state', 'active')
redis.call('HDEL', ARGV[2] .. id, 'pending_since')
redis.call('ZADD', KEYS[4], ARGV[1], id)
redis.call('SET', KEYS[5], ARGV[3] .. ' ' .. id, 'PX', ARGV[4])
return redis.call('HGET', ARGV[2] .. id, 'msg')
