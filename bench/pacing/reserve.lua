-- Assigns the next call its time.
--
-- KEYS 1 up to when the rate is used up, in µs (string)
-- ARGV 1 interval between calls in µs
-- result how long to wait, in µs
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%.0f', at + ARGV[1]))
return at - now
