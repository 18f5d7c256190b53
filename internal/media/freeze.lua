-- Records which media_ids the attempts of a message post.
-- KEYS 1 record (hash), see internal/ledger
-- ARGV 1 media_ids 2 those that they replace, '' = none
-- result the media_ids to post: of the first attempt, or the latest renewed ones
local frozen = redis.call('HGET', KEYS[1], 'media')
if frozen and frozen ~= ARGV[2] then
  return frozen
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HDEL', KEYS[1], '') -- takes no memory: a full Redis lets the next write pass
  redis.call('HSET', KEYS[1], 'media', ARGV[1])
end
return ARGV[1]
