-- Says whether a message may go now, and if so writes down the attempt: the
-- record, the app's state and rate, the day quota and every member's windows in
-- one round trip. begin.lua and clock.lua stand before this text.
--
-- KEYS 1 record (hash) 2 pace (hash) 3 prefix of the sent lists 4 prefix of the
--      plan lists 5 prefix of the day quotas 6 index of records by time (zset)
--      The scripts make the keys of members and days from the prefixes; all are in
--      the app's slot.
-- ARGV 1 now in ms, 0 = Redis TIME 2 "check" to ask the record only, else ""
--      3 in-flight ms 4 resend ms 5 marks duplicates 6 deadline ms 7 retention ms
--      8 interval between calls in ms, at the configured rate
--      9 head start of the message's priority in ms
--      10 critical: 1 or 0
--      11 a member's messages per minute, 12 per hour, of any priority
--      13 and 14 likewise, on top, for critical messages only
--      15 day quota of the message's priority, -1 = none
--      16 persons that "@all", parties and tags count as, 0 = the message has none
--      17 turn in ms that was promised to its users, 0 = none
--      18 name of this delivery of the task, '' = none
--      19 id of the message
--      20 number of fields, then field, value, … of a new record
--      .. the users, in lower case
-- result {verdict, number, wait ms, spacing ms, concurrency, probe, reason,
--         follow-ups, now}
--        verdicts of the record: see begin.lua. "wait": the rate is spent; nothing
--        is reserved. "hold": the app rests. "turn": the users' turn, promised.
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
  'paused', 'block', 'block_until', 'probe_until', 'planned_until', 'unlisted_at', 'probe_by')
local now, offset = pacing_clock(wall, tonumber(p[1] or 0), tonumber(p[2] or 0))
if offset ~= tonumber(p[2] or 0) then
  redis.call('HSET', pace, 'offset', number(offset))
end
local tat = tonumber(p[3] or 0)
local concurrency = crept(p[6], p[7], CONC_CREEP, now)
local planned_until, probed_by = tonumber(p[12] or 0), p[14]
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
  now = tonumber(redis.call('HGET', record, 'sent_at') or now) -- as it was answered then
  return answer('go', written, 0, probed_by == ARGV[18] and '1' or '0', '')
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

-- 3. The members' windows. Sent lists hold the moments of the newest messages, newest
-- first. Plan lists hold moments that were promised, newest first.
local everyone = {{}, {}} -- sent to unlisted members: of any priority, and on top
if tonumber(p[13] or 0) + HOUR > now then
  for i, suffix in ipairs({'', ':critical'}) do
    for _, at in ipairs(redis.call('LRANGE', KEYS[3] .. '@all' .. suffix, 0, -1)) do
      table.insert(everyone[i], tonumber(at))
    end
  end
end

