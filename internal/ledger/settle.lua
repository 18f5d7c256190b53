-- Writes down what became of an attempt. broadcast.lua stands before this text.
-- KEYS 1 record (hash) 2 msgid index (string); the same as 1 when there is no msgid
--      3 index of records by time (zset) 4 stream of results 5 index of dead letters by time (zset)
--      6 payload of the message (string) 7 the broadcast that it is a call of (hash); the same as 1 if none
-- ARGV 1 new state 2 outcome unknown: 1 when WeCom may have taken the message
--      3 retention ms 4 now in ms, 0 = Redis TIME 5 id
--      6 states that may become the new one: ",queued,held,"; ",," is in it when there need be no record
--      7 payload, for the states that can be replayed; '' if it is lost 8 results that the stream keeps
--      9 the call, see broadcast.lua; '' for none 10 WeCom's msgid, packed, for the broadcast
--      11.. field, value, …
-- result the whole record: field, value, …
local now = tonumber(ARGV[4])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local new, retention = ARGV[1], ARGV[3]

-- Removes a few entries whose records have ended. Every settlement adds one at
-- most, so a few are enough, and none of them waits for long.
local function trim(index)
  local old = redis.call('ZRANGEBYSCORE', index, '-inf', now - retention, 'LIMIT', 0, 20)
  if #old > 0 then
    redis.call('ZREM', index, unpack(old))
  end
  redis.call('PEXPIRE', index, retention)
end

local function fields_of(key)
  local all, fields = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    fields[all[i]] = all[i + 1]
  end
  return fields, all
end

local call = broadcast_call(KEYS[7], ARGV[9])
if call and broadcast_done(call) and redis.call('EXISTS', KEYS[1]) == 0 then
  return {'state', new, unpack(ARGV, 11)} -- this settlement's reply was lost
end
local before = call and fields_of(KEYS[1])
local r = redis.call('HMGET', KEYS[1], 'state', 'unknown_since', 'attempt_at')
local state, unknown_since = r[1] or '', r[2]
-- A message whose worker died in the call can be cancelled like one in doubt.
local abandoned = new == 'cancelled' and state == 'sending' and now - tonumber(r[3] or now) > IN_FLIGHT
unknown_since = unknown_since or (abandoned and r[3])
if not abandoned and not string.find(ARGV[6], ',' .. state .. ',', 1, true) then
  return redis.call('HGETALL', KEYS[1])
end
-- Whatever followed an attempt in doubt, WeCom may have the message.
local in_doubt = unknown_since and (new == 'cancelled' or new == 'rejected' or new == 'expired')
if in_doubt then
  new = 'unknown'
end
-- Of an earlier attempt, which a replay may have made. It is the first write: a full
-- Redis refuses a script whose first write takes memory, but not one that has begun
-- to write, and nobody else knows the outcome.
redis.call('HDEL', KEYS[1], 'invalid', 'unlicensed', 'invalid_parties', 'invalid_tags', 'response_code')
redis.call('HSET', KEYS[1], 'state', new, unpack(ARGV, 11))
if in_doubt then
  redis.call('HSET', KEYS[1], 'errmsg',
    'WeCom may have it from an earlier attempt, which got no answer; then: ' .. redis.call('HGET', KEYS[1], 'errmsg'))
end
if FINAL[new] then
  redis.call('HSET', KEYS[1], 'finished_at', now)
end
if call and FINAL[new] then
  local after, flat = fields_of(KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[5])
  if broadcast_fold(call, before, after, ARGV[10], now) then
    redis.call('PEXPIRE', KEYS[1], math.max(retention, WAITING)) -- see gone.lua
  else
    redis.call('DEL', KEYS[1])
  end
  return flat
end
if FINAL[new] then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], '*', 'id', ARGV[5], 'state', new)
end
if ARGV[2] == '1' then
  redis.call('HSETNX', KEYS[1], 'unknown_since', redis.call('HGET', KEYS[1], 'attempt_at') or now)
  redis.call('HINCRBY', KEYS[1], 'in_doubt', 1)
end
if KEYS[2] ~= KEYS[1] then
  redis.call('SET', KEYS[2], ARGV[5], 'PX', retention)
end
redis.call('PEXPIRE', KEYS[1], math.max(retention, WAITING)) -- see gone.lua
redis.call('ZADD', KEYS[3], now, ARGV[5])
trim(KEYS[3])
if DEAD[new] then
  redis.call('ZADD', KEYS[5], now, ARGV[5])
  trim(KEYS[5])
elseif DEAD[state] then
  redis.call('ZREM', KEYS[5], ARGV[5])
end
if REPLAYABLE[new] and ARGV[7] ~= '' then
  redis.call('SET', KEYS[6], ARGV[7], 'PX', retention)
elseif REPLAYABLE[state] then
  redis.call('DEL', KEYS[6])
end
return redis.call('HGETALL', KEYS[1])
