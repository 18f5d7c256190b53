-- Decides for each message whether it may go now, and if so records the attempt: records, the
-- app's state and rate, the day quota and every member's windows in one round trip. Each
-- message sees what those before it have taken. begin.lua, clock.lua, moments.lua and
-- window.lua stand before this text.
--
-- KEYS 1 pace (hash) 2 prefix of the windows 3 prefix of the plans 4 prefix of the day quotas
--      5 index of records by time (zset) 6 newest calls of the broadcasts (hash)
--      then for each message: its record (hash), and the broadcast whose call it is
--      (hash; the record again if none)
--      The scripts make the keys of members and days from the prefixes; all are in
--      the app's slot.
-- ARGV the fields of `limits` below, in their order; then for each message those of `ask`,
--      field, value, … of a new record, and the users, in lower case
-- result for each message {verdict, number, wait ms, spacing ms, concurrency, probe, reason,
--         follow-ups, now, attempts in doubt, 1 while the app's calls are not answered,
--         the turn of those who wait for the day quota, '' without follow-ups}
--        verdicts of the record: see begin.lua. "wait": the rate is used up; nothing
--        is reserved. "hold": the app is paused or blocked. "turn": the turn promised to the
--        users. "error": the script failed for this message, reason says why.
--        follow-ups: <turn ms>=<user>|<user>;…, the first is number 1; 0 = ask again now
local pace, window_prefix, plan_prefix, quota_prefix, index, broadcasts_sent = unpack(KEYS, 1, 6)
local limits = {
  now = ARGV[1],                       -- in ms, 0 = Redis TIME
  record_ttl = tonumber(ARGV[2]),      -- in ms
  interval = tonumber(ARGV[3]),        -- between calls in ms, at the configured rate
  per_minute = tonumber(ARGV[4]),      -- a member's messages of any priority
  per_hour = tonumber(ARGV[5]),
  extra_minute = tonumber(ARGV[6]),    -- in addition, for critical messages only
  extra_hour = tonumber(ARGV[7]),
}
local FIRST_KEY, FIRST_ARG, ASK_LENGTH = 7, 8, 16

-- ask_at returns the request for the message whose arguments follow i.
local function ask_at(i)
  local ask = {
    check_only = ARGV[i + 1] == 'check',   -- read the record only
    in_flight = tonumber(ARGV[i + 2]),     -- ms that an attempt can last
    resend = tonumber(ARGV[i + 3]),        -- ms, see begin.lua
    resends = tonumber(ARGV[i + 4]),       -- attempts in doubt that may be followed by another, -1 = all
    marks_duplicates = ARGV[i + 5] == '1',
    deadline = tonumber(ARGV[i + 6]),      -- of the message in ms, 0 = none
    head_start = tonumber(ARGV[i + 7]),    -- of the message's priority in ms
    critical = ARGV[i + 8] == '1',
    day_quota = tonumber(ARGV[i + 9]),     -- of the message's priority, -1 = none
    unlisted = tonumber(ARGV[i + 10]),     -- people that "@all", parties and tags count as
    promised = tonumber(ARGV[i + 11]),     -- turn in ms that its users were promised, 0 = none
    delivery = ARGV[i + 12],               -- name of this delivery of the task, '' = none
    id = ARGV[i + 13],                     -- of the message
    call = ARGV[i + 14],                   -- of a broadcast, see broadcast.lua; '' = none
  }
  ask.first_field = i + ASK_LENGTH + 1
  ask.first_user = ask.first_field + tonumber(ARGV[i + 15])
  ask.last_user = ask.first_user + tonumber(ARGV[i + 16]) - 1
  return ask
end

local held_because = {
  member = 'waits for its turn: its recipients have had as many messages as WeCom delivers to one member',
  quota = 'waits for midnight in China: the day quota of the app is used up',
}

local function milliseconds(at)
  return string.format('%.0f', at)
end

local function whole_second(at)
  return math.ceil(at / 1000) * 1000 -- asynq has only whole seconds
end

