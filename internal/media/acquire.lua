-- What one process should do to give a file its media_id.
-- KEYS 1 upload (hash) 2 lock (string) 3 content (hash) 4 kept (zset) 5 bytes (string)
-- ARGV 1 owner of the lock 2 lock lifetime in ms 3 hash 4 life of the content in ms
--      5 media_id that WeCom has refused, '' = none 6 now in ms, 0 = Redis TIME
-- result {"use", media_id}
--        {"upload"}                    the lock is yours
--        {"failed", code, msg, status} an upload has failed a moment ago
--        {"gone"}                      neither media_id nor content are there
--        {"wait"}                      another process is uploading it
local now = now_ms(ARGV[6])
redis.call('HDEL', KEYS[1], '') -- takes no memory: a full Redis lets the next write pass
if ARGV[5] ~= '' and redis.call('HGET', KEYS[1], 'id') == ARGV[5] then
  redis.call('DEL', KEYS[1])
end
local there = extend(KEYS[3], KEYS[4], KEYS[5], ARGV[3], now, tonumber(ARGV[4]))
local upload = redis.call('HMGET', KEYS[1], 'id', 'code', 'msg', 'status')
if upload[1] then
  return {'use', upload[1]}
end
if upload[2] then
  return {'failed', upload[2], upload[3], upload[4]}
end
if not there then
  return {'gone'}
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {'upload'}
end
return {'wait'}
