-- Publishes a media_id and releases the lock. If the lock was lost meanwhile, and another
-- process has published one, that one stays.
-- KEYS 1 upload (hash) 2 lock (string)
-- ARGV 1 owner of the lock 2 media_id 3 its life in ms
-- result the media_id to use
local mine = redis.call('GET', KEYS[2]) == ARGV[1]
redis.call('HDEL', KEYS[1], 'code', 'msg', 'status') -- takes no memory: a full Redis lets the next write pass
local published = redis.call('HGET', KEYS[1], 'id')
if not mine and published then
  return published
end
redis.call('HSET', KEYS[1], 'id', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if mine then
  redis.call('DEL', KEYS[2])
end
return ARGV[2]
