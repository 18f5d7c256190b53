-- Takes a task, in place of asynq 0.26's own script, with three differences. A task whose
-- time has come goes first, the earliest of all: asynq's forwarder would put it behind
-- all that wait. A server that did not get the reply asks again under the same name and
-- gets the same task; otherwise nobody would process the task until its lease ends and
-- the recoverer finds it. And the time is that of Redis's clock. Each way through begins
-- with a write that takes no memory: a full Redis lets the script go on then, and sending
-- is what empties it.
-- KEYS 1 pending (list) 2 paused (string) 3 active (list) 4 lease (zset)
--      5 the last task that this server took (string: name of the dequeue, task id)
--      6 scheduled (zset) 7 retry (zset)
-- ARGV 1 length of a lease in s 2 prefix of the tasks' keys
--      3 name of this dequeue 4 life of KEYS 5 in ms: less than a lease lasts
-- result the encoded task, or nil
local now = tonumber(redis.call('TIME')[1])
local lease_end = now + ARGV[1]
local taken = redis.call('GET', KEYS[5])
if taken then
  local name, id = string.match(taken, '^(%S+) (.+)$')
  if name == ARGV[3] and redis.call('ZSCORE', KEYS[4], id) then
    redis.call('ZREM', KEYS[4], '')
    redis.call('ZADD', KEYS[4], lease_end, id)
    return redis.call('HGET', ARGV[2] .. id, 'msg')
  end
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return nil
end

-- due returns the task of a set whose time came first, and that time.
local function due(set)
  local first = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
  return first[1], tonumber(first[2] or math.huge)
end

-- take moves the next task to the active ones.
local function take()
  local from = KEYS[6]
  local id, at = due(from)
  local retried, retried_at = due(KEYS[7])
  if retried_at < at or (retried and retried_at == at and retried < id) then
    from, id = KEYS[7], retried
  end
  if not id then
    return redis.call('RPOPLPUSH', KEYS[1], KEYS[3])
  end
  redis.call('ZREM', from, id)
  redis.call('LPUSH', KEYS[3], id)
  return id
end

redis.call('ZREM', KEYS[4], '')
local id = take()
if not id then
  return nil
end
redis.call('HSET', ARGV[2] .. id, 'state', 'active')
redis.call('HDEL', ARGV[2] .. id, 'pending_since')
redis.call('ZADD', KEYS[4], lease_end, id)
redis.call('SET', KEYS[5], ARGV[3] .. ' ' .. id, 'PX', ARGV[4])
return redis.call('HGET', ARGV[2] .. id, 'msg')
