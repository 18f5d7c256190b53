-- Stands after one of asynq's scripts that enqueue a task, made the function enqueue, and after
-- wake.lua and fair.lua. It wakes the idle workers if they cannot know of the task: they have
-- seen the queue empty, or count on a later one. So a thousand tasks wake them once. And it
-- keeps the order between senders fair, of a scheduled task when its time has come: until then
-- it keeps the name of its sender.
-- KEYS 1 task (hash) 2 pending (list), then 3 scheduled (zset) 4 senders (hash); or 2 scheduled
-- ARGV of one to be pending: 2 its id 4 its sender
--      of one to be scheduled: 3 its id 4 its sender, if it has to keep to the order
-- result that of asynq's script
local reply = enqueue()
if reply == 1 then
  local first
  if string.sub(KEYS[2], -8) == ':pending' then
    local waiting = redis.call('LLEN', KEYS[2])
    first = waiting == 1
    if waiting > NOTED then
      local tasks = string.sub(KEYS[1], 1, #KEYS[1] - #ARGV[2])
      order({tasks = tasks, pending = KEYS[2], scheduled = KEYS[3], senders = KEYS[4]}, ARGV[2], ARGV[4], waiting)
    end
  else
    if ARGV[4] then
      redis.call('HSET', KEYS[1], 'sender', ARGV[4])
    end
    first = redis.call('ZRANGE', KEYS[2], 0, 0)[1] == ARGV[3]
  end
  if first then
    wake(KEYS[2])
  end
end
return reply
