-- Allows gettoken to be called at once although a failure is being waited out. The number
-- of failures is kept: a secret that is still wrong waits longer.
-- KEYS 1 failure (hash)
-- result 1 if there was one, else 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'until', 0)
  return 1
end
return 0
