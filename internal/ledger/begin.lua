-- Writes down an attempt before the call, or says why there must be none.
-- KEYS 1 record (hash)
-- ARGV 1 in-flight ms: an attempt younger than this may still be under way
--      2 resend ms: a message that WeCom may have taken is sent again
--        -1 always, 0 never, n within n ms of the first attempt of that kind
--      3 marks duplicates: 1 when sending again may double the message
--      4 deadline of the message in ms, 0 = none
--      5 retention ms 6 now in ms, 0 = Redis TIME
--      7.. field, value, …: written with the first attempt
-- result {"go", attempts}      the attempt is yours
--        {"final"}             the message is done with, call nobody
--        {"busy", ms}          another attempt is under way for at most this long
--        {"park"}              the outcome is unknown and may not be tried again
--        {"expired"}           the deadline has passed, and WeCom cannot have it
local now = tonumber(ARGV[6])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local deadline = tonumber(ARGV[4])
local expired = deadline > 0 and now >= deadline
local finals = {accepted = true, partial = true, rejected = true, unknown = true, expired = true, cancelled = true}

local r = redis.call('HMGET', KEYS[1], 'state', 'attempt_at', 'unknown_since')
local state, attempt_at, unknown_since = r[1], tonumber(r[2] or 0), tonumber(r[3] or 0)
if state and finals[state] then
  return {'final'}
end
if state == 'sending' then
  local left = attempt_at + ARGV[1] - now
  if left > 0 then
    return {'busy', left}
  end
  -- Whoever began that attempt is gone, and so is WeCom's answer.
  if unknown_since == 0 then
    unknown_since = attempt_at
    redis.call('HSET', KEYS[1], 'unknown_since', attempt_at)
  end
end
if unknown_since > 0 then
  local resend = tonumber(ARGV[2])
  if expired or (resend >= 0 and now - unknown_since >= resend) then
    redis.call('HSET', KEYS[1], 'state', 'queued')
    return {'park'}
  end
  if ARGV[3] == '1' then
    redis.call('HSET', KEYS[1], 'possible_duplicate', 1)
  end
end
if expired then
  return {'expired'}
end
if not state then
  for i = 7, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HSET', KEYS[1], 'state', 'sending', 'attempt_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'go', redis.call('HINCRBY', KEYS[1], 'attempts', 1)}
