-- Changes the state of a broadcast.
-- KEYS 1 broadcast (hash)
-- ARGV 1 states that may change: ",running,paused," 2 the new state; "begin" for running,
--      or scheduled before its time 3 its time in ms, 0 = none
--      4 the verb: "paused", "approved", … 5 the actor
-- result {the previous state, "" if there is no broadcast; 1 if it was changed}
local broadcast = KEYS[1]
local may_change, new, begins_at, action, actor = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local state = redis.call('HGET', broadcast, 'state')
if not state then
  return {'', '0'}
end
if not string.find(may_change, ',' .. state .. ',', 1, true) then
  return {state, '0'}
end
if new == 'begin' then
  new = begins_at > now and 'scheduled' or 'running'
  -- Withdrawn calls are enqueued again. Every reset cursor is unique, so that a running step
  -- of the feeder notices it: see cursor.lua.
  redis.call('HSET', broadcast, 'cursor', '0 0 0 ' .. t[1] .. string.format('%06d', t[2]))
  redis.call('HDEL', broadcast, 'fed_at', 'progress_at')
end
local at = string.format('%d', now)
redis.call('HSET', broadcast, 'state', new)
if new == 'running' then
  redis.call('HSETNX', broadcast, 'started_at', at)
elseif new == 'cancelled' then
  redis.call('HSET', broadcast, 'finished_at', at)
end
if actor ~= '' then
  redis.call('HSET', broadcast, action .. '_by', actor, action .. '_at', at)
end
return {state, '1'}
