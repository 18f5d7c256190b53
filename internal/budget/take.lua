-- Charges messages to the budget of a token. A message that does not fit is not charged, and later
-- ones may still fit. Follows windows.lua.
-- KEYS 1 usage of the token (hash)
-- ARGV 1 now in Unix ms, 0 for the time of Redis 2 messages per minute 3 recipients per day, both 0 for
--      no limit 4… number of recipients of each message
-- result minute, day, ms until each ends, messages and recipients used in them; then for each
--        message 0, or the limit that it exceeds: 1 for the first, 2 for the second
local minute, day, minute_lasts, day_lasts = windows(clock(ARGV[1]))
local messages, recipients = used(KEYS[1], minute, day)
local per_minute, per_day = tonumber(ARGV[2]), tonumber(ARGV[3])
local verdicts, taken = {}, false
for i = 4, #ARGV do
  local needs = tonumber(ARGV[i])
  if per_minute > 0 and messages + 1 > per_minute then
    table.insert(verdicts, 1)
  elseif per_day > 0 and recipients + needs > per_day then
    table.insert(verdicts, 2)
  else
    messages, recipients, taken = messages + 1, recipients + needs, true
    table.insert(verdicts, 0)
  end
end
if taken then
  redis.call('HSET', KEYS[1], 'minute', minute, 'messages', messages, 'day', day, 'recipients', recipients)
  redis.call('PEXPIRE', KEYS[1], math.max(minute_lasts, day_lasts))
end
local result = {minute, day, minute_lasts, day_lasts, messages, recipients}
for _, verdict in ipairs(verdicts) do
  table.insert(result, verdict)
end
return result
