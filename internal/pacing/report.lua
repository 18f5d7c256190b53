-- Records what WeCom's answers mean for the app. clock.lua and moments.lua stand before
-- this text.
--
-- KEYS 1 pace (hash) 2 prefix of the day quotas 3 prefix of the windows
-- ARGV 1 now in ms, 0 = Redis TIME 2 what happened, then the DETAILS of that
--      "clear"        a probe got through: the block is over
--      "answered"     WeCom answers again: the series of unanswered calls has ended
--      "unreachable"  a call did not reach WeCom
--      "unanswered"   the answer to a call was lost or late
--      "inconclusive" a probe was not answered: the next call is the probe
--      "penalty"      45009: WeCom blocks the app, and the rate was too high unless
--                     this was a probe
--      "suspended"    a setting is wrong
--      "concurrency"  45033: fewer concurrent calls
--      "late"         a call took longer than those of the last minute
--      "refund"       WeCom accepted nothing; after its details the users, in lower case
-- result {1 if the app is newly blocked or was unblocked, else 0; ms until the block ends}
local OF_SILENCE = {
  'delivery', -- '' for a gettoken
  'reason',
  'calls',    -- in a row, after which the app is blocked
  'first',    -- block in ms
  'longest',
  'at_least', -- ms for which it is blocked at least, 0 = none
}
local DETAILS = {
  clear = {'delivery'}, inconclusive = {'delivery'},
  unreachable = OF_SILENCE, unanswered = OF_SILENCE,
  penalty = {'first', 'reason'}, -- the first penalty in ms
  suspended = {'lasts', 'reason'}, -- in ms
  late = {'took'}, -- in ms
  refund = {'persons', 'sent_at'}, -- how many were not reached, and the recorded moment
}
local pace, quota_prefix, window_prefix = unpack(KEYS)
local wall, what, detail = wall_clock(ARGV[1]), ARGV[2], {}
for i, name in ipairs(DETAILS[what] or {}) do
  detail[name] = ARGV[i + 2]
end

local app = {}
local app_fields = {'seen', 'offset', 'rate', 'rate_at', 'concurrency', 'concurrency_at', 'block', 'block_until', 'level',
  'probe_by', 'probe_until', 'slowest', 'slowest_since', 'slowest_before'}
for i, value in ipairs(redis.call('HMGET', pace, unpack(app_fields))) do
  app[app_fields[i]] = value -- false if missing
end
local now = pacing_clock(wall, tonumber(app.seen or 0), tonumber(app.offset or 0))
redis.call('HDEL', pace, '') -- takes no memory: a full Redis lets the writes below pass
local block_until, level = tonumber(app.block_until or 0), tonumber(app.level or 0)

-- begin_block blocks the app for ms. A block that already lasts longer stays, and extending a block is not news.
local function begin_block(kind, ms, reason)
  redis.call('HDEL', pace, 'probe_until')
  if app.block and block_until >= now + ms then
    return {'0', number(block_until - now)}
  end
  redis.call('HSET', pace, 'block', kind, 'block_until', number(now + ms), 'block_reason', reason)
  return {app.block and block_until > now and '0' or '1', number(ms)}
end

local function halve_concurrency()
  if now - tonumber(app.concurrency_at or 0) >= 1000 then -- calls that were in flight together count once
    local share = crept(app.concurrency, app.concurrency_at, CONC_CREEP, now)
    redis.call('HSET', pace, 'concurrency', string.format('%.4f', math.max(share / 2, 1 / 64)), 'concurrency_at', number(now))
  end
end

if (what == 'clear' or what == 'inconclusive') and app.probe_by ~= detail.delivery then
  return {'0', '0'} -- another call is the probe by now
end

if what == 'answered' then
  redis.call('HDEL', pace, 'unanswered')
  if app.block ~= 'unavailable' then
    return {'0', '0'}
  end
  what = 'clear' -- a call that was in flight when the app was blocked
end

