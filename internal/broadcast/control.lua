-- Changes the state of a broadcast.
-- KEYS 1 broadcast (hash)
-- ARGV 1 states that may change: ",running,paused," 2 the new state; "begin" for running,
--      or scheduled while its time has not come 3 its time in ms, 0 = none
--      4 what is done: "paused", "approved", … 5 who does it
-- result {the state before, "" when there is none; 1 when it was changed}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return {'', '0'}
end
if not string.find(ARGV[1], ',' .. state .. ',', 1, true) then
  return {state, '0'}
end
local new = ARGV[2]
if new == 'begin' then
  new = tonumber(ARGV[3]) > now and 'scheduled' or 'running'
  -- The calls that were taken back are enqueued again. No cursor looks like another that was
  -- put back, so that a step of the feeder sees it: see cursor.lua.
  redis.call('HSET', KEYS[1], 'cursor', '0 0 0 ' .. t[1] .. string.format('%06d', t[2]))
  redis.call('HDEL', KEYS[1], 'fed_at', 'progress_at')
end
local at = string.format('%d', now)
redis.call('HSET', KEYS[1], 'state', new)
if new == 'running' then
  redis.call('HSETNX', KEYS[1], 'started_at', at)
elseif new == 'cancelled' then
  redis.call('HSET', KEYS[1], 'finished_at', at)
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[4] .. '_by', ARGV[5], ARGV[4] .. '_at', at)
end
return {state, '1'}
