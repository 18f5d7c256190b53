-- Releases the lock after a failed upload, and records the failure for a while: others
-- would fail likewise.
-- KEYS 1 upload (hash) 2 lock (string)
-- ARGV 1 owner of the lock 2 ms until it is tried again, may be 0 3 code 4 msg 5 HTTP status
-- result 1
redis.call('HDEL', KEYS[1], '') -- takes no memory: a full Redis lets the next write pass
if tonumber(ARGV[2]) > 0 and redis.call('HEXISTS', KEYS[1], 'id') == 0 then
  redis.call('HSET', KEYS[1], 'code', ARGV[3], 'msg', ARGV[4], 'status', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
return 1
