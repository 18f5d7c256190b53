-- Begins to store a broadcast, stores some of its blocks, or completes it. Only the draft
-- that began last can be stored, and a complete broadcast is not changed.
-- KEYS 1 broadcast (hash) 2 its blocks (hash) 3 index of broadcasts by time (zset)
-- ARGV 1 "begin", "store" or "complete" 2 id 3 digest of its content, time and recipients 4 TTL in ms
--      begin: 5.. field, value, …; store: 5.. number, block, …; complete: 5 its new state
-- result {state, digest, completed} afterwards; completed is '1' if this call did it
local broadcast, blocks, index = unpack(KEYS)
local step, id, digest, lives = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local old = redis.call('HMGET', broadcast, 'state', 'digest', 'blocks')
local completed = '0'
local mine = old[1] == 'creating' and old[2] == digest

if step == 'begin' and (not old[1] or (old[1] == 'creating' and not mine)) then
  redis.call('DEL', broadcast, blocks) -- of an abandoned creation
  redis.call('HSET', broadcast, 'state', 'creating', 'digest', digest, 'created_at', string.format('%d', now), unpack(ARGV, 5))
  redis.call('PEXPIRE', broadcast, lives)
elseif step == 'store' and mine then
  redis.call('HSET', blocks, unpack(ARGV, 5))
  redis.call('PEXPIRE', broadcast, lives)
  redis.call('PEXPIRE', blocks, lives)
elseif step == 'complete' and mine then
  if redis.call('HLEN', blocks) ~= tonumber(old[3]) then
    return {'creating', digest, completed}
  end
  local new_state = ARGV[5]
  redis.call('HSET', broadcast, 'state', new_state, 'created_at', string.format('%d', now))
  if new_state == 'running' then
    redis.call('HSET', broadcast, 'started_at', string.format('%d', now))
  end
  redis.call('PEXPIRE', broadcast, lives)
  redis.call('PEXPIRE', blocks, lives)
  redis.call('ZADD', index, now, id)
  completed = '1'
end
local new = redis.call('HMGET', broadcast, 'state', 'digest')
return {new[1] or '', new[2] or '', completed}
