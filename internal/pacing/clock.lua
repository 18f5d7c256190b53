-- A fragment that every script of this package begins with.

-- The windows in which WeCom counts, with a margin for what lies between the
-- moment a call is admitted and the moment WeCom counts it.
local MINUTE, HOUR = 60000 + 2000, 3600000 + 2000
local CHINA, DAY = 8 * 3600000, 86400000
local NEW_DAY = 10000 -- WeCom's clock may be behind: its day has begun by then
local RATE_CREEP = 0.01 / (5 * 60000) -- the learnt rate grows by 1 % of the configured one in 5 minutes
local CONC_CREEP = 1 / (5 * 60000)    -- the learnt concurrency is back after 5 minutes at most

-- wall_clock is now in ms: the argument, or Redis TIME when it is 0.
local function wall_clock(arg)
  local now = tonumber(arg)
  if now > 0 then
    return now
  end
  local t = redis.call('TIME')
  return t[1] * 1000 + t[2] / 1000
end

-- pacing_clock is a clock that never goes back: when Redis's does, the difference
-- is added from then on. All times kept by this package are of this clock.
-- result now, and the offset to remember
local function pacing_clock(wall, seen, offset)
  local now = wall + offset
  if now < seen - 1000 then
    return seen, offset + seen - now
  end
  return math.max(now, seen), offset
end

local function until_midnight(wall)
  return DAY - (wall + CHINA) % DAY
end

-- number prints a number without losing its fraction of a millisecond.
local function number(n)
  return string.format('%.3f', n)
end

local function crept(value, since, creep, now)
  return math.min(1, tonumber(value or 1) + (now - tonumber(since or now)) * creep)
end