local function newest_first(a, b)
  return a > b
end

-- The state of the app, which all workers share.
local app = {}
local app_fields = {'seen', 'offset', 'tat', 'rate', 'rate_at', 'concurrency', 'concurrency_at', 'paused', 'block',
  'block_until', 'probe_until', 'planned_until', 'unlisted_at', 'broadcast_at', 'probe_by', 'unanswered'}
for i, value in ipairs(redis.call('HMGET', pace, unpack(app_fields))) do
  app[app_fields[i]] = value -- false if missing
end
begin_writing(pace)
local app_changes = {} -- fields and values, written at the end
local function set_app(field, value)
  app[field], app_changes[field] = value, value
end

local wall = wall_clock(limits.now)
local now, offset = pacing_clock(wall, tonumber(app.seen or 0), tonumber(app.offset or 0))
if offset ~= tonumber(app.offset or 0) then
  set_app('offset', number(offset))
end
local wall_text, now_text = milliseconds(wall), milliseconds(now) -- formatted once: Lua is slow at it
local sent_at = tonumber(now_text)
local tat = tonumber(app.tat or 0) -- up to when the app's rate is used up
local interval = limits.interval / grown_rate(app.rate, app.rate_at, now)
local midnight = whole_second(now + until_midnight(wall) + NEW_DAY) -- in China, when the day quota starts again
local concurrency = number(crept(app.concurrency, app.concurrency_at, CONC_CREEP, now))

local quota_key = quota_prefix .. milliseconds(math.floor((wall + CHINA) / DAY))
local quota_before, persons_today = nil, 0 -- the day's use before these calls, and what these add
local function quota_taken()
  quota_before = quota_before or tonumber(redis.call('GET', quota_key) or 0)
  return quota_before + persons_today
end

-- in_the_hour reports whether the moment in a field of the app counts in the windows.
local function in_the_hour(field)
  return tonumber(app[field] or 0) + HOUR > now
end

local changed_records = {} -- {moment, id, …}

local AN_HOUR = tostring(HOUR)
local CRITICAL = ':critical' -- suffix of a window: uses of the room for critical messages
local PATIENCE = 3000 -- ms that a handler waits
-- Members of a message whose windows are long, or who already wait: so many take 2 ms to decide. The rest get
-- follow-ups that ask at once, and Redis serves others in between.
local MOST_BUSY = 250
local FEW = 8 -- messages to all that are quickly merged with a window

-- fields_of_new returns the fields, with values, that a record gets if it is missing.
local function fields_of_new(ask, record)
  return record.state and {} or {unpack(ARGV, ask.first_field, ask.first_user - 1)}
end

-- note adds a field to those that are written.
local function note(fields, field, value)
  table.insert(fields, field)
  table.insert(fields, value)
end

-- note_changed remembers a message whose record changes, for the index.
local function note_changed(ask)
  table.insert(changed_records, wall_text)
  table.insert(changed_records, ask.id)
end

local record_expiry = math.max(limits.record_ttl, WAITING)

-- write_record writes fields, with values, of a record.
local function write_record(key, fields)
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, record_expiry)
end

-- begin_attempt writes that a message goes to so many persons now, and other fields of its record, and returns the
-- number of the attempt.
local function begin_attempt(ask, key, record, fields, persons, doubtful, is_probe)
  local attempt = tonumber(record.attempts or 0) + 1
  persons_today = persons_today + persons
  tat = math.max(tat, now) + interval
  if is_probe then
    set_app('probe_until', number(now + ask.in_flight))
    set_app('probe_by', ask.delivery)
  end
  note(fields, 'sent_at', now_text)
  note(fields, 'state', 'sending')
  note(fields, 'attempts', attempt)
  note(fields, 'attempt_at', wall_text)
  note(fields, 'attempt_by', ask.delivery)
  if doubtful and ask.marks_duplicates then
    note(fields, 'possible_duplicate', 1)
  end
  note_changed(ask)
  write_record(key, fields)
  if record.turn_at then
    redis.call('HDEL', key, 'turn_at')
  end
  return attempt
