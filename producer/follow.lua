-- Looks for the message that holds a claim.
-- KEYS 1 claim (string) 2 record of its holder (hash)
-- ARGV 1 claim as it was read 2 claim of the caller 3 its ms to live
--      4 1 when the claim of a message that will not arrive goes to the caller
-- result the record's state, "" without one, or "yours"
local state = redis.call('HGET', KEYS[2], 'state') or ''
local lost = {rejected = true, expired = true, cancelled = true}
if ARGV[4] == '1' and lost[state] and redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 'yours'
end
return state
