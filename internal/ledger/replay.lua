-- Claims a message for one replay.
-- KEYS 1 record (hash) 2 index of dead letters (zset)
-- ARGV 1 id 2 id of the message that replaces it
-- result {"claimed"}         the caller has the claim
--        {"replayed", id}    the message was claimed before, and replayed as id
--        {"not", state}      a message of this state cannot be replayed; "" without a record
local r = redis.call('HMGET', KEYS[1], 'state', 'replayed_as')
if not r[1] or not REPLAYABLE[r[1]] then
  return {'not', r[1] or ''}
end
if r[2] then
  return {'replayed', r[2]}
end
redis.call('HSET', KEYS[1], 'replayed_as', ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
return {'claimed'}
