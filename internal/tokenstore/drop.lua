-- Deletes a token that WeCom refused, unless another has replaced it.
-- KEYS 1 token (hash)
-- ARGV 1 the refused token, as stored
-- result 1 deleted, 0 it was another one
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
