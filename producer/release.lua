-- Deletes a claim that is the caller's.
-- KEYS 1 claim (string)
-- ARGV 1 claim of the caller
-- result 1 when it was deleted
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
