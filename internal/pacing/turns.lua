-- A fragment: when each recipient of a message may get it. request.lua stands before it, and admit.lua follows it.
--
-- Redis is blocked meanwhile, and a message may have a thousand recipients: data that they all have is read with
-- one command. Of a message m, these are in the order of m.asked:
--   m.windows, m.own_windows  the windows of all messages, and those of the room for critical ones
--   m.turns                   when the recipient may get the message
--   m.in_own                  whether it then takes room for critical messages
--   m.renews                  whether the turn is a new promise, if it is not now
--   m.plans                   what the recipient was promised, of those who come after that
--   m.promises                whether the turn is promised
--   m.busy                    whose windows are long, or who already wait
--   m.apart                   who gets a follow-up that asks at once

local CRITICAL = ':critical' -- suffix of a window: uses of the room for critical messages
local PATIENCE = 3000 -- ms that a handler waits
-- Busy members of a message: so many take 2 ms to decide. The rest get follow-ups that ask at once, and Redis
-- serves others in between.
local MOST_BUSY = 250
local FEW = 8 -- messages to all that are quickly merged with a window

local function newest_first(a, b)
  return a > b
end

-- ask_for lists the users whom a message asks for, followed by "@all" for its unlisted recipients.
local function ask_for(m)
  local has_own_message = {} -- users who already wait for a follow-up
  for group in string.gmatch(m.deferred, '=([^;]*)') do
    for user in string.gmatch(group, '[^|]+') do
      has_own_message[user] = true
    end
  end
  local asked, users = {}, 0
  for i = m.first_user, m.last_user do
    if not has_own_message[ARGV[i]] then
      users = users + 1
      asked[users] = ARGV[i]
    end
  end
  if m.unlisted > 0 then
    table.insert(asked, '@all')
  end
  m.asked, m.users = asked, users
end

-- read_first_windows reads the windows that are filled first, and returns them and their keys: for critical messages
-- those of the room for these.
local function read_first_windows(m)
  local windows, keys = lists(window_prefix, m.asked, m.critical and CRITICAL or '', WINDOW_NUMBERS, now)
  if m.critical then
    m.own_windows, m.own_keys = windows, keys
  else
    m.windows, m.window_keys = windows, keys
  end
  return windows, keys
end

-- has_room reports whether a message may go to all users at once, and nothing but these windows has to be looked at.
-- That is the usual case, and false is always right.
local function has_room(m, windows)
  if m.call or m.deferred ~= '' or m.unlisted > 0 or tonumber(app.planned_until or 0) > now - GRACE
    or in_the_hour('unlisted_at') or in_the_hour('broadcast_at') then
    return false
  end
  local most = math.min(limits.per_minute, limits.per_hour)
  if m.critical then
    most = math.min(limits.extra_minute, limits.extra_hour)
  end
  for i = 1, #windows do
    if windows[i].blocks > 0 or windows[i].length >= most then
      return false
    end
  end
  return m.day_quota < 0 or #windows <= m.day_quota - quota_taken()
end

-- unlisted_moments returns the moments of messages to unlisted members.
local function unlisted_moments(suffix)
  if not in_the_hour('unlisted_at') then
    return {}
  end
  return moments(lists(window_prefix, {'@all'}, suffix, WINDOW_NUMBERS, now)[1], now - HOUR)
end

-- read_messages_to_all reads the moments that count in the window of every member, newest first.
--
-- A broadcast reaches everybody once: the moment of its newest call stands for the message in the window of
-- every member, so that none of a million recipients needs a key. Its calls do not count against each other,
-- except one that WeCom may already have taken.
local function read_messages_to_all(m)
  local by_broadcasts, over_broadcasts = {}, {} -- moments; ids of broadcasts before the window
  if in_the_hour('broadcast_at') then
    local own_id = m.call and not m.doubtful and string.match(m.broadcast, '[^:]+$')
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
  local to_all = unlisted_moments('')
  for _, at in ipairs(by_broadcasts) do
    table.insert(to_all, at)
  end
  table.sort(to_all, newest_first)
  m.by_broadcasts, m.over_broadcasts, m.to_all = by_broadcasts, over_broadcasts, to_all
  m.to_all_critical = m.critical and unlisted_moments(CRITICAL) or {}
