-- Writes down what became of an attempt.
-- KEYS 1 record (hash) 2 msgid index (string); the same as 1 when there is no msgid
-- ARGV 1 new state 2 outcome unknown: 1 when WeCom may have taken the message
--      3 retention ms 4 now in ms, 0 = Redis TIME 5 id
--      6.. field, value, …
-- result the whole record: field, value, …
local now = tonumber(ARGV[4])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local finals = {accepted = true, partial = true, rejected = true, unknown = true, expired = true, cancelled = true}
local sent = {accepted = true, partial = true}

-- A full Redis refuses a script whose first write takes memory, but not one that has
-- begun to write. This one must not be refused: nobody else knows the outcome.
redis.call('PEXPIRE', KEYS[1], ARGV[3])

-- A late answer "accepted" overrules everything; any other comes too late once the record is final.
local state = redis.call('HGET', KEYS[1], 'state')
if not (state and finals[state]) or (sent[ARGV[1]] and not sent[state]) then
  for i = 6, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
  redis.call('HSET', KEYS[1], 'state', ARGV[1])
  if finals[ARGV[1]] then
    redis.call('HSET', KEYS[1], 'finished_at', now)
  end
  if ARGV[2] == '1' then
    redis.call('HSETNX', KEYS[1], 'unknown_since', redis.call('HGET', KEYS[1], 'attempt_at') or now)
  end
  if KEYS[2] ~= KEYS[1] then
    redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[3])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('HGETALL', KEYS[1])
