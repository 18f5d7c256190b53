-- The windows of a token's budget: the minute of Redis's clock, and the day in China, which
-- is always UTC+8.
local MINUTE, DAY, CHINA = 60000, 86400000, 28800000

-- clock is the time in Unix ms, that of Redis for 0.
local function clock(given)
  local now = tonumber(given)
  if now > 0 then
    return now
  end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- windows are the numbers of minute and day, and how long each still lasts.
local function windows(now)
  local minute, day = math.floor(now / MINUTE), math.floor((now + CHINA) / DAY)
  return string.format('%d', minute), string.format('%d', day), (minute + 1) * MINUTE - now, (day + 1) * DAY - CHINA - now
end

-- used is what was used of the windows of these numbers.
local function used(key, minute, day)
  local kept = redis.call('HMGET', key, 'minute', 'messages', 'day', 'recipients')
  local messages = kept[1] == minute and tonumber(kept[2]) or 0
  local recipients = kept[3] == day and tonumber(kept[4]) or 0
  return messages, recipients
end
