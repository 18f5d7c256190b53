-- Follows wake.lua, fair.lua and one of asynq's enqueue scripts, wrapped in the function enqueue(KEYS, ARGV). It enqueues
-- tasks of one queue, and wakes the idle workers if they cannot know of one: they have seen the queue empty, or wait for a
-- later task. So a thousand tasks wake them once. A task that was scheduled by its sender is marked: many of them take
-- turns with others, see dequeue.lua.
-- KEYS 1 pending (list) or scheduled (zset); for pending 2 scheduled, 3 senders (hash, see fair.lua); then the tasks
-- ARGV four for each task: three of asynq's script, and the sender, or 1 if its sender scheduled it
-- result for each task that of asynq's script, or the text of an error
local into, scheduled, senders = KEYS[1], KEYS[2], KEYS[3]
local pending = string.sub(into, -8) == ':pending'
local shared = pending and 3 or 1

local waiting = pending and redis.call('LLEN', into)
local last -- sender, as far as it is noted

-- add_pending enqueues a task, and reports whether it is the first.
local function add_pending(keys, args)
  local reply = enqueue(keys, args)
  if reply ~= 1 then
    return reply, false
  end
  waiting = waiting + 1
  if waiting > NOTED and args[4] ~= last then
    if order(keys[1], into, scheduled, senders, args[2], args[4], waiting) then
      waiting = waiting - 1
    else
      last = args[4]
    end
  end
  return reply, waiting == 1
end

-- add_scheduled schedules a task, and reports whether it is the first.
local function add_scheduled(keys, args)
  local reply = enqueue(keys, args)
  if reply ~= 1 then
    return reply, false
  end
  if args[4] == '1' then
    redis.call('HSET', keys[1], 'timed', 1)
  end
  return reply, redis.call('ZRANGE', into, 0, 0)[1] == args[3]
end

local add = pending and add_pending or add_scheduled
local replies, wakes = {}, false
for i = 1, #KEYS - shared do
  local a = 4 * i - 3
  local done, reply, first = pcall(add, {KEYS[shared + i], into}, {ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]})
  if not done then -- a full Redis refuses new tasks, and still knows those that it has
    reply, first = type(reply) == 'table' and reply.err or tostring(reply), false
    waiting = pending and redis.call('LLEN', into)
  end
  replies[i] = reply
  wakes = wakes or first
end
if wakes then
  wake(into)
end
return replies
