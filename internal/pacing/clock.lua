-- A fragment with which every script of this package begins.

-- The windows in which WeCom counts, with a margin for the time between admitting a call and WeCom counting it.
local MINUTE, HOUR = 60000 + 2000, 3600000 + 2000
local CHINA, DAY = 8 * 3600000, 86400000
local NEW_DAY = 10000 -- WeCom's clock may be behind: its day has begun by then
local RATE_CUT = 0.8                  -- what 45009 leaves of the rate
local RATE_SCALE = 3600000            -- ms in which the learnt rate grows from nothing to the configured one
local CONC_CREEP = 1 / (5 * 60000)    -- the learnt concurrency is back after 5 minutes at most

-- wall_clock returns now in ms: the argument, or Redis TIME if it is 0.
local function wall_clock(arg)
  local now = tonumber(arg)
  if now > 0 then
    return now
  end
  local t = redis.call('TIME')
  return t[1] * 1000 + t[2] / 1000
end

-- pacing_clock returns a clock that never goes back: if Redis's does, the difference
-- is added from then on. All times stored by this package are of this clock.
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

-- number formats a number without losing the fraction of a millisecond.
local function number(n)
  return string.format('%.3f', n)
end

-- grown_rate is the learnt rate, as a share of the configured one, some time after 45009 cut it: the curve of
-- TCP's CUBIC (RFC 9438). It rises quickly to the rate that WeCom refused, stays there for a while, and then
-- rises ever faster as long as nothing is refused.
local function grown_rate(rate, since, now)
  if not rate then
    return 1
  end
  rate = tonumber(rate)
  local refused = math.min(1, rate / RATE_CUT)
  local beyond = (now - tonumber(since)) / RATE_SCALE - (refused - rate) ^ (1 / 3)
  return math.min(1, refused + beyond ^ 3)
end

-- lateness returns how long after its admission WeCom may count a call of the app, in ms: as long as the slowest call of
-- the last minute or two took, see report.lua. And that of the last minute alone, 0 if none is known.
local function lateness(app, now)
  local age, slowest = now - tonumber(app.slowest_since or 0), tonumber(app.slowest or 0)
  if age <= MINUTE then
    return math.max(slowest, tonumber(app.slowest_before or 0)), slowest
  end
  return age <= 2 * MINUTE and slowest or 0, 0
end

local function crept(value, since, creep, now)
  return math.min(1, tonumber(value or 1) + (now - tonumber(since or now)) * creep)
end
