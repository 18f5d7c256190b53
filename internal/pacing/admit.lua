-- Decides for each message whether it may go now, and if so records the attempt: records, the
-- app's state and rate, the day quota and every member's windows in one round trip. Each
-- message sees what those before it have taken. begin.lua, clock.lua, moments.lua, window.lua,
-- request.lua, which has the keys and arguments, and turns.lua stand before this text.
--
-- result for each message {verdict, number, wait ms, spacing ms, concurrency, probe, reason,
--         follow-ups, now, attempts in doubt, 1 while the app's calls are not answered,
--         ms of the slowest call of the last minute, the turn of those who wait for the day quota, '' without
--         follow-ups}
--        verdicts of the record: see begin.lua. "wait": the rate is used up; nothing
--        is reserved. "hold": the app is paused or blocked. "turn": the turn promised to the
--        users. "error": the script failed for this message, reason says why.
--        follow-ups: <turn ms>=<user>|<user>;…, the first is number 1; 0 = ask again now

local held_because = {
  member = 'waits for its turn: its recipients have had as many messages as WeCom delivers to one member',
  quota = 'waits for midnight in China: the day quota of the app is used up',
}
local AN_HOUR = tostring(HOUR)

local tat = tonumber(app.tat or 0) -- up to when the app's rate is used up
local late, slowest = lateness(app, now)
local interval = (limits.spaced_over + late) / limits.calls / grown_rate(app.rate, app.rate_at, now)
local concurrency = number(crept(app.concurrency, app.concurrency_at, CONC_CREEP, now))
local slowest_text = number(slowest)
local sent_at = tonumber(now_text)
local record_expiry = milliseconds(math.max(limits.record_ttl, WAITING)) -- text: Redis is slow to format numbers
local changed_records = {} -- {moment, id, …}

-- counted formats a small number, most of which are 0 and 1.
local function counted(n)
  return n == 0 and '0' or n == 1 and '1' or tostring(n)
end

local function answer(m, verdict, attempt, wait, probe, reason)
  return {verdict, attempt, wait == 0 and '0' or number(wait), number(math.max(0, tat - now)), concurrency, probe, reason,
    m.deferred, now_text, counted(m.in_doubt or 0), app.unanswered and '1' or '0', slowest_text,
    m.deferred ~= '' and milliseconds(midnight) or ''}
end

-- bare_answer is one that says nothing of the app and the record.
local function bare_answer(verdict, reason)
  return {verdict, '0', '0', '0', '1', '0', reason, '', now_text, '0', '0', '0', ''}
end

-- fields_of_new returns the fields, with values, of a record that is missing.
local function fields_of_new(m)
  if not m.record.state then
    return unpack(ARGV, m.first_field, m.first_user - 1)
  end
end

-- write_record writes fields, with values, of a message's record, and notes it for the index.
local function write_record(m, fields)
  if m.deferred ~= (m.record.deferred or '') then
    note(fields, 'deferred', m.deferred)
  end
  redis.call('HSET', m.key, unpack(fields))
  redis.call('PEXPIRE', m.key, record_expiry)
  note(changed_records, wall_text, m.id)
end

-- by_record returns the answer that the record and the broadcast give; nil if they leave it open.
local function by_record(m)
  local call, record = m.call, m.record
  if call and broadcast_done(call) then
    return bare_answer('final', '')
  end
  local forbidden, written
  forbidden, m.doubtful, written, m.in_doubt =
    begin_check(m.key, record, m.in_flight, m.resend, m.resends, m.deadline, m.delivery, wall)
  if call and not forbidden and not written then
    forbidden = broadcast_forbids(call, m.key, index, m.id, m.doubtful, wall)
  end
  if forbidden then
    return answer(m, forbidden[1], '0', forbidden[2] or 0, '0', '')
  end
  if m.check_only then
    return answer(m, 'go', '0', 0, '0', '')
  end
  if written then
    local reply = answer(m, 'go', counted(written), 0, app.probe_by == m.delivery and '1' or '0', '')
    reply[9] = milliseconds(tonumber(record.sent_at or now)) -- as in the first reply
    return reply
  end
end

-- by_app returns the answer of an app that is paused by hand or blocked by WeCom, or whose rate is used up; nil if
-- the message may go. m.probe tells whether its call is to find out if the block is over.
local function by_app(m)
  if app.paused then
    return answer(m, 'hold', '0', 15000, '0', 'paused')
  end
  m.probe = '0'
  if app.block then
    local blocked_for = tonumber(app.block_until) - now
    if blocked_for > 0 then
      return answer(m, 'hold', '0', blocked_for, '0', app.block)
    end
    local probed_for = tonumber(app.probe_until or 0) - now
    if probed_for > 0 then -- another call is the probe
      return answer(m, 'wait', '0', math.min(probed_for, 100), '0', '')
    end
    m.probe = '1'
  end
  local rate_opens = tat - m.head_start
  if rate_opens > now then
    return answer(m, 'wait', '0', rate_opens - now, '0', '')
  end
