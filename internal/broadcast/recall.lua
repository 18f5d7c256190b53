-- Updates the record of a recall, for the run that has the lease.
-- KEYS 1 record of the recall (hash)
-- ARGV 1 owner of the lease 2 its TTL in ms, 0 = release it 3 TTL of the hash in ms
--      4.. field, number to add, …
-- result 1, or 0 if another run has the lease: then nothing is written
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'by', 'until')
if lease[1] and lease[1] ~= ARGV[1] and tonumber(lease[2]) > now then
  return 0
end
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[1], 'by', ARGV[1], 'until', string.format('%d', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
