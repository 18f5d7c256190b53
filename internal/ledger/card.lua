-- Claims the response_codes of a card for one update: those of all its parts, or none. The
-- constants of constants.go stand before this text.
-- KEYS 1 prefix of the records 2.. record of each part of the card (hash)
-- ARGV 1 ms that a code lives 2 digest of the update 3 number of the update
--      4 id of an update that has a claim but exists nowhere; '' for none
--      5 1 if an update with this digest is found even if it left the code unused
--      6.. id of the update of each part
-- result {"claimed"}   the caller has the codes
--        {"found", id…} the same update has claimed them before, under these ids
--        {"used", part, id, ms, state} another update has the code of this part, since
--                      then; state is '' while that update has no record
--        {"old", part, ms} the card is too old, sent at this time
--        {"again"}     another claim has used this number meanwhile
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local life, digest, number, lost, once = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'

-- state_of is the state of an update, or nil if the update has certainly left the code unused: WeCom did not get
-- it, or refused it for a reason other than the code. For the caller's own update every state counts.
local function state_of(id, own)
  local r = redis.call('HMGET', KEYS[1] .. id, 'state', 'errcode')
  if not r[1] then
    return (own or id ~= lost) and '' or nil
  end
  local unsent = UNSENT[r[1]] and r[2] ~= RESPONSE_CODE_USED
  return (own or not unsent) and r[1] or nil
end

local same, other = {}, nil
for i = 2, #KEYS do
  local r = redis.call('HMGET', KEYS[i], 'updated_as', 'updated_with', 'updated_at', 'updates', 'finished_at')
  local state = r[1] and state_of(r[1], once and r[2] == digest)
  if state and r[2] ~= digest then
    return {'used', i - 2, r[1], r[3], state}
  elseif state then
    table.insert(same, r[1])
    other = other or {'used', i - 2, r[1], r[3], state}
  elseif now - tonumber(r[5] or 0) > life then
    return {'old', i - 2, string.format('%.0f', now - tonumber(r[5] or 0))}
  elseif tonumber(r[4] or 0) >= number then
    return {'again'}
  end
end
if #same == #KEYS - 1 then
  return {'found', unpack(same)}
end
if other then
  return other
end
for i = 2, #KEYS do
  redis.call('HSET', KEYS[i], 'updated_as', ARGV[i + 4], 'updated_with', digest, 'updated_at', string.format('%.0f', now), 'updates', number)
end
return {'claimed'}