end

-- begin_attempt records that a message goes to so many persons now.
local function begin_attempt(m, persons)
  local record, attempt = m.record, counted(tonumber(m.record.attempts or 0) + 1)
  persons_today = persons_today + persons
  tat = math.max(tat, now) + interval
  if m.probe == '1' then
    set_app('probe_until', number(now + m.in_flight))
    set_app('probe_by', m.delivery)
  end
  local fields = {'sent_at', now_text, 'state', 'sending', 'attempts', attempt, 'attempt_at', wall_text, 'attempt_by', m.delivery,
    fields_of_new(m)}
  if m.doubtful and m.marks_duplicates then
    note(fields, 'possible_duplicate', '1')
  end
  write_record(m, fields)
  if record.turn_at then
    redis.call('HDEL', m.key, 'turn_at')
  end
  return answer(m, 'go', attempt, 0, m.probe, '')
end

-- promise_turns writes the turns that are promised.
local function promise_turns(m)
  local planned_until = tonumber(app.planned_until or 0)
  local suffix = m.critical and CRITICAL or ''
  local promised = {}
  for i = 1, #m.asked do
    if m.promises[i] and m.turns[i] > now then
      table.insert(promised, i)
      planned_until = math.max(planned_until, m.turns[i])
    end
  end
  local until_all_are_over = string.format('%d', math.ceil(planned_until - now) + HOUR)
  for _, i in ipairs(promised) do
    promise(plan_prefix .. m.asked[i] .. suffix, m.plans[i] or NOTHING, m.turns[i], until_all_are_over)
  end
  if planned_until > tonumber(app.planned_until or 0) then
    set_app('planned_until', milliseconds(planned_until))
  end
end

-- hold writes that a message waits for its turn.
local function hold(m)
  local fields = {'state', 'held', 'turn_at', milliseconds(m.goes_at), 'errmsg', held_because[m.reason], fields_of_new(m)}
  write_record(m, fields)
  return answer(m, 'turn', '0', m.goes_at - now, '0', m.reason)
end

-- count_once writes that a broadcast has called, which counts in the window of every member.
local function count_once(m)
  for _, id in ipairs(m.over_broadcasts) do
    redis.call('HDEL', broadcasts_sent, id)
  end
  redis.call('HSET', broadcasts_sent, string.match(m.broadcast, '[^:]+$'), now_text)
  redis.call('PEXPIRE', broadcasts_sent, HOUR)
  set_app('broadcast_at', now_text)
end

-- go writes that a message goes to those whose turn it is.
local function go(m)
  local counts_once = m.call and not m.call.follow_up and not m.doubtful
  local persons = m.unlisted
  for i = 1, #m.asked do
    if m.turns[i] <= now then
      if m.in_own[i] and not counts_once then
        add(m.own_keys[i], m.own_windows[i], sent_at, AN_HOUR, '', now - HOUR)
      elseif not counts_once then
        add(m.window_keys[i], m.windows[i], sent_at, AN_HOUR, '', now - HOUR)
      end
      persons = persons + (i <= m.users and 1 or 0)
    end
  end
  if m.unlisted > 0 then
    set_app('unlisted_at', now_text)
  end
  if counts_once then
    count_once(m)
  end
  if m.call then
    broadcast_begin(m.call, persons)
  end
  return begin_attempt(m, persons)
end

-- go_to_all writes that a message goes to users who all have room in these windows.
local function go_to_all(m, windows, keys)
  for i = 1, m.users do
    add(keys[i], windows[i], sent_at, AN_HOUR, '', now - HOUR)
  end
  return begin_attempt(m, m.users)
end

-- admit_one decides on one message.
local function admit_one(m)
  m.record = begin_read(m.key)
  m.deferred = m.record.deferred or ''
  m.call = broadcast_call(m.broadcast, m.call_text)
  local reply = by_record(m) or by_app(m)
  if reply then
    return reply
  end
  ask_for(m)
  local windows, keys = read_first_windows(m)
  if has_room(m, windows) then
    return go_to_all(m, windows, keys)
  end
  read_windows(m)
  find_turns(m)
  defer_over_quota(m)
  keep_together(m)
  split_off(m)
  promise_turns(m)
  if m.goes_at > now then
    return hold(m)
  end
  return go(m)
end

local replies, last_arg = {}, FIRST_ARG - 1
for i = FIRST_KEY, #KEYS, 2 do
  local message = message_at(last_arg, KEYS[i], KEYS[i + 1])
  last_arg = message.last_user
  local done, reply = pcall(admit_one, message)
  if not done then
    reply = bare_answer('error', type(reply) == 'table' and reply.err or tostring(reply))
  end
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
  note(changes, field, value)
end
if #changes > 0 then
  redis.call('HSET', pace, unpack(changes))
end
return replies