end

-- has_room reports whether a message to users with these windows may go to all of them at once, and nothing else
-- has to be looked at. That is the usual case, and false is always right.
local function has_room(ask, windows)
  if ask.critical or ask.unlisted > 0 or tonumber(app.planned_until or 0) > now - GRACE
    or in_the_hour('unlisted_at') or in_the_hour('broadcast_at') then
    return false
  end
  local most = math.min(limits.per_minute, limits.per_hour)
  for i = 1, #windows do
    if windows[i].blocks > 0 or windows[i].length >= most then
      return false
    end
  end
  return ask.day_quota < 0 or #windows <= ask.day_quota - quota_taken()
end

-- admit_one decides on one message.
local function admit_one(ask, key, broadcast)
  local record = begin_read(key)
  local deferred = record.deferred or ''
  local planned_until = tonumber(app.planned_until or 0)

  local call = broadcast_call(broadcast, ask.call)
  if call and broadcast_done(call) then
    return {'final', '0', '0', '0', '1', '0', '', '', now_text, '0', '0'}
  end
  local forbidden, doubtful, written, in_doubt =
    begin_check(key, record, ask.in_flight, ask.resend, ask.resends, ask.deadline, ask.delivery, wall)
  if call and not forbidden and not written then
    forbidden = broadcast_forbids(call, key, index, ask.id, doubtful, wall)
  end

  local function answer(verdict, attempt, wait, probe, reason)
    return {verdict, tostring(attempt), wait == 0 and '0' or number(wait), number(math.max(0, tat - now)), concurrency, probe, reason,
      deferred, now_text, tostring(in_doubt or 0), app.unanswered and '1' or '0'}
  end

  if forbidden then
    return answer(forbidden[1], 0, forbidden[2] or 0, '0', '')
  end
  if ask.check_only then
    return answer('go', 0, 0, '0', '')
  end
  if written then
    local reply = answer('go', written, 0, app.probe_by == ask.delivery and '1' or '0', '')
    reply[9] = milliseconds(tonumber(record.sent_at or now)) -- as in the first reply
    return reply
  end

  -- 1. The app: paused by hand, or blocked by WeCom.
  if app.paused then
    return answer('hold', 0, 15000, '0', 'paused')
  end
  local probe = '0'
  if app.block then
    local blocked_for = tonumber(app.block_until) - now
    if blocked_for > 0 then
      return answer('hold', 0, blocked_for, '0', app.block)
    end
    local probed_for = tonumber(app.probe_until or 0) - now
    if probed_for > 0 then -- another call is the probe
      return answer('wait', 0, math.min(probed_for, 100), '0', '')
    end
    probe = '1'
  end

  -- 2. The app's rate.
  local rate_opens = tat - ask.head_start
  if rate_opens > now then
    return answer('wait', 0, rate_opens - now, '0', '')
  end

  -- 3. The members' windows. Redis is blocked meanwhile, and a message may have a thousand recipients: data that
  -- they all have is read with one command, and tables are in the order of `asked`.
  local has_own_message = {} -- users who already wait for a follow-up
  for group in string.gmatch(deferred, '=([^;]*)') do
    for user in string.gmatch(group, '[^|]+') do
      has_own_message[user] = true
    end
  end
  local asked, users = {}, 0 -- the users, followed by "@all" for unlisted recipients
  for i = ask.first_user, ask.last_user do
    if not has_own_message[ARGV[i]] then
      users = users + 1
      asked[users] = ARGV[i]
    end
  end
  if ask.unlisted > 0 then
    table.insert(asked, '@all')
  end

  local kind = ask.critical and CRITICAL or ''
  local windows, window_keys = lists(window_prefix, asked, '', WINDOW_NUMBERS, now)
  if not call and deferred == '' and has_room(ask, windows) then
    for i = 1, users do
      add(window_keys[i], windows[i], sent_at, AN_HOUR, '', now - HOUR)
    end
    return answer('go', begin_attempt(ask, key, record, fields_of_new(ask, record), users, doubtful, probe == '1'), 0, probe, '')
  end
  local own_windows, own_keys = {}, {}
  if ask.critical then
    own_windows, own_keys = lists(window_prefix, asked, CRITICAL, WINDOW_NUMBERS, now)
  end

  -- sent_to_all returns the moments of messages to unlisted members.
  local function sent_to_all(suffix)
    if not in_the_hour('unlisted_at') then
      return {}
    end
    return moments(lists(window_prefix, {'@all'}, suffix, WINDOW_NUMBERS, now)[1], now - HOUR)
  end
  local to_all, to_all_critical = sent_to_all(''), ask.critical and sent_to_all(CRITICAL) or {}

  -- A broadcast reaches everybody once: the moment of its newest call stands for the message in the window of
  -- every member, so that none of a million recipients needs a key. Its calls do not count against each other,
  -- except one that WeCom may already have taken.
  local counts_once = call and not call.follow_up and not doubtful
  local by_broadcasts, over_broadcasts = {}, {} -- moments, newest first; ids of broadcasts before the window
  if in_the_hour('broadcast_at') then
    local own_id = call and not doubtful and string.match(broadcast, '[^:]+$')
    local newest_calls = redis.call('HGETALL', broadcasts_sent)
    for i = 1, #newest_calls, 2 do
      local id, at = newest_calls[i], tonumber(newest_calls[i + 1])
      if at + HOUR <= now then
        table.insert(over_broadcasts, id)
      elseif id ~= own_id then
        table.insert(by_broadcasts, at)
      end
    end
  end
  table.sort(by_broadcasts, newest_first)
  for _, at in ipairs(by_broadcasts) do
    table.insert(to_all, at)
  end
  table.sort(to_all, newest_first)

  -- set_apart removes the busy members in excess of MOST_BUSY.
  local busy, busy_users, apart = {}, 0, {} -- by place
  local function note_busy(i)
    if i <= users and not busy[i] then
      busy[i], busy_users = true, busy_users + 1
    end
  end
  local function set_apart()
    local kept = 0
    for i = 1, (doubtful or busy_users <= MOST_BUSY) and 0 or users do
      if busy[i] and not apart[i] then
        kept = kept + 1
        apart[i] = kept > MOST_BUSY
      end
    end
  end

  for i = 1, users do
    local window, own = windows[i], own_windows[i] or NOTHING
    if window.blocks > 0 or own.blocks > 0 or (#to_all > FEW and window.length > 0) then
      note_busy(i)
    end
  end
  set_apart()
  fetch(windows, function(window, i) return apart[i] and -1 or window.length - limits.per_hour end)
  fetch(own_windows, function(window, i) return apart[i] and -1 or window.length - limits.extra_hour end)

  -- others_of returns what counts against a member besides the member's own window; the window of "@all" already
  -- has the messages to all.
  local function others_of(i)
    return i > users and by_broadcasts or to_all
  end
  local function critical_others_of(i)
    return i > users and {} or to_all_critical
  end

  -- room_of returns when there is room for a message to a member, and in which window. Critical messages have
  -- reserved room.
  local function room_of(i)
    local at = room_from(windows[i], others_of(i), limits.per_minute, limits.per_hour)
    if not ask.critical then
      return at, false
    end
    local own = room_from(own_windows[i], critical_others_of(i), limits.extra_minute, limits.extra_hour)
    return math.min(at, own), own <= now
  end

  -- Users with a promised turn may go from then on, if there is room; so may a message that WeCom has refused. If
  -- there is no room for longer than a handler waits, because alerts took it, the promise is renewed.
  local promised_turn = tonumber(record.turn_at or ask.promised)
  local attempted = tonumber(record.attempts or 0) > 0
  local entitled = attempted or promised_turn > 0
  local early = promised_turn > now + 1000 -- it was run early

  local turns, in_own, renews = {}, {}, {} -- turns: for now, when there is room
  local comes_behind, their_places = {}, {} -- those who come after existing promises
  for i, user in ipairs(asked) do
    local at, own = math.huge, false
    if not apart[i] then
      at, own = room_of(i)
    end
    if at > now then
      note_busy(i)
    end
    turns[i], in_own[i] = at, own
    if not apart[i] and not (early and at > now) and (not entitled or (at - now > PATIENCE and not attempted)) then
      renews[i] = true
      if planned_until > now - GRACE then
        table.insert(comes_behind, user)
        table.insert(their_places, i)
      end
    end
  end
  local plans, their_plans = {}, lists(plan_prefix, comes_behind, kind, PLAN_NUMBERS, now)
  for n, plan in ipairs(their_plans) do
    if plan.length > 0 then
      plans[their_places[n]] = plan
      note_busy(their_places[n])
    end
  end
  set_apart()
  fetch(their_plans, function(plan, n)
    return apart[their_places[n]] and -1 or due_of(plan) <= now and over_of(plan) or plan.length - limits.per_hour
  end)

  -- turn_of returns when a user may get this message, and whether that is a new promise. A critical message
  -- overtakes promises to others.
  local function turn_of(i)
    local at = turns[i]
    if early and at > now then
      return whole_second(math.max(at, promised_turn)), false
    end
    if plans[i] then
      local per_minute, per_hour, last_sent = limits.per_minute, limits.per_hour, newest_moment(windows[i])
      if ask.critical then
        per_minute, per_hour = per_minute + limits.extra_minute, per_hour + limits.extra_hour
        last_sent = math.max(last_sent, newest_moment(own_windows[i]))
      end
      at = after_plan(plans[i], windows[i], others_of(i), per_minute, per_hour, at, last_sent, now)
    end
    if at <= now then
      return now, false
    end
    at = whole_second(at)
    return at, renews[i] and (ask.deadline == 0 or at - now < ask.deadline - wall)
  end

  local promises, last_turn = {}, now
  for i = 1, #asked do
    if apart[i] then
      turns[i] = math.huge
    elseif turns[i] > now or plans[i] then
      turns[i], promises[i] = turn_of(i)
    else
      turns[i] = now
    end
  end
  for i = 1, users do
    last_turn = apart[i] and last_turn or math.max(last_turn, turns[i])
  end

  -- 4. The day quota. Recipients who exceed today's go at midnight.
  local ALL = users + 1 -- the place of "@all", if there are unlisted
  local reason = 'member'
  local quota_left = math.huge
  if ask.day_quota >= 0 then
    quota_left = ask.day_quota - quota_taken()
    if ask.unlisted > 0 and ask.unlisted > quota_left and quota_left < ask.day_quota then
      turns[ALL], promises[ALL], reason = math.max(turns[ALL], midnight), false, 'quota'
    end
    quota_left = math.max(0, quota_left - ask.unlisted)
  end
  for i = 1, users do
    if turns[i] <= now and quota_left > 0 then
      quota_left = quota_left - 1
    elseif turns[i] <= now then
      turns[i], last_turn, reason = midnight, math.max(last_turn, midnight), 'quota'
    end
  end

  -- 5. Who goes now: those whose turn it is. A message that WeCom may have taken is not split, because WeCom's
  -- duplicate check compares whole requests.
  local goes_at = now
  if turns[ALL] and turns[ALL] > now then
    goes_at, apart = turns[ALL], {}
    for i = 1, users do
      turns[i], promises[i] = goes_at, false -- they ask again then
    end
  elseif doubtful and last_turn > now then
    goes_at = last_turn
    for i = 1, users do
      promises[i] = promises[i] and turns[i] == last_turn
      turns[i] = last_turn
    end
  elseif ask.unlisted == 0 and users > 0 then
    goes_at = math.huge
    for i = 1, users do
      goes_at = math.min(goes_at, turns[i])
    end
  end

  local waiting, waiting_turns, asking = {}, {}, {} -- users by turn, the turns in order, those set apart
  for i = 1, users do
    local at = turns[i]
    if apart[i] then
      table.insert(asking, asked[i])
    elseif at > goes_at then
      if not waiting[at] then
        waiting[at] = {}
        table.insert(waiting_turns, at)
      end
      table.insert(waiting[at], asked[i])
    end
  end
  table.sort(waiting_turns)
  local follow_ups = {}
  if deferred ~= '' then
    table.insert(follow_ups, deferred)
  end
  for first = 1, #asking, MOST_BUSY do
    table.insert(follow_ups, '0=' .. table.concat(asking, '|', first, math.min(first + MOST_BUSY - 1, #asking)))
  end
  for _, at in ipairs(waiting_turns) do
    table.insert(follow_ups, milliseconds(at) .. '=' .. table.concat(waiting[at], '|'))
  end
  deferred = table.concat(follow_ups, ';')

  -- 6. Write the decision.
  local fields = fields_of_new(ask, record)
  if deferred ~= (record.deferred or '') then
    note(fields, 'deferred', deferred)
  end

  for i = 1, #asked do
    if promises[i] and turns[i] > now then
      planned_until = math.max(planned_until, turns[i])
    end
  end
  local until_all_are_over = string.format('%d', math.ceil(planned_until - now) + HOUR)
  for i = 1, #asked do
    if promises[i] and turns[i] > now then
      promise(plan_prefix .. asked[i] .. kind, plans[i] or NOTHING, turns[i], until_all_are_over)
    end
  end
  if planned_until > tonumber(app.planned_until or 0) then
    set_app('planned_until', milliseconds(planned_until))
  end

  if goes_at > now then
    note(fields, 'state', 'held')
    note(fields, 'turn_at', milliseconds(goes_at))
    note(fields, 'errmsg', held_because[reason])
    note_changed(ask)
    write_record(key, fields)
    return answer('turn', 0, goes_at - now, '0', reason)
  end

  local persons = ask.unlisted
  for i = 1, #asked do
    if turns[i] <= now then
      if in_own[i] and not counts_once then
        add(own_keys[i], own_windows[i], sent_at, AN_HOUR, '', now - HOUR)
      elseif not counts_once then
        add(window_keys[i], windows[i], sent_at, AN_HOUR, '', now - HOUR)
      end
      persons = persons + (i <= users and 1 or 0)
    end
  end
  if ask.unlisted > 0 then
    set_app('unlisted_at', now_text)
  end
  if counts_once then
    for _, id in ipairs(over_broadcasts) do
      redis.call('HDEL', broadcasts_sent, id)
    end
    redis.call('HSET', broadcasts_sent, string.match(broadcast, '[^:]+$'), now_text)
    redis.call('PEXPIRE', broadcasts_sent, HOUR)
    set_app('broadcast_at', now_text)
  end
  if call then
    broadcast_begin(call, persons)
  end
  return answer('go', begin_attempt(ask, key, record, fields, persons, doubtful, probe == '1'), 0, probe, '')
end

local replies, at = {}, FIRST_ARG - 1
for i = FIRST_KEY, #KEYS, 2 do
  local ask = ask_at(at)
  at = ask.last_user
  local done, reply = pcall(admit_one, ask, KEYS[i], KEYS[i + 1])
  if not done then
    reply = {'error', '0', '0', '0', '1', '0', type(reply) == 'table' and reply.err or tostring(reply), '', now_text, '0', '0'}
  end
  table.insert(reply, reply[8] ~= '' and milliseconds(midnight) or '')
  table.insert(replies, reply)
end

if #changed_records > 0 then -- something was written
  set_app('seen', number(now))
  set_app('tat', number(tat))
end
begin_index(index, changed_records, limits.record_ttl)
if persons_today > 0 and redis.call('INCRBY', quota_key, persons_today) == persons_today then
  redis.call('PEXPIRE', quota_key, 2 * DAY)
end
local changes = {}
for field, value in pairs(app_changes) do
  table.insert(changes, field)
  table.insert(changes, value)
end
if #changes > 0 then
  redis.call('HSET', pace, unpack(changes))
end
return replies
