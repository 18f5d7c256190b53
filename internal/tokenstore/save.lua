-- Publishes a new token and releases the lock.
-- KEYS 1 token (hash) 2 lock (string) 3 failure (hash)
-- ARGV 1 owner of the lock 2 token 3 refresh in ms 4 expires in ms 5 now in ms, 0 = Redis TIME
-- result 1
local now = tonumber(ARGV[5])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
redis.call('DEL', KEYS[3]) -- the first write takes no memory: a full Redis lets the next one pass
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'refresh_at', now + ARGV[3], 'expires_at', now + ARGV[4], 'saved_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
return 1
