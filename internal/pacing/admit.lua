-- Says whether a message may go now, and if so writes down the attempt: the
-- record, the app's state and rate, the day quota and every member's windows in
-- one round trip. begin.lua and clock.lua stand before this text.
--
-- KEYS 1 record (hash) 2 pace (hash) 3 prefix of the sent lists 4 prefix of the
--      plan lists 5 prefix of the day quotas
--      The scripts make the keys of members and days from the prefixes; all are in
--      the app's slot.
-- ARGV 1 now in ms, 0 = Redis TIME 2 "check" to ask the record only, else ""
--      3 in-flight ms 4 resend ms 5 marks duplicates 6 deadline ms 7 retention ms
--      8 interval between calls in ms, at the configured rate
--      9 head start of the message's priority in ms
--      10 critical: 1 or 0
--      11 a member's messages per minute, 12 per hour, of any priority
--      13 and 14 likewise, on top, for critical messages only
--      15 day quota of the message's priority, 0 = none
--      16 persons that "@all", parties and tags stand for, 0 = the message has none
--      17 turn in ms that was reserved for its users, 0 = none
--      18 name of this delivery of the task, '' = none
--      19 number of fields, then field, value, … of a new record
--      .. the users, in lower case
-- result {verdict, number, wait ms, spacing ms, concurrency, probe, reason,
--         follow-ups, now}
--        verdicts of the record: see begin.lua. "wait": the rate is spent; nothing
--        is reserved. "hold": the app rests. "turn": the users' turn, reserved.
--        follow-ups: <turn ms>=<user>|<user>;…, the first is number 1
local record, pace = KEYS[1], KEYS[2]
local wall = wall_clock(ARGV[1])
local keep, critical, unlisted = tonumber(ARGV[7]), ARGV[10] == '1', tonumber(ARGV[16])
local per_minute, per_hour = tonumber(ARGV[11]), tonumber(ARGV[12])
local extra_minute, extra_hour = tonumber(ARGV[13]), tonumber(ARGV[14])

local held_because = {
  member = 'waits for its turn: its recipients have had as many messages as WeCom delivers to one member',
  quota = 'waits for midnight in China: the day quota of the app is used up',
}

local p = redis.call('HMGET', pace, 'seen', 'offset', 'tat', 'rate', 'rate_at', 'concurrency', 'concurrency_at',
  'paused', 'block', 'block_until', 'probe_until', 'planned_until', 'unlisted_at')
local now, offset = pacing_clock(wall, tonumber(p[1] or 0), tonumber(p[2] or 0))
if offset ~= tonumber(p[2] or 0) then
  redis.call('HSET', pace, 'offset', number(offset))
end
local tat = tonumber(p[3] or 0)
local concurrency = crept(p[6], p[7], CONC_CREEP, now)
local planned_until = tonumber(p[12] or 0)
local deferred = redis.call('HGET', record, 'deferred') or ''

local function answer(what, n, wait, probe, reason)
  return {what, tostring(n), number(wait), number(math.max(0, tat - now)), number(concurrency), probe, reason,
    deferred, string.format('%.0f', now)}
end

local verdict, doubtful, written =
  begin_check(record, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6]), ARGV[18], wall)
if verdict then
  return answer(verdict[1], 0, verdict[2] or 0, '0', '')
end
if ARGV[2] == 'check' then
  return answer('go', 0, 0, '0', '')
end
if written then
  return answer('go', written, 0, '0', '')
end

-- 1. The app: paused by hand, or blocked by WeCom.
if p[8] then
  return answer('hold', 0, 15000, '0', 'paused')
end
local probe = '0'
if p[9] then
  local left = tonumber(p[10]) - now
  if left > 0 then
    return answer('hold', 0, left, '0', p[9])
  end
  left = tonumber(p[11] or 0) - now
  if left > 0 then -- somebody is finding out
    return answer('wait', 0, math.min(left, 100), '0', '')
  end
  probe = '1'
end

-- 2. The app's rate.
local earliest = tat - tonumber(ARGV[9])
if earliest > now then
  return answer('wait', 0, earliest - now, '0', '')
end

