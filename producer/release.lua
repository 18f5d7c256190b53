-- Deletes a claim if it is the caller's.
-- KEYS 1 claim (string)
-- ARGV 1 claim of the caller
-- result 1 if it was deleted
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
