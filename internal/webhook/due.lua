-- Lists digests and waiting messages that are due.
-- KEYS 1 due (zset)
-- ARGV 1 now in ms, 0 = Redis TIME 2 maximum
-- result names, the longest due first
local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
