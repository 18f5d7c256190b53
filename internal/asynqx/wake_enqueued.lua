-- Follows wake.lua, fair.lua and one of asynq's enqueue scripts, wrapped in the function enqueue. It
-- wakes the idle workers if they cannot know of the task: they have seen the queue empty, or
-- wait for a later task. So a thousand tasks wake them once. A task that was scheduled by its
-- sender is marked: many of them take turns with others, see dequeue.lua.
-- KEYS 2 pending (list) or scheduled (zset); those of fair.lua
-- ARGV 3 for a task to be scheduled: its id, and 4 if its sender scheduled it: 1; those of fair.lua
-- result that of asynq's script
local reply = enqueue()
if reply == 1 then
  local first
  if string.sub(KEYS[2], -8) == ':pending' then
    local waiting = redis.call('LLEN', KEYS[2])
    first = waiting == 1
    if waiting > NOTED then
      order(waiting)
    end
  else
    if ARGV[4] then
      redis.call('HSET', KEYS[1], 'timed', 1)
    end
    first = redis.call('ZRANGE', KEYS[2], 0, 0)[1] == ARGV[3]
  end
  if first then
    wake(KEYS[2])
  end
end
return reply
