-- Takes tasks, in place of asynq 0.26's own script, with six differences. It takes as many
-- as there are handlers for. If there are none, it returns when the next one is due, so that
-- servers need not poll. A due task goes first, the earliest of all: asynq's forwarder would
-- put it behind all that wait. A server that did not get the reply asks again under the same
-- name and gets the same tasks; otherwise they would stay unprocessed until their leases end.
-- If many tasks were scheduled for one moment, they alternate with those that wait. And the
-- time is that of Redis's clock.
-- MANY is declared before this text, by wake.go.
-- It begins with a write that takes no memory: then a full Redis lets the script continue, and
-- sending is what empties it.
-- KEYS 1 pending (list) 2 paused (string) 3 active (list) 4 lease (zset)
--      5 the last tasks that this server took (string: the dequeue's name and the
--        task ids, a line each)
--      6 scheduled (zset) 7 retry (zset)
-- ARGV 1 length of a lease in s 2 prefix of the tasks' keys
--      3 name of this dequeue: its sequence number 4 life of KEYS 5 in ms: less than a lease lasts
--      5 how many tasks at most 6 how many bytes: the task that exceeds them is the last
-- result id, encoded task, …; if there is none '', and in how many ms there may be one, -1 if
--        none is known to come
local pending, paused, active, lease, last_taken, scheduled, retry = unpack(KEYS)
local lease_length, prefix, dequeue, last_taken_life = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most_tasks, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now, micros = tonumber(time[1]), tonumber(time[2])
local lease_end = tostring(now + lease_length) -- Redis is slow to format numbers
redis.call('ZREM', lease, '')
local taken = redis.call('GET', last_taken)
if taken then
  local name, its_ids = string.match(taken, '^(%S+)\n(.+)$')
  local again = {}
  if name == dequeue then
    for id in string.gmatch(its_ids, '[^\n]+') do
      if redis.call('ZSCORE', lease, id) then
        redis.call('ZADD', lease, lease_end, id)
        table.insert(again, id)
        table.insert(again, redis.call('HGET', prefix .. id, 'msg'))
      end
    end
  end
  if #again > 0 then
    return again
  end
end
local paused_for = redis.call('PTTL', paused) -- -2: not paused; -1: without a TTL
if paused_for ~= -2 then
  return {'', tostring(paused_for < 0 and paused_for or paused_for + 1)}
end

-- due returns the earliest task of a set, and its time; no task if that is in the future.
local next_due = math.huge
local function due(set)
  local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
  local at = tonumber(first[2] or math.huge)
  if at > now then
    next_due = math.min(next_due, at)
    return nil, math.huge
  end
  return first[1], at
end

local tasks, ids, bytes = {}, {}, 0
local function may_take_more()
  return #ids < most_tasks and bytes < most_bytes
end

-- activate makes tasks active, except those deleted while they waited, until the limits are
-- reached. They are not removed from where they were: if a power failure interrupts the script,
-- no task is lost.
-- result how many of them were processed
local function activate(waiting)
  local activated, leases, dealt = {}, {}, 0
  while dealt < #waiting and may_take_more() do
    dealt = dealt + 1
    local id = waiting[dealt]
    local key = prefix .. id
    local task = redis.pcall('HGET', key, 'msg')
    if type(task) == 'string' then
      redis.call('HSET', key, 'state', 'active')
      bytes = bytes + #task
      table.insert(activated, id)
      table.insert(leases, lease_end)
      table.insert(leases, id)
      table.insert(ids, id)
      table.insert(tasks, id)
      table.insert(tasks, task)
    end
  end
  if #activated > 0 then
    redis.call('LPUSH', active, unpack(activated))
    redis.call('ZADD', lease, unpack(leases))
  end
  return dealt
end

-- take_due takes the next task that is due.
local function take_due()
  local from = scheduled
  local id, at = due(from)
  local retried, retried_at = due(retry)
  if retried_at < at or (retried and retried_at == at and retried < id) then
    from, id = retry, retried
  end
  if id then
    activate({id})
    redis.call('ZREM', from, id)
  end
  return id
end

-- take_pending takes the next tasks from the end of the list, and returns how many.
local function take_pending(most)
  local last, waiting = redis.call('LRANGE', pending, -most, -1), {}
  for i = #last, 1, -1 do
    table.insert(waiting, last[i])
  end
  local dealt = activate(waiting)
  redis.call('LTRIM', pending, 0, -1 - dealt)
  return dealt
end

-- crowded reports whether more scheduled tasks are due than may delay others. Tasks that went ahead, or waited
-- for a limit, do not count, and come first.
local function crowded()
  if redis.call('ZCOUNT', scheduled, '-inf', now) <= MANY then
    return false
  end
  return redis.call('HEXISTS', prefix .. redis.call('ZRANGE', scheduled, 0, 0)[1], 'timed') == 1
end

local number, crowd = tonumber(dequeue), crowded() -- every other dequeue begins with a pending task
while crowd and may_take_more() do
  number = number + 1
  crowd = number % 2 == 0 and take_pending(1) > 0 or take_due()
end
while may_take_more() and take_due() do end
while may_take_more() and take_pending(most_tasks - #ids) > 0 do end
if #ids == 0 then
  local wait = -1
  if next_due < math.huge then
    wait = math.ceil((next_due - now) * 1000 - micros / 1000)
  end
  return {'', string.format('%d', wait)}
end
redis.call('SET', last_taken, dequeue .. '\n' .. table.concat(ids, '\n'), 'PX', last_taken_life)
return tasks
