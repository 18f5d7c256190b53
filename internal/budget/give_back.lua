-- Refunds messages that were not enqueued, unless their minute or day is over.
-- KEYS 1 usage of the token (hash)
-- ARGV 1 minute and 2 day in which they were charged 3 number of messages 4 number of recipients
-- result nothing
local kept = redis.call('HMGET', KEYS[1], 'minute', 'messages', 'day', 'recipients')
if kept[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'messages', math.max(0, kept[2] - ARGV[3]))
end
if kept[3] == ARGV[2] then
  redis.call('HSET', KEYS[1], 'recipients', math.max(0, kept[4] - ARGV[4]))
end
