-- Schedules a task's retry, in place of asynq 0.26's own script, whose time comes from the
-- worker. Here the wait begins by Redis's clock, in the script, so a worker that has not yet
-- noticed a change of this clock does not retry the task at once.
-- KEYS 1 task (hash) 2 active (list) 3 lease (zset) 4 retry (zset)
--      5 processed of the day 6 failed of the day 7 processed 8 failed
-- ARGV 1 id 2 encoded task 3 the wait in ms 4 when KEYS 5 and 6 expire, in Unix seconds
--      5 1 if the attempt has failed 6 maximum of KEYS 7
--      7 the limit that holds it, see HoldError; '' for another reason
-- result OK, or the error NOT FOUND if the task is not active
local task, active, lease, retry, processed_today, failed_today, processed, failed = unpack(KEYS)
local id, message, wait, today_ends, attempt_failed, max_count, held_by = unpack(ARGV)
if redis.call('LREM', active, 0, id) == 0 or redis.call('ZREM', lease, id) == 0 then
  return redis.error_reply('NOT FOUND')
end
-- The next whole second, because a dequeue compares whole seconds: never early, and never at once.
local t = redis.call('TIME')
local due = t[1] + math.ceil(t[2] / 1000000 + math.max(wait, 1) / 1000)
redis.call('ZADD', retry, due, id)
-- look.lua reads what it waits for and since when. The first wait began when it was enqueued or, for
-- a scheduled task, about now.
local since = redis.call('HMGET', task, 'waits_since', 'pending_since')
local waits_since = since[1] or since[2] or string.format('%d000000000', t[1])
redis.call('HSET', task, 'msg', message, 'state', 'retry', 'waits_since', waits_since, 'held_by', held_by)
redis.call('HDEL', task, 'pending_since')
if attempt_failed == '1' then
  for _, counter in ipairs({processed_today, failed_today}) do
    if redis.call('INCR', counter) == 1 then
      redis.call('EXPIREAT', counter, today_ends)
    end
  end
  if redis.call('GET', processed) == max_count then
    redis.call('SET', processed, 1)
    redis.call('SET', failed, 1)
  else
    redis.call('INCR', processed)
    redis.call('INCR', failed)
  end
end
return redis.status_reply('OK')
