-- Lets the record of a message end in its time, now that its task is gone.
-- KEYS 1 record (hash)
-- ARGV 1 retention ms
-- result 1 when the message has ended
if not FINAL[redis.call('HGET', KEYS[1], 'state') or ''] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
