-- Decides what a process does to give a file its media_id.
-- KEYS 1 upload (hash) 2 lock (string) 3 content (hash) 4 kept (zset) 5 bytes (string)
-- ARGV 1 owner of the lock 2 lock lifetime in ms 3 hash 4 life of the content in ms
--      5 media_id that WeCom has refused, '' = none 6 now in ms, 0 = Redis TIME
-- result {"use", media_id}
--        {"upload"}                    the caller has the lock
--        {"failed", code, msg, status} an upload failed recently
--        {"gone"}                      there is neither a media_id nor the content
--        {"wait"}                      another process is uploading it
local upload, lock, content, kept, bytes = unpack(KEYS)
local owner, lock_life, hash, life, refused, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], now_ms(ARGV[6])
redis.call('HDEL', upload, '') -- takes no memory: a full Redis lets the next write pass
if refused ~= '' and redis.call('HGET', upload, 'id') == refused then
  redis.call('DEL', upload)
end
local there = extend(content, kept, bytes, hash, now, life)
local found = redis.call('HMGET', upload, 'id', 'code', 'msg', 'status')
if found[1] then
  return {'use', found[1]}
end
if found[2] then
  return {'failed', found[2], found[3], found[4]}
end
if not there then
  return {'gone'}
end
if redis.call('SET', lock, owner, 'NX', 'PX', lock_life) then
  return {'upload'}
end
return {'wait'}
