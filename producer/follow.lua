-- Looks up the message that holds a claim.
-- KEYS 1 claim (string) 2 record of its holder (hash)
-- ARGV 1 claim as read 2 claim of the caller 3 its TTL in ms
--      4 whether the caller takes the claim over: 0 never, 1 if its message will not arrive, 2 always
-- result the record's state, "" without one; "yours", or "taken" if another message got the claim first
local state = redis.call('HGET', KEYS[2], 'state') or ''
local lost = {rejected = true, expired = true, cancelled = true}
if ARGV[4] == '2' or ARGV[4] == '1' and lost[state] then
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[1] then
    return 'taken'
  end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 'yours'
end
return state
