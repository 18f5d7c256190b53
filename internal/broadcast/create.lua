-- Begins to store a broadcast, stores some of its blocks, or completes it. Only the draft
-- that began last is stored, and none that is complete.
-- KEYS 1 broadcast (hash) 2 its blocks (hash) 3 index of broadcasts by time (zset)
-- ARGV 1 "begin", "store" or "complete" 2 id 3 digest of all that it says 4 ms to live
--      begin: 5.. field, value, …; store: 5.. number, block, …; complete: 5 its new state
-- result {state, digest, completed} as they are afterwards; completed is '1' if this call did it
local step, id, digest, lives = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local old = redis.call('HMGET', KEYS[1], 'state', 'digest', 'blocks')
local completed = '0'
local mine = old[1] == 'creating' and old[2] == digest

if step == 'begin' and (not old[1] or (old[1] == 'creating' and not mine)) then
  redis.call('DEL', KEYS[1], KEYS[2]) -- of a creation that was given up
  redis.call('HSET', KEYS[1], 'state', 'creating', 'digest', digest, 'created_at', string.format('%d', now), unpack(ARGV, 5))
  redis.call('PEXPIRE', KEYS[1], lives)
elseif step == 'store' and mine then
  redis.call('HSET', KEYS[2], unpack(ARGV, 5))
  redis.call('PEXPIRE', KEYS[1], lives)
  redis.call('PEXPIRE', KEYS[2], lives)
elseif step == 'complete' and mine then
  if redis.call('HLEN', KEYS[2]) ~= tonumber(old[3]) then
    return {'creating', digest, completed}
  end
  redis.call('HSET', KEYS[1], 'state', ARGV[5], 'created_at', string.format('%d', now))
  if ARGV[5] == 'running' then
    redis.call('HSET', KEYS[1], 'started_at', string.format('%d', now))
  end
  redis.call('PEXPIRE', KEYS[1], lives)
  redis.call('PEXPIRE', KEYS[2], lives)
  redis.call('ZADD', KEYS[3], now, id)
  completed = '1'
end
local new = redis.call('HMGET', KEYS[1], 'state', 'digest')
return {new[1] or '', new[2] or '', completed}
