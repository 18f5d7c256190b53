-- Records the outcomes of attempts. broadcast.lua stands before this text.
-- KEYS 1 index of records by time (zset) 2 stream of results 3 index of dead letters by time (zset)
--      4 prefix of the hashes that count the calls of an hour
--      then for each message: its record (hash), the msgid index (string; the record again if
--      there is no msgid), its payload (string), and the broadcast whose call it is (hash;
--      the record again if none)
-- ARGV 1 now in ms, 0 = Redis TIME 2 ms that a record lives 3 results that the stream keeps
--      then for each message the fields of `s` below, in their order; then field, value, … of
--      a new record, if there may be none yet, and those that this settlement sets
-- result for each message {'all', field, value, …} with the whole record, or {'rest', …} with
--      its fields except those two kinds, or {'none'} if there is no record and no fields for
--      a new one were given, or {'error', why}
local index, results, dead, minutes = unpack(KEYS, 1, 4)
local now, record_ttl, results_kept = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local FIRST_KEY, FIRST_ARG, LENGTH = 5, 4, 9
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local now_text = string.format('%.0f', now) -- Redis is slow to format numbers

-- settlement_at returns the settlement whose arguments follow i.
local function settlement_at(i)
  local first_set = i + LENGTH + 1 + tonumber(ARGV[i + 8])
  return {
    new = ARGV[i + 1],              -- state
    in_doubt = ARGV[i + 2] == '1',  -- WeCom may have taken the message
    id = ARGV[i + 3],
    from = ARGV[i + 4],             -- states that may become new: ",queued,held,"; ",," is in it if the record may be missing
    payload = ARGV[i + 5],          -- for states that can be replayed; '' if it is lost
    call = ARGV[i + 6],             -- see broadcast.lua; '' for none
    msgid = ARGV[i + 7],            -- WeCom's, packed, for the broadcast
    first_field = i + LENGTH + 1,
    first_set = first_set,
    last_set = first_set + tonumber(ARGV[i + 9]) - 1,
  }
end

-- fields_of reads a record, as a table and as Redis returns it.
local function fields_of(key)
  local all, fields = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    fields[all[i]] = all[i + 1]
  end
  return fields, all
end

local function whole(key)
  return {'all', unpack(redis.call('HGETALL', key))}
end

local settled, died = {}, {} -- {moment, id, …} for the indexes

-- The calls of each minute are counted for the view of the app.
local calls, failed = 0, 0
local function count(called, new)
  calls, failed = calls + (called and 1 or 0), failed + (FAILED[new] and 1 or 0)
end

