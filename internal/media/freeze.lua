-- Writes into a message's record which media_ids its attempts post.
-- KEYS 1 record (hash), see internal/ledger
-- ARGV 1 media_ids 2 those that they take the place of, '' = none
-- result the media_ids to post: of the first attempt, or of the newest that were renewed
local frozen = redis.call('HGET', KEYS[1], 'media')
if frozen and frozen ~= ARGV[2] then
  return frozen
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HDEL', KEYS[1], '') -- takes no memory: a full Redis lets the next write pass
  redis.call('HSET', KEYS[1], 'media', ARGV[1])
end
return ARGV[1]
