-- Releases the lock after a failed gettoken; a lasting failure is recorded, so that no
-- process calls gettoken again too early.
-- KEYS 1 lock (string) 2 failure (hash)
-- ARGV 1 owner of the lock 2 ms for which no process calls gettoken, may be 0 3 failures in a row 4 code 5 msg
--      6 HTTP status
--      7 now in ms, 0 = Redis TIME
-- result 1
local lock, failure = unpack(KEYS)
local owner, hold, in_a_row, code, msg, status, now = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
if hold > 0 then
  redis.call('HDEL', failure, '') -- takes no memory: a full Redis lets the next write pass
  redis.call('HSET', failure, 'until', now + hold, 'failures', in_a_row, 'code', code, 'msg', msg, 'status', status)
  redis.call('PEXPIRE', failure, 3600000)
end
if redis.call('GET', lock) == owner then
  redis.call('DEL', lock)
end
return 1