-- kth is the k-th newest moment of a list and of others, which are newest first: the
-- smallest number of others is searched for with which no older one comes before a
-- newer one of the list.
local function kth(list, others, k)
  if #others == 0 then
    return tonumber(redis.call('LINDEX', list, k - 1) or nil)
  end
  local length = redis.call('LLEN', list)
  if length + #others < k then
    return nil
  end
  local function own(i)
    return i == 0 and math.huge or tonumber(redis.call('LINDEX', list, i - 1))
  end
  local low, high = math.max(0, k - length), math.min(k, #others)
  while low < high do
    local j = math.floor((low + high) / 2)
    if own(k - j) >= (others[j + 1] or 0) then
      high = j
    else
      low = j + 1
    end
  end
  return math.min(own(k - low), others[low] or math.huge)
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

-- behind is the first moment after what is promised already; turn is when there
-- would be room without that. A promise that nobody has kept voids all that come
-- after it: their messages were cancelled or deleted, or are late, and go when they
-- come and there is room.
local GRACE = 10000 -- after which a promise has not been kept
local function behind(plan, newest, sent, others, minute, hour, turn)
  if planned_until <= now - GRACE then
    return turn
  end
  local oldest = tonumber(redis.call('LINDEX', plan, -1) or nil)
  while oldest and oldest <= now - GRACE do
    if oldest > newest then
      redis.call('DEL', plan)
      return turn
    end
    redis.call('RPOP', plan)
    oldest = tonumber(redis.call('LINDEX', plan, -1) or nil)
  end
  local planned = redis.call('LLEN', plan)
  for _, at in ipairs(redis.call('LRANGE', plan, -64, -1)) do
    if tonumber(at) <= now then -- it is among those sent by now, or about to be
      planned = planned - 1
    end
  end
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

-- Whoever was promised a turn may go from then on, if there is room; so may a message
-- that WeCom has refused. If there is none for longer than a handler waits, because
-- alerts took it, the promise is made again.
local PATIENCE = 3000
local turn_at = tonumber(redis.call('HGET', record, 'turn_at') or ARGV[17])
local attempted = tonumber(redis.call('HGET', record, 'attempts') or 0) > 0
local deadline = tonumber(ARGV[6])

local function whole_second(turn)
  return math.ceil(turn / 1000) * 1000 -- asynq knows no others
end

-- turn_of is when a member may get this message. "@all" stands for the unlisted,
-- others for what they were sent in its name.
-- result the moment, the list to write it into if that is now, and whether it is a
--        new promise if that is later
local function turn_of(user, others)
  local sent, plan, minute, hour = KEYS[3] .. user, KEYS[4] .. user, per_minute, per_hour
  local turn, list = free(sent, others[1], minute, hour), sent
  local newest = tonumber(redis.call('LINDEX', sent, 0) or 0)
  if critical then -- it overtakes what is promised to others, and has room of its own
    local own = sent .. ':critical'
    local room = free(own, others[2], extra_minute, extra_hour)
    if room <= now then
      turn, list = room, own
    end
    turn = math.min(turn, room)
    newest = math.max(newest, tonumber(redis.call('LINDEX', own, 0) or 0))
    plan, minute, hour = plan .. ':critical', minute + extra_minute, hour + extra_hour
  end
  if turn_at > now + 1000 and turn > now then
    return whole_second(math.max(turn, turn_at)), nil, false -- somebody ran it early
  end
  local entitled = attempted or turn_at > 0
  local promise = not entitled or (turn - now > PATIENCE and not attempted)
  if promise then
    turn = behind(plan, newest, sent, others[1], minute, hour, turn)
  end
  if turn <= now then
    return now, list, false
  end
  turn = whole_second(turn)
  return turn, nil, promise and (deadline == 0 or turn - now < deadline - wall)
end

local split = {} -- users who wait for a message of their own already
for group in string.gmatch(deferred, '=([^;]*)') do
  for user in string.gmatch(group, '[^|]+') do
    split[user] = true
  end
end

local first_user = 21 + tonumber(ARGV[20])
local users, turns, lists, promises, last = {}, {}, {}, {}, now
for i = first_user, #ARGV do
  local user = ARGV[i]
  if not split[user] then
    table.insert(users, user)
    turns[user], lists[user], promises[user] = turn_of(user, everyone)
    last = math.max(last, turns[user])
  end
end
local all_turn, all_promise = now, false
if unlisted > 0 then
  all_turn, lists['@all'], all_promise = turn_of('@all', {{}, {}})
end

-- 4. The day quota. Whoever does not fit into today goes at midnight.
local reason = 'member'
local quota_key = KEYS[5] .. string.format('%.0f', math.floor((wall + CHINA) / DAY))
local midnight = whole_second(now + until_midnight(wall) + NEW_DAY)
local quota, left = tonumber(ARGV[15]), math.huge
if quota >= 0 then
  left = quota - tonumber(redis.call('GET', quota_key) or 0)
  if unlisted > left and left < quota then
    all_turn, all_promise, reason = math.max(all_turn, midnight), false, 'quota'
  end
  left = math.max(0, left - unlisted)
end
for _, user in ipairs(users) do
  if turns[user] <= now and left > 0 then
    left = left - 1
  elseif turns[user] <= now then
    turns[user], last, reason = midnight, math.max(last, midnight), 'quota'
  end
end

-- 5. Who goes now: those whose turn it is. A message that WeCom may have taken is not
-- split: its duplicate check compares whole requests.
local turn = now
if all_turn > now then
  turn, promises = all_turn, {} -- the others are asked again then
  for _, user in ipairs(users) do
    turns[user] = turn
  end
elseif doubtful and last > now then
  turn = last
  for _, user in ipairs(users) do
    promises[user] = promises[user] and turns[user] == last
    turns[user] = last
  end
elseif unlisted == 0 and #users > 0 then
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
for i = 21, first_user - 1 do
  table.insert(fields, ARGV[i])
end
begin_record(record, fields)
begin_index(record, KEYS[6], ARGV[19], keep, wall)
if #order > 0 then
  redis.call('HSET', record, 'deferred', deferred)
end

local function promise(user, at)
  local plan = KEYS[4] .. user .. (critical and ':critical' or '')
  redis.call('LPUSH', plan, string.format('%.0f', at))
  redis.call('PEXPIRE', plan, math.ceil(math.max(at, planned_until) - now) + HOUR)
  planned_until = math.max(planned_until, at)
end
for _, user in ipairs(users) do
  if promises[user] and turns[user] > now then
    promise(user, turns[user])
  end
end
if all_promise then
  promise('@all', all_turn)
end
redis.call('HSET', pace, 'seen', number(now), 'planned_until', string.format('%.0f', planned_until))

if turn > now then
  redis.call('HSET', record, 'state', 'held', 'turn_at', string.format('%.0f', turn), 'errmsg', held_because[reason])
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
redis.call('HSET', record, 'sent_at', string.format('%.0f', now))
tat = math.max(tat, now) + tonumber(ARGV[8]) / crept(p[4], p[5], RATE_CREEP, now)
redis.call('HSET', pace, 'tat', number(tat))
if probe == '1' then
  redis.call('HSET', pace, 'probe_until', number(now + tonumber(ARGV[3])), 'probe_by', ARGV[18])
end
return answer('go', begin_write(record, doubtful, ARGV[5] == '1', ARGV[18], wall), 0, probe, '')
