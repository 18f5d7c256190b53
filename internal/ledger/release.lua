-- Releases the claim of a replay whose message could not be enqueued.
-- KEYS 1 record (hash) 2 index of dead letters (zset)
-- ARGV 1 id 2 id of the message that was to replace it
-- result 1 if there was such a claim
local r = redis.call('HMGET', KEYS[1], 'state', 'replayed_as', 'finished_at')
if r[2] ~= ARGV[2] then
  return 0
end
redis.call('HDEL', KEYS[1], 'replayed_as')
if DEAD[r[1]] then
  redis.call('ZADD', KEYS[2], r[3], ARGV[1])
end
return 1
