-- Forgets a token that WeCom refused, unless another has taken its place.
-- KEYS 1 token (hash)
-- ARGV 1 the refused token, as it is stored
-- result 1 dropped, 0 it was another one
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
