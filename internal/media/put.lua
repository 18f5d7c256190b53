-- Writes one piece of a content. All writers write the same pieces.
-- KEYS 1 content (hash)
-- ARGV 1 number of the piece 2 piece 3 life of a content that is not in the books, in ms
-- result 1
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('HEXISTS', KEYS[1], 'size') == 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