local function settle_one(s, key, msgid_index, payload, broadcast)
  local call = broadcast_call(broadcast, s.call)
  if call and broadcast_done(call) and redis.call('EXISTS', key) == 0 then
    return {'rest', 'state', s.new} -- this settlement's reply was lost
  end
  local before = call and fields_of(key)
  local r = redis.call('HMGET', key, 'state', 'unknown_since', 'attempt_at', 'attempts', 'deferred', 'errcode')
  local state, unknown_since, new = r[1] or '', r[2], s.new
  -- A message whose worker died during the call can be cancelled like one in doubt.
  local abandoned = new == 'cancelled' and state == 'sending' and now - tonumber(r[3] or now) > IN_FLIGHT
  unknown_since = unknown_since or (abandoned and r[3])
  if not abandoned and not string.find(s.from, ',' .. state .. ',', 1, true) then
    return whole(key)
  end
  if state == '' and s.first_set == s.first_field then
    return {'none'}
  end
  -- After an attempt in doubt WeCom may have the message, whatever followed.
  local in_doubt = unknown_since and UNSENT[new]
  if in_doubt then
    new = 'unknown'
  end
  local first_outcome = state == 'sending' and r[4] == '1' and not r[6] -- every settlement sets errcode
  if not first_outcome then -- of an earlier outcome, which a replay may have had
    redis.call('HDEL', key, 'invalid', 'unlicensed', 'invalid_parties', 'invalid_tags', 'response_code')
  end
  if FINAL[new] then
    redis.call('HSET', key, 'state', new, 'finished_at', now_text, unpack(ARGV, state == '' and s.first_field or s.first_set, s.last_set))
  else
    redis.call('HSET', key, 'state', new, unpack(ARGV, state == '' and s.first_field or s.first_set, s.last_set))
  end
  if in_doubt then
    redis.call('HSET', key, 'errmsg',
      'WeCom may have it from an earlier attempt, which got no answer; then: ' .. redis.call('HGET', key, 'errmsg'))
  end
  count(state == 'sending' and not abandoned, new)
  if call and FINAL[new] then
    local after, flat = fields_of(key)
    redis.call('ZREM', index, s.id)
    if broadcast_fold(call, before, after, s.msgid, now) then
      redis.call('PEXPIRE', key, math.max(record_ttl, WAITING)) -- see gone.lua
    else
      redis.call('DEL', key)
    end
    return {'all', unpack(flat)}
  end
  if FINAL[new] then
    redis.call('XADD', results, 'MAXLEN', '~', results_kept, '*', 'id', s.id, 'state', new)
  end
  if SENT[new] then -- no other attempt follows
    redis.call('HDEL', key, 'attempt_at', 'attempt_by', 'sent_at')
  end
  if s.in_doubt then
    redis.call('HSETNX', key, 'unknown_since', redis.call('HGET', key, 'attempt_at') or now_text)
    redis.call('HINCRBY', key, 'in_doubt', 1)
  end
  if msgid_index ~= key then
    redis.call('SET', msgid_index, s.id, 'PX', record_ttl)
  end
  if abandoned or not first_outcome then -- otherwise the admission has just set it
    redis.call('PEXPIRE', key, math.max(record_ttl, WAITING)) -- see gone.lua
  end
  table.insert(settled, now_text)
  table.insert(settled, s.id)
  if DEAD[new] then
    table.insert(died, now_text)
    table.insert(died, s.id)
  elseif DEAD[state] then
    redis.call('ZREM', dead, s.id)
  end
  if REPLAYABLE[new] and s.payload ~= '' then
    redis.call('SET', payload, s.payload, 'PX', record_ttl)
  elseif REPLAYABLE[state] then
    redis.call('DEL', payload)
  end
  if first_outcome and FINAL[new] and not (unknown_since or s.in_doubt or r[5]) then
    return {'rest', 'state', new, 'finished_at', now_text, 'attempts', '1'}
  end
  return whole(key)
end

-- The first write takes no memory: a full Redis rejects a script whose first write needs memory, but not one
-- that has already written, and the outcomes are known nowhere else.
redis.call('ZREM', index, '')

local replies, last_arg = {}, FIRST_ARG - 1
for i = FIRST_KEY, #KEYS, 4 do
  local s = settlement_at(last_arg)
  last_arg = s.last_set
  local done, reply = pcall(settle_one, s, KEYS[i], KEYS[i + 1], KEYS[i + 2], KEYS[i + 3])
  if not done then
    reply = {'error', type(reply) == 'table' and reply.err or tostring(reply)}
  end
  table.insert(replies, reply)
end

-- note_in adds to an index, and removes a few entries whose records have expired: twice as many as it adds are
-- enough, and no script takes long.
local function note_in(zset, changed)
  if #changed == 0 then
    return
  end
  redis.call('ZADD', zset, unpack(changed))
  local old = redis.call('ZRANGEBYSCORE', zset, '-inf', now - record_ttl, 'LIMIT', 0, 20 + #changed)
  if #old > 0 then
    redis.call('ZREM', zset, unpack(old))
  end
  redis.call('PEXPIRE', zset, record_ttl)
end
note_in(index, settled)
note_in(dead, died)
if calls + failed > 0 then
  local minute = math.floor(now / 60000)
  local hour = minutes .. math.floor(minute / 60)
  for what, number in pairs({calls = calls, failed = failed}) do
    if number > 0 and redis.call('HINCRBY', hour, minute % 60 .. ' ' .. what, number) == number then
      redis.call('PEXPIRE', hour, 3 * 3600000)
    end
  end
end
return replies
