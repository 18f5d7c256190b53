-- Records that a token was used, by the clock of Redis.
-- KEYS 1 when it was used last (string)
-- ARGV 1 how long ago it was, in ms
-- ARGV 2 TTL in ms
-- result OK
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('SET', KEYS[1], string.format('%.0f', now - ARGV[1]), 'PX', ARGV[2])
