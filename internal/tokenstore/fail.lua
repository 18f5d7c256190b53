-- Gives the lock back after a failed gettoken; a failure that lasts is written
-- down, so that no process calls gettoken again before its time.
-- KEYS 1 lock (string) 2 failure (hash)
-- ARGV 1 owner of the lock 2 rest in ms, 0 = none 3 failures in a row 4 code 5 msg 6 HTTP status
--      7 now in ms, 0 = Redis TIME
-- result 1
local now = tonumber(ARGV[7])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
if tonumber(ARGV[2]) > 0 then
  redis.call('HDEL', KEYS[2], '') -- takes no memory: a full Redis lets the next write pass
  redis.call('HSET', KEYS[2], 'until', now + ARGV[2], 'failures', ARGV[3], 'code', ARGV[4], 'msg', ARGV[5], 'status', ARGV[6])
  redis.call('PEXPIRE', KEYS[2], 3600000)
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
