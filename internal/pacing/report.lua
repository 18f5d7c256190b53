-- Notes what WeCom's answers say about the app. clock.lua and moments.lua stand before
-- this text.
--
-- KEYS 1 pace (hash) 2 prefix of the day quotas 3 prefix of the windows
-- ARGV 1 now in ms, 0 = Redis TIME 2 what happened
--      "clear"        a probe got through: the block is over; ARGV 3 its delivery
--      "answered"     WeCom answers again: the calls without an answer in a row have ended
--      "unreachable"  a call did not get to WeCom; ARGV 3 its delivery, '' for a gettoken
--                     4 reason 5 calls in a row that block the app 6 first block in ms
--                     7 longest 8 ms for which it is blocked in any case, 0 = none
--      "unanswered"   the answer to a call was lost or late; ARGV likewise
--      "inconclusive" a probe was not answered: the next call is one; ARGV 3 likewise
--      "penalty"      45009: WeCom blocks the app, and the rate was too high unless
--                     this was a probe; ARGV 3 first penalty in ms, 4 reason
--      "suspended"    a setting is wrong; ARGV 3 for how long in ms, 4 reason
--      "concurrency"  45033: fewer calls at once
--      "refund"       WeCom took nothing; ARGV 3 persons that were not reached 4 the
--                     moment that was written down .. users, in lower case
-- result {1 when the app is newly blocked or was freed, else 0; ms until the block ends}
local pace, what = KEYS[1], ARGV[2]
local wall = wall_clock(ARGV[1])
local p = redis.call('HMGET', pace, 'seen', 'offset', 'rate', 'rate_at', 'concurrency', 'concurrency_at',
  'block', 'block_until', 'level', 'probe_by', 'probe_until')
local now = pacing_clock(wall, tonumber(p[1] or 0), tonumber(p[2] or 0))
redis.call('HDEL', pace, '') -- takes no memory: a full Redis lets the writes below pass
local block_until, level = tonumber(p[8] or 0), tonumber(p[9] or 0)

-- block stops the app for ms. A block that lasts longer already stays as it is, and
-- one that only grows is not news.
local function block(kind, ms, reason)
  redis.call('HDEL', pace, 'probe_until')
  if p[7] and block_until >= now + ms then
    return {'0', number(block_until - now)}
  end
  redis.call('HSET', pace, 'block', kind, 'block_until', number(now + ms), 'block_reason', reason)
  return {p[7] and block_until > now and '0' or '1', number(ms)}
end

local function halve_concurrency()
  if now - tonumber(p[6] or 0) >= 1000 then -- those that were in flight together count once
    local share = crept(p[5], p[6], CONC_CREEP, now)
    redis.call('HSET', pace, 'concurrency', string.format('%.4f', math.max(share / 2, 1 / 64)), 'concurrency_at', number(now))
  end
end

if (what == 'clear' or what == 'inconclusive') and p[10] ~= ARGV[3] then
  return {'0', '0'} -- another one probes by now
end

if what == 'answered' then
  redis.call('HDEL', pace, 'unanswered')
  if p[7] ~= 'unavailable' then
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
  local probes = p[10] and p[10] == ARGV[3]
  local first, longest, at_least = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
  if what == 'unanswered' and not p[7] then
    halve_concurrency()
  end
  if p[7] and p[7] ~= 'unavailable' then -- WeCom has said why; the next call finds out
    if probes then
      redis.call('HDEL', pace, 'probe_until')
      redis.call('HSET', pace, 'block_until', number(now + longest))
    end
    return {'0', number(math.max(block_until - now, probes and longest or 0))}
  end
  if p[7] and block_until > now then -- a call that was in flight with the first
    return {'0', number(block_until - now)}
  end
  if p[7] and not probes and tonumber(p[11] or 0) > now then -- somebody is finding out
    return {'0', '0'}
  end
  if not p[7] and at_least == 0 and in_a_row < tonumber(ARGV[5]) then
    return {'0', '0'}
  end
  level = p[7] and level + 1 or 1
  redis.call('HSET', pace, 'level', level)
  local begun = block('unavailable', math.max(math.min(first * 2 ^ (level - 1), longest), at_least), ARGV[4])
  return {p[7] and '0' or begun[1], begun[2]} -- another block of the same outage is not news
end

if what == 'inconclusive' then
  redis.call('HDEL', pace, 'probe_until')
  return {'0', '0'}
end

if what == 'penalty' then
  if p[7] == 'penalty' and block_until > now then -- a call that was in flight with the first
    return {'0', number(block_until - now)}
  end
  if p[7] == 'penalty' then -- the probe failed
    level = level == 4 and 2 or level + 1 -- the new day may have begun late
  else
    level = 1
    local rate = grown_rate(p[3], p[4], now)
    redis.call('HSET', pace, 'rate', string.format('%.4f', math.max(rate * RATE_CUT, 0.01)), 'rate_at', number(now))
  end
  redis.call('HSET', pace, 'level', level)
  -- WeCom blocks for as long as the period that was exceeded: a minute, an hour, a day (90312).
  local first = tonumber(ARGV[3])
  local lasts = ({first, first, 60 * first, until_midnight(wall) + NEW_DAY})[level]
  return block('penalty', lasts, ARGV[4])
end

if what == 'suspended' then
  return block('suspended', tonumber(ARGV[3]), ARGV[4])
end

if what == 'concurrency' then
  halve_concurrency()
  return {'0', '0'}
end

local key = KEYS[2] .. string.format('%.0f', math.floor((tonumber(ARGV[4]) + CHINA) / DAY))
if tonumber(redis.call('GET', key) or 0) >= tonumber(ARGV[3]) then
  redis.call('DECRBY', key, ARGV[3])
end
local function take_back_from(suffix, users)
  local not_there = {}
  for i, window in ipairs(lists(KEYS[3], users, suffix, 1, now)) do
    if not take_back(window, tonumber(ARGV[4]), HOUR) then
      table.insert(not_there, users[i])
    end
  end
  return not_there
end
take_back_from(':critical', take_back_from('', {unpack(ARGV, 5)}))
return {'0', '0'}
