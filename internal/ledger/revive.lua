-- Queues a dead letter again whose task was run manually.
-- KEYS 1 record (hash) 2 index of dead letters (zset)
-- ARGV 1 id 2 attempts that the record must have: as many as when the task was archived
-- result 1 if the message is queued again, else 0
local r = redis.call('HMGET', KEYS[1], 'state', 'attempts', 'unknown_since', 'replayed_as')
if not DEAD[r[1]] or (r[2] or '0') ~= ARGV[2] or r[4] then
  return 0
end
redis.call('HDEL', KEYS[1], 'unknown_since', 'in_doubt', 'finished_at') -- the first write takes no memory: see settle.lua
-- Running it manually asks for it to be sent although WeCom may have it: the duplicate mark replaces the doubt.
if r[3] then
  redis.call('HSET', KEYS[1], 'possible_duplicate', 1)
end
redis.call('HSET', KEYS[1], 'state', 'queued')
redis.call('PEXPIRE', KEYS[1], WAITING)
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