-- 3. The members' windows. Sent lists hold the moments of the newest messages,
-- newest first. Plan lists hold moments that are reserved and have not come yet.
local everyone = {{}, {}} -- sent to unlisted members: of any priority, and on top
if tonumber(p[13] or 0) + HOUR > now then
  for i, suffix in ipairs({'', ':critical'}) do
    for _, at in ipairs(redis.call('LRANGE', KEYS[3] .. '@all' .. suffix, 0, -1)) do
      table.insert(everyone[i], tonumber(at))
    end
  end
end

-- kth is the k-th newest moment of a list and of others, which are newest first.
local function kth(list, others, k)
  if #others == 0 then
    return tonumber(redis.call('LINDEX', list, k - 1) or nil)
  end
  if redis.call('LLEN', list) + #others < k then
    return nil
  end
  local own, i, j, at = redis.call('LRANGE', list, 0, k - 1), 1, 1, nil
  for _ = 1, k do
    local a, b = tonumber(own[i]), others[j]
    if not b or (a and a >= b) then
      at, i = a, i + 1
    else
      at, j = b, j + 1
    end
  end
  return at
end

-- free is when a list has room for one more, counting only what was sent.
local function free(list, others, minute, hour)
  if minute < 1 or hour < 1 then
    return math.huge
  end
  local at, turn = kth(list, others, minute), 0
  if at then
    turn = at + MINUTE
  end
  if at or hour < minute then
    at = kth(list, others, hour)
    turn = at and math.max(turn, at + HOUR) or turn
  end
  return turn
end

-- behind is the first moment after what is planned already; turn is when there
-- would be room without the plan.
local function behind(plan, sent, others, minute, hour, turn)
  if planned_until <= now then
    return turn
  end
  while (tonumber(redis.call('LINDEX', plan, -1) or nil) or math.huge) <= now do
    redis.call('RPOP', plan) -- used, or lapsed
  end
  local planned = redis.call('LLEN', plan)
  if planned == 0 then
    return turn
  end
  turn = math.max(turn, tonumber(redis.call('LINDEX', plan, 0)))
  for _, window in ipairs({{minute, MINUTE}, {hour, HOUR}}) do
    local k, at = window[1], nil
    if planned >= k then
      at = tonumber(redis.call('LINDEX', plan, k - 1))
    else
      at = kth(sent, others, k - planned)
    end
    turn = at and math.max(turn, at + window[2]) or turn
  end
  return turn
end

-- A reservation holds for a minute: whoever comes later stands in line again.
local turn_at = tonumber(redis.call('HGET', record, 'turn_at') or ARGV[17])
local reserved = turn_at > 0 and now - turn_at <= 60000

-- turn_of is when a member may get this message. "@all" stands for the unlisted,
-- others for what they were sent in its name.
-- result the moment, and the list to write it into if that is now
local function turn_of(user, others)
  local sent, plan = KEYS[3] .. user, KEYS[4] .. user
  local turn, minute, hour, list = free(sent, others[1], per_minute, per_hour), per_minute, per_hour, sent
  if critical then -- it overtakes what is planned, and has room of its own
    if turn > now then
      turn, list = math.min(turn, free(sent .. ':critical', others[2], extra_minute, extra_hour)), sent .. ':critical'
    end
    plan, minute, hour = plan .. ':critical', minute + extra_minute, hour + extra_hour
  end
  if not reserved then
    turn = behind(plan, sent, others[1], minute, hour, turn)
  end
  if turn <= now then
    return now, list
  end
  return math.ceil(turn / 1000) * 1000 -- asynq knows whole seconds
end

local split = {} -- users who wait for a message of their own already
for group in string.gmatch(deferred, '=([^;]*)') do
  for user in string.gmatch(group, '[^|]+') do
    split[user] = true
  end
end

local first_user = 20 + tonumber(ARGV[19])
local users, turns, lists, last = {}, {}, {}, now
for i = first_user, #ARGV do
  if not split[ARGV[i]] then
    table.insert(users, ARGV[i])
    turns[ARGV[i]], lists[ARGV[i]] = turn_of(ARGV[i], everyone)
    last = math.max(last, turns[ARGV[i]])
  end
end
if unlisted > 0 then
  local at
  at, lists['@all'] = turn_of('@all', {{}, {}})
  last = math.max(last, at)
end

