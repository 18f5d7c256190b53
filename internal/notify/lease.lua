-- Takes or renews the lease of a receiver, and reads the position up to which it was notified.
-- KEYS 1 owner of the lease (string) 2 position (string)
-- ARGV 1 caller 2 ms that the lease lasts 3 position to begin at, in Unix ms, if there is none
--      4 ms that the position is kept
-- result the position; '' if another process has the lease
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return ''
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4], 'NX')
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return redis.call('GET', KEYS[2])
