-- Saves the progress of a step of the feeder, unless the cursor was moved meanwhile.
-- KEYS 1 broadcast (hash)
-- ARGV 1 the cursor as the step found it, '' = none 2 the new one 3 until when the
--      broadcast's own rate is used up, in ms 4 the number of finished calls 5 when the last of them
--      finished, in ms 6 when the feeder started over with the first call, in ms
-- result 1 if it was saved
local r = redis.call('HMGET', KEYS[1], 'state', 'cursor')
if not r[1] or (r[2] or '') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'cursor', ARGV[2], 'fed_at', ARGV[3],
  'progress', ARGV[4], 'progress_at', ARGV[5], 'rewound_at', ARGV[6])
return 1