-- 4. The day quota. Whoever does not fit into today goes at midnight.
local reason = 'member'
local quota_key = KEYS[5] .. string.format('%.0f', math.floor((wall + CHINA) / DAY))
local midnight = math.ceil((now + until_midnight(wall)) / 1000) * 1000
local quota, left = tonumber(ARGV[15]), math.huge
if quota > 0 then
  left = quota - tonumber(redis.call('GET', quota_key) or 0)
  if unlisted > left and left < quota then
    last, reason = math.max(last, midnight), 'quota'
  end
  left = math.max(0, left - unlisted)
end
local planned = {} -- of whom a turn is to be reserved
for _, user in ipairs(users) do
  if turns[user] > now then
    planned[user] = not reserved
  elseif left > 0 then
    left = left - 1
  else
    turns[user], last, reason = midnight, math.max(last, midnight), 'quota'
  end
end

-- 5. Who goes now: those whose turn it is. A message that was attempted before is
-- not split any further: WeCom's duplicate check compares whole requests. Nor is one
-- that goes to unlisted members, who may be the same as those that it names.
local attempted = tonumber(redis.call('HGET', record, 'attempts') or 0) > 0
local turn = now
if last > now and (attempted or unlisted > 0) then
  turn = last
  for _, user in ipairs(users) do
    turns[user] = last
  end
elseif #users > 0 then
  turn = math.huge
  for _, user in ipairs(users) do
    turn = math.min(turn, turns[user])
  end
end

local followups, order = {}, {} -- users by turn, and the turns in order
for _, user in ipairs(users) do
  if turns[user] > turn then
    if not followups[turns[user]] then
      followups[turns[user]] = {}
      table.insert(order, turns[user])
    end
    table.insert(followups[turns[user]], user)
  end
end
table.sort(order)
local texts = {}
if deferred ~= '' then
  table.insert(texts, deferred)
end
for _, at in ipairs(order) do
  table.insert(texts, string.format('%.0f', at) .. '=' .. table.concat(followups[at], '|'))
end
deferred = table.concat(texts, ';')

-- 6. Write it down.
local fields = {}
for i = 20, first_user - 1 do
  table.insert(fields, ARGV[i])
end
begin_record(record, fields)
if #order > 0 then
  redis.call('HSET', record, 'deferred', deferred)
end

local function reserve(user, at)
  local plan = KEYS[4] .. user .. (critical and ':critical' or '')
  redis.call('LPUSH', plan, string.format('%.0f', at))
  redis.call('PEXPIRE', plan, math.ceil(math.max(at, planned_until) - now) + HOUR)
  planned_until = math.max(planned_until, at)
end
for _, user in ipairs(users) do
  if planned[user] then
    reserve(user, turns[user])
  end
end
if turn > now and unlisted > 0 and reason == 'member' and not reserved then
  reserve('@all', turn)
end
redis.call('HSET', pace, 'seen', number(now), 'planned_until', string.format('%.0f', planned_until))

if turn > now then
  redis.call('HSET', record, 'state', 'held', 'turn_at', string.format('%.0f', turn), 'errmsg', held_because[reason])
  redis.call('PEXPIRE', record, keep + math.ceil(turn - now))
  return answer('turn', 0, turn - now, '0', reason)
end

local persons = unlisted
local function sent(user)
  local list = lists[user]
  local length = redis.call('LPUSH', list, string.format('%.0f', now))
  local most = list == KEYS[3] .. user and per_hour or extra_hour
  if length > most then
    redis.call('LTRIM', list, 0, most - 1)
  end
  redis.call('PEXPIRE', list, HOUR)
end
for _, user in ipairs(users) do
  if turns[user] <= now then
    sent(user)
    persons = persons + 1
  end
end
if unlisted > 0 then
  sent('@all')
  redis.call('HSET', pace, 'unlisted_at', string.format('%.0f', now))
end
if redis.call('INCRBY', quota_key, persons) == persons then
  redis.call('PEXPIRE', quota_key, 2 * DAY)
end
tat = math.max(tat, now) + tonumber(ARGV[8]) / crept(p[4], p[5], RATE_CREEP, now)
redis.call('HSET', pace, 'tat', number(tat))
if probe == '1' then
  redis.call('HSET', pace, 'probe_until', number(now + tonumber(ARGV[3])))
end
return answer('go', begin_write(record, doubtful, ARGV[5] == '1', ARGV[18], keep, wall), 0, probe, '')
