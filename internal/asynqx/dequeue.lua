-- Takes tasks, in place of asynq 0.26's own script, with four differences. It takes as many
-- as there are handlers for. A task whose time has come goes first, the earliest of all:
-- asynq's forwarder would put it behind all that wait. A server that did not get the reply
-- asks again under the same name and gets the same tasks; otherwise nobody would process them
-- until their leases end and the recoverer finds them. And the time is that of Redis's clock.
-- It begins with a write that takes no memory: a full Redis lets the script go on then, and
-- sending is what empties it.
-- KEYS 1 pending (list) 2 paused (string) 3 active (list) 4 lease (zset)
--      5 the last tasks that this server took (string: the dequeue's name and the
--        task ids, a line each)
--      6 scheduled (zset) 7 retry (zset)
-- ARGV 1 length of a lease in s 2 prefix of the tasks' keys
--      3 name of this dequeue 4 life of KEYS 5 in ms: less than a lease lasts
--      5 how many tasks at most 6 how many bytes: the task that exceeds them is the last
-- result id, encoded task, … or nil
local now = tonumber(redis.call('TIME')[1])
local lease_end = now + ARGV[1]
redis.call('ZREM', KEYS[4], '')
local taken = redis.call('GET', KEYS[5])
if taken then
  local name, ids = string.match(taken, '^(%S+)\n(.+)$')
  local again = {}
  if name == ARGV[3] then
    for id in string.gmatch(ids, '[^\n]+') do
      if redis.call('ZSCORE', KEYS[4], id) then
        redis.call('ZADD', KEYS[4], lease_end, id)
        table.insert(again, id)
        table.insert(again, redis.call('HGET', ARGV[2] .. id, 'msg'))
      end
    end
  end
  if #again > 0 then
    return again
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
local some_are_due = true
local function take()
  local from, id, at = KEYS[6], nil, nil
  if some_are_due then
    id, at = due(from)
    local retried, retried_at = due(KEYS[7])
    if retried_at < at or (retried and retried_at == at and retried < id) then
      from, id = KEYS[7], retried
    end
  end
  if not id then
    some_are_due = false
    return redis.call('RPOPLPUSH', KEYS[1], KEYS[3])
  end
  redis.call('ZREM', from, id)
  redis.call('LPUSH', KEYS[3], id)
  return id
end

local tasks, ids, bytes = {}, {}, 0
while #ids < tonumber(ARGV[5]) and bytes < tonumber(ARGV[6]) do
  local id = take()
  if not id then
    break
  end
  local key = ARGV[2] .. id
  local task = redis.call('HGET', key, 'msg')
  if task then
    redis.call('HSET', key, 'state', 'active')
    redis.call('HDEL', key, 'pending_since')
    redis.call('ZADD', KEYS[4], lease_end, id)
    bytes = bytes + #task
    table.insert(ids, id)
    table.insert(tasks, id)
    table.insert(tasks, task)
  else -- deleted while it waited
    redis.call('LREM', KEYS[3], 1, id)
  end
end
if #ids == 0 then
  return nil
end
redis.call('SET', KEYS[5], ARGV[3] .. '\n' .. table.concat(ids, '\n'), 'PX', ARGV[4])
return tasks
