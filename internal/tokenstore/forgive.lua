-- Lets gettoken be called at once after a failure that is being waited out. How often
-- it has failed stays known: a secret that is still wrong waits longer.
-- KEYS 1 failure (hash)
-- result 1 when there was one, else 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'until', 0)
  return 1
end
return 0
