-- Takes a content into the books, or keeps it longer.
-- KEYS 1 content (hash) 2 kept (zset) 3 bytes (string)
-- ARGV 1 hash 2 its size 3 how many pieces it has, 0 = take it only if it is in the books
--      4 life in ms 5 bytes that all may take 6 now in ms, 0 = Redis TIME
-- result {"kept"}          it stays for its life
--        {"absent"}        not all pieces are there; there is room for them
--        {"full", bytes}   there is no room; so many bytes are taken
local now, size, life = now_ms(ARGV[6]), tonumber(ARGV[2]), tonumber(ARGV[4])
redis.call('ZREM', KEYS[2], '') -- takes no memory: a full Redis lets the next write pass
close_ended(KEYS[2], KEYS[3], now)
if extend(KEYS[1], KEYS[2], KEYS[3], ARGV[1], now, life) then
  return {'kept'}
end
local taken = tonumber(redis.call('GET', KEYS[3]) or '0')
if taken + size > tonumber(ARGV[5]) then
  redis.call('DEL', KEYS[1])
  return {'full', text(taken)}
end
local pieces = tonumber(ARGV[3])
if pieces == 0 or redis.call('HLEN', KEYS[1]) ~= pieces then
  return {'absent'}
end
redis.call('HSET', KEYS[1], 'size', size)
redis.call('INCRBY', KEYS[3], size)
extend(KEYS[1], KEYS[2], KEYS[3], ARGV[1], now, life)
return {'kept'}
