-- Pauses a queue for a while, unless it is already paused.
-- KEYS 1 pause (string)
-- ARGV 1 now in Unix seconds, as asynq writes it 2 ms
-- result 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[1]) -- needs no memory: then a full Redis accepts the next write
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 0