end

local function note_busy(m, i)
  if i <= m.users and not m.busy[i] then
    m.busy[i], m.busy_users = true, m.busy_users + 1
  end
end

-- set_apart sets the busy members in excess of MOST_BUSY apart.
local function set_apart(m)
  local kept = 0
  for i = 1, (m.doubtful or m.busy_users <= MOST_BUSY) and 0 or m.users do
    if m.busy[i] and not m.apart[i] then
      kept = kept + 1
      m.apart[i] = kept > MOST_BUSY
    end
  end
end

-- read_windows reads what else room_of needs.
local function read_windows(m)
  if m.critical then
    m.windows, m.window_keys = lists(window_prefix, m.asked, '', WINDOW_NUMBERS, now)
  else
    m.own_windows, m.own_keys = {}, {}
  end
  read_messages_to_all(m)
  m.busy, m.busy_users, m.apart = {}, 0, {}
  for i = 1, m.users do
    local window, own = m.windows[i], m.own_windows[i] or NOTHING
    if window.blocks > 0 or own.blocks > 0 or (#m.to_all > FEW and window.length > 0) then
      note_busy(m, i)
    end
  end
  set_apart(m)
  fetch(m.windows, function(window, i) return m.apart[i] and -1 or window.length - limits.per_hour end)
  fetch(m.own_windows, function(window, i) return m.apart[i] and -1 or window.length - limits.extra_hour end)
end

-- others_of returns what counts against a recipient besides the own window; that of "@all" already has the
-- messages to all.
local function others_of(m, i)
  return i > m.users and m.by_broadcasts or m.to_all
end

-- room_of returns when there is room for a message to a recipient, and whether it is room for critical messages.
local function room_of(m, i)
  local at = room_from(m.windows[i], others_of(m, i), limits.per_minute, limits.per_hour)
  if not m.critical then
    return at, false
  end
  local others = i > m.users and {} or m.to_all_critical
  local own = room_from(m.own_windows[i], others, limits.extra_minute, limits.extra_hour)
  return math.min(at, own), own <= now
end

-- find_room sets the turns by what was sent.
--
-- Users with a promised turn may go from then on, if there is room; so may a message that WeCom has refused. If
-- there is no room for longer than a handler waits, because alerts took it, the promise is renewed.
local function find_room(m)
  local attempted = tonumber(m.record.attempts or 0) > 0
  local entitled = attempted or m.promised_turn > 0
  local turns, in_own, renews = {}, {}, {}
  for i = 1, #m.asked do
    local at, own = math.huge, false
    if not m.apart[i] then
      at, own = room_of(m, i)
    end
    if at > now then
      note_busy(m, i)
    end
    turns[i], in_own[i] = at, own
    renews[i] = not m.apart[i] and not (m.early and at > now) and (not entitled or (at - now > PATIENCE and not attempted))
  end
  m.turns, m.in_own, m.renews = turns, in_own, renews
end

-- read_plans reads what was promised to those who come after that.
local function read_plans(m)
  local users, places = {}, {}
  if tonumber(app.planned_until or 0) > now - GRACE then
    for i, user in ipairs(m.asked) do
      if m.renews[i] then
        table.insert(users, user)
        table.insert(places, i)
      end
    end
  end
  local plans = lists(plan_prefix, users, m.critical and CRITICAL or '', PLAN_NUMBERS, now)
  m.plans = {}
  for n, plan in ipairs(plans) do
    if plan.length > 0 then
      m.plans[places[n]] = plan
      note_busy(m, places[n])
    end
  end
  set_apart(m)
  fetch(plans, function(plan, n)
    return m.apart[places[n]] and -1 or due_of(plan) <= now and over_of(plan) or plan.length - limits.per_hour
  end)
end

-- behind_plan returns when a recipient has room after all promises. A critical message overtakes promises to
-- others.
local function behind_plan(m, i)
  local per_minute, per_hour, last_sent = limits.per_minute, limits.per_hour, newest_moment(m.windows[i])
  if m.critical then
    per_minute, per_hour = per_minute + limits.extra_minute, per_hour + limits.extra_hour
    last_sent = math.max(last_sent, newest_moment(m.own_windows[i]))
  end
  return after_plan(m.plans[i], m.windows[i], others_of(m, i), per_minute, per_hour, m.turns[i], last_sent, now)
end

-- turn_of returns when a recipient may get a message, and whether that is a new promise.
local function turn_of(m, i)
  local at = m.turns[i]
  if m.early and at > now then
    return whole_second(math.max(at, m.promised_turn)), false
  end
  if m.plans[i] then
    at = behind_plan(m, i)
  end
  if at <= now then
    return now, false
  end
  at = whole_second(at)
  return at, m.renews[i] and (m.deadline == 0 or at - now < m.deadline - wall)
end

-- find_turns sets the turns by what was sent and what was promised.
local function find_turns(m)
  m.promised_turn = tonumber(m.record.turn_at or m.promised)
  m.early = m.promised_turn > now + 1000 -- it was run early
  find_room(m)
  read_plans(m)
  local turns, promises, last_turn = m.turns, {}, now
  for i = 1, #m.asked do
    if m.apart[i] then
      turns[i] = math.huge
    elseif turns[i] > now or m.plans[i] then
      turns[i], promises[i] = turn_of(m, i)
    else
      turns[i] = now
    end
    if i <= m.users and not m.apart[i] then
      last_turn = math.max(last_turn, turns[i])
    end
  end
  m.promises, m.last_turn = promises, last_turn
end

-- defer_over_quota gives those who exceed the day quota their turn at midnight.
local function defer_over_quota(m)
  local turns, left = m.turns, math.huge
  m.reason = 'member'
  if m.day_quota >= 0 then
    left = m.day_quota - quota_taken()
    if m.unlisted > 0 and m.unlisted > left and left < m.day_quota then
      local all = m.users + 1
      turns[all], m.promises[all], m.reason = math.max(turns[all], midnight), false, 'quota'
    end
    left = math.max(0, left - m.unlisted)
  end
  for i = 1, m.users do
    if turns[i] <= now and left > 0 then
      left = left - 1
    elseif turns[i] <= now then
      turns[i], m.last_turn, m.reason = midnight, math.max(m.last_turn, midnight), 'quota'
    end
  end
end

-- keep_together sets m.goes_at, when the message goes to those whose turn it is then, and the turns of those who
-- must go with others. A message that WeCom may have taken is not split, because WeCom's duplicate check compares
-- whole requests.
local function keep_together(m)
  local turns, unlisted_turn = m.turns, m.turns[m.users + 1] or 0
  m.goes_at = now
  if unlisted_turn > now then
    m.goes_at, m.apart = unlisted_turn, {}
    for i = 1, m.users do
      turns[i], m.promises[i] = unlisted_turn, false -- they ask again then
    end
  elseif m.doubtful and m.last_turn > now then
    m.goes_at = m.last_turn
    for i = 1, m.users do
      m.promises[i] = m.promises[i] and turns[i] == m.last_turn
      turns[i] = m.last_turn
    end
  elseif m.unlisted == 0 and m.users > 0 then
    m.goes_at = math.huge
    for i = 1, m.users do
      m.goes_at = math.min(m.goes_at, turns[i])
    end
  end
end

-- split_off adds the follow-ups of those who do not go with the message to m.deferred.
local function split_off(m)
  local waiting, waiting_turns, asking = {}, {}, {} -- users by turn, the turns in order, those set apart
  for i = 1, m.users do
    local at = m.turns[i]
    if m.apart[i] then
      table.insert(asking, m.asked[i])
    elseif at > m.goes_at then
      if not waiting[at] then
        waiting[at] = {}
        table.insert(waiting_turns, at)
      end
      table.insert(waiting[at], m.asked[i])
    end
  end
  table.sort(waiting_turns)
  local follow_ups = {}
  if m.deferred ~= '' then
    table.insert(follow_ups, m.deferred)
  end
  for first = 1, #asking, MOST_BUSY do
    table.insert(follow_ups, '0=' .. table.concat(asking, '|', first, math.min(first + MOST_BUSY - 1, #asking)))
  end
  for _, at in ipairs(waiting_turns) do
    table.insert(follow_ups, milliseconds(at) .. '=' .. table.concat(waiting[at], '|'))
  end
  m.deferred = table.concat(follow_ups, ';')
end
