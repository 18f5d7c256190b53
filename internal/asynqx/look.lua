-- Looks at the tasks of a queue that wait for nothing but a worker: the pending ones, and
-- the scheduled and failed ones whose time has come.
-- KEYS 1 pending (list) 2 scheduled (zset) 3 retry (zset)
-- ARGV 1 prefix of the tasks' keys
-- result {scheduled tasks that are due, failed tasks that are due, how many µs the next
--        task has waited: 0 if there is none, or if it was run by hand, which sets no time}
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local since = math.huge

local function due(set)
  local first = redis.call('ZRANGEBYSCORE', set, '-inf', t[1], 'WITHSCORES', 'LIMIT', 0, 1)
  since = math.min(since, tonumber(first[2] or math.huge) * 1000000)
  return redis.call('ZCOUNT', set, '-inf', t[1])
end
local scheduled, failed = due(KEYS[2]), due(KEYS[3])

if since == math.huge then
  local id = redis.call('LINDEX', KEYS[1], -1)
  local pending_since = id and redis.call('HGET', ARGV[1] .. id, 'pending_since')
  since = pending_since and pending_since / 1000 or now
end
return {scheduled, failed, math.floor(math.max(now - since, 0))}
