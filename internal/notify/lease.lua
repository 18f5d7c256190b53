-- Takes or renews the lease of a receiver, and the place up to which it was told.
-- KEYS 1 who has the lease (string) 2 place (string)
-- ARGV 1 who asks 2 ms that the lease lasts 3 place to begin at, in Unix ms, if there is none 4 how long the place is kept, ms
-- result the place; '' if another has the lease
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return ''
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4], 'NX')
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return redis.call('GET', KEYS[2])
