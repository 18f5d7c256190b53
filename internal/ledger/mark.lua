-- Writes one field of a record, if the record exists.
-- KEYS 1 record (hash)
-- ARGV 1 field 2 value
-- result 1 if it was written
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1]) -- the first write takes no memory: see settle.lua
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