if what == 'clear' then
  local freed = redis.call('HDEL', pace, 'block', 'block_until', 'block_reason', 'level', 'probe_until')
  redis.call('HDEL', pace, 'unanswered')
  return {freed > 0 and '1' or '0', '0'}
end

if what == 'unreachable' or what == 'unanswered' then
  local in_a_row = redis.call('HINCRBY', pace, 'unanswered', 1)
  local probes = app.probe_by and app.probe_by == detail.delivery
  local first, longest, at_least = tonumber(detail.first), tonumber(detail.longest), tonumber(detail.at_least)
  if what == 'unanswered' and not app.block then
    halve_concurrency()
  end
  if app.block and app.block ~= 'unavailable' then -- WeCom has said why; the next call is the probe
    if probes then
      redis.call('HDEL', pace, 'probe_until')
      redis.call('HSET', pace, 'block_until', number(now + longest))
    end
    return {'0', number(math.max(block_until - now, probes and longest or 0))}
  end
  if app.block and block_until > now then -- a call that was in flight with the first
    return {'0', number(block_until - now)}
  end
  if app.block and not probes and tonumber(app.probe_until or 0) > now then -- another call is the probe
    return {'0', '0'}
  end
  if not app.block and at_least == 0 and in_a_row < tonumber(detail.calls) then
    return {'0', '0'}
  end
  level = app.block and level + 1 or 1
  redis.call('HSET', pace, 'level', level)
  local begun = begin_block('unavailable', math.max(math.min(first * 2 ^ (level - 1), longest), at_least), detail.reason)
  return {app.block and '0' or begun[1], begun[2]} -- another block of the same outage is not news
end

if what == 'inconclusive' then
  redis.call('HDEL', pace, 'probe_until')
  return {'0', '0'}
end

if what == 'penalty' then
  if app.block == 'penalty' and block_until > now then -- a call that was in flight with the first
    return {'0', number(block_until - now)}
  end
  if app.block == 'penalty' then -- the probe failed
    level = level == 4 and 2 or level + 1 -- the new day may have begun late
  else
    level = 1
    local rate = grown_rate(app.rate, app.rate_at, now)
    redis.call('HSET', pace, 'rate', string.format('%.4f', math.max(rate * RATE_CUT, 0.01)), 'rate_at', number(now))
  end
  redis.call('HSET', pace, 'level', level)
  -- WeCom blocks for as long as the period whose limit was exceeded: a minute, an hour, a day (90312).
  local first = tonumber(detail.first)
  local lasts = ({first, first, 60 * first, until_midnight(wall) + NEW_DAY})[level]
  return begin_block('penalty', lasts, detail.reason)
end

if what == 'suspended' then
  return begin_block('suspended', tonumber(detail.lasts), detail.reason)
end

if what == 'concurrency' then
  halve_concurrency()
  return {'0', '0'}
end

if what == 'late' then
  local took, late, slowest = tonumber(detail.took), lateness(app, now)
  if now - tonumber(app.slowest_since or 0) > MINUTE then
    redis.call('HSET', pace, 'slowest', number(took), 'slowest_since', number(now), 'slowest_before', number(late))
  elseif took > slowest then
    redis.call('HSET', pace, 'slowest', number(took))
  end
  if took > late then -- calls that were admitted before this was known were too close: the next makes up for them
    redis.call('HINCRBYFLOAT', pace, 'tat', number(took - late))
  end
  return {'0', '0'}
end

local persons, sent_at = tonumber(detail.persons), tonumber(detail.sent_at)
local quota = quota_prefix .. string.format('%.0f', math.floor((sent_at + CHINA) / DAY))
if tonumber(redis.call('GET', quota) or 0) >= persons then
  redis.call('DECRBY', quota, persons)
end
local function take_back_from(suffix, users)
  local not_there = {}
  for i, window in ipairs(lists(window_prefix, users, suffix, 1, now)) do
    if not take_back(window, sent_at, HOUR) then
      table.insert(not_there, users[i])
    end
  end
  return not_there
end
take_back_from(':critical', take_back_from('', {unpack(ARGV, 3 + #DETAILS.refund)}))
return {'0', '0'}
