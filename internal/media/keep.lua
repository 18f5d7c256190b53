-- Adds a content to the books, or extends its life.
-- KEYS 1 content (hash) 2 kept (zset) 3 bytes (string)
-- ARGV 1 hash 2 its size 3 how many pieces it has, 0 = only extend it, if it is in the books
--      4 life in ms 5 limit for all contents in bytes 6 now in ms, 0 = Redis TIME
-- result {"kept"}          it stays for its life
--        {"absent"}        not all pieces are there; there is room for them
--        {"full", bytes}   there is no room; this number of bytes is used
local content, kept, bytes = unpack(KEYS)
local hash, size, pieces, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local most_bytes, now = tonumber(ARGV[5]), now_ms(ARGV[6])
redis.call('ZREM', kept, '') -- takes no memory: a full Redis lets the next write pass
close_ended(kept, bytes, now)
if extend(content, kept, bytes, hash, now, life) then
  return {'kept'}
end
local taken = tonumber(redis.call('GET', bytes) or '0')
if taken + size > most_bytes then
  redis.call('DEL', content)
  return {'full', text(taken)}
end
if pieces == 0 or redis.call('HLEN', content) ~= pieces then
  return {'absent'}
end
redis.call('HSET', content, 'size', size)
redis.call('INCRBY', bytes, size)
extend(content, kept, bytes, hash, now, life)
return {'kept'}
