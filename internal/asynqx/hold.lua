-- Records what a scheduled task waits for, and since when: it is part of a message that waits.
-- KEYS 1 task (hash)
-- ARGV 1 the limit that holds it 2 since when, in Unix ns
-- result 1, or 0 if the task is gone
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'held_by', ARGV[1], 'waits_since', ARGV[2])
return 1
