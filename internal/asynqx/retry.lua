-- Lets a task wait for its next attempt, in place of asynq 0.26's own script, which is told by
-- the worker when that is due. Here the wait begins by Redis's clock, in the script, so a
-- worker that has not heard yet that this clock was set does not bring the task back at once.
-- KEYS 1 task (hash) 2 active (list) 3 lease (zset) 4 retry (zset)
--      5 processed of the day 6 failed of the day 7 processed 8 failed
-- ARGV 1 id 2 encoded task 3 how long it waits, in ms 4 when KEYS 5 and 6 expire, in Unix seconds
--      5 1 if the attempt has failed 6 the most that KEYS 7 counts to
--      7 the limit that holds it, see HoldError; '' for another reason
-- result OK, or the error NOT FOUND if the task is not active
if redis.call('LREM', KEYS[2], 0, ARGV[1]) == 0 or redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then
  return redis.error_reply('NOT FOUND')
end
-- The next whole second, as a dequeue looks for whole ones: never early, and never at once.
local t = redis.call('TIME')
local due = t[1] + math.ceil(t[2] / 1000000 + math.max(ARGV[3], 1) / 1000)
redis.call('ZADD', KEYS[4], due, ARGV[1])
-- What it waits for and since when is asked by look.lua. Its first wait began when it was
-- enqueued, or, of one that was scheduled, about now.
local since = redis.call('HMGET', KEYS[1], 'waits_since', 'pending_since')
since = since[1] or since[2] or string.format('%d000000000', t[1])
redis.call('HSET', KEYS[1], 'msg', ARGV[2], 'state', 'retry', 'waits_since', since, 'held_by', ARGV[7])
redis.call('HDEL', KEYS[1], 'pending_since')
if ARGV[5] == '1' then
  for i = 5, 6 do
    if redis.call('INCR', KEYS[i]) == 1 then
      redis.call('EXPIREAT', KEYS[i], ARGV[4])
    end
  end
  if redis.call('GET', KEYS[7]) == ARGV[6] then
    redis.call('SET', KEYS[7], 1)
    redis.call('SET', KEYS[8], 1)
  else
    redis.call('INCR', KEYS[7])
    redis.call('INCR', KEYS[8])
  end
end
return redis.status_reply('OK')
