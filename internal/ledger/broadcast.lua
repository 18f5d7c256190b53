-- A fragment: how the scripts of a message treat the broadcast whose call it is. The keys of a broadcast begin
-- with that of its hash; all are in the app's slot.

local PAUSED_RETRY = 15000 -- ms until a call that cannot be withdrawn asks again

-- broadcast_call parses the description of a call, "<block> <call> <bit> <follow-up>"; nil if the message is not
-- a call of a broadcast.
local function broadcast_call(key, text)
  local block, call, bit, follow_up = string.match(text, '^(%d+) (%d+) (%d+) ([%d.]+)$')
  if not block then
    return nil
  end
  local name = call
  if follow_up ~= '0' then
    name = call .. '.' .. follow_up
  end
  return {
    key = key, done = key .. ':done', open = key .. ':open', minutes = key .. ':minutes', outcomes = key .. ':fates:' .. block,
    bit = bit, follow_up = follow_up ~= '0', name = name, open_name = block .. '.' .. name,
  }
end

-- broadcast_done reports whether the call has ended. For a follow-up, its own record says so.
local function broadcast_done(call)
  return not call.follow_up and redis.call('GETBIT', call.done, call.bit) == 1
end

-- broadcast_forbids is the verdict for a call of a broadcast that is not running; nil if it is running. The call
-- is withdrawn, to be enqueued again when the broadcast resumes, unless WeCom may have it, or it has a follow-up
-- or is one: nothing else would enqueue those with the same recipients.
local function broadcast_forbids(call, record, index, id, doubtful, now)
  local r = redis.call('HMGET', call.key, 'state', 'closes_at')
  if r[1] == 'running' and now < tonumber(r[2] or math.huge) then
    return nil
  end
  local over = r[1] ~= 'running' and r[1] ~= 'paused'
  if doubtful and over then
    return {'park'}
  end
  local split = call.follow_up or redis.call('HEXISTS', record, 'deferred') == 1
  if doubtful or (split and not over) then
    return {'busy', PAUSED_RETRY}
  end
  redis.call('DEL', record)
  redis.call('HDEL', call.open, call.open_name)
  redis.call('ZREM', index, id)
  return {'withdrawn'}
end

-- broadcast_begin records that WeCom is about to be called for some recipients.
local function broadcast_begin(call, recipients)
  redis.call('HSET', call.open, call.open_name, recipients)
  redis.call('PEXPIRE', call.open, WAITING)
end

local function broadcast_users(joined)
  local users = {}
  for user in string.gmatch(joined or '', '[^|]+') do
    table.insert(users, user)
  end
  return users
end

-- broadcast_waiting returns the users who got a follow-up, from <turn>=<user>|<user>;….
local function broadcast_waiting(deferred)
  local users = {}
  for group in string.gmatch(deferred or '', '=([^;]*)') do
    for _, user in ipairs(broadcast_users(group)) do
      table.insert(users, user)
    end
  end
  return users
end

-- broadcast_counts counts the recipients of a call in each state.
local function broadcast_counts(record)
  if SENT[record.state] then
    return {
      accepted = tonumber(record.accepted or 0),
      invalid = #broadcast_users(record.invalid), unlicensed = #broadcast_users(record.unlicensed),
    }
  end
  local waits, recipients = {}, 0
  for _, user in ipairs(broadcast_waiting(record.deferred)) do
    waits[user] = true
  end
  for _, user in ipairs(broadcast_users(record.to_user)) do
    if not waits[string.lower(user)] then
      recipients = recipients + 1
    end
  end
  if record.state == 'rejected' and record.errcode == ALL_INVALID then
    return {invalid = recipients}
  end
  return {[record.state] = recipients}
end

local function broadcast_add(call, record, sign)
  local sum = 0
  for state, recipients in pairs(broadcast_counts(record)) do
    if recipients > 0 then
      redis.call('HINCRBY', call.key, state, sign * recipients)
      sum = sum + recipients
    end
  end
  if record.errcode and record.errcode ~= '0' then
    redis.call('HINCRBY', call.key, 'errcode:' .. record.errcode, sign * sum)
  end
  return redis.call('HINCRBY', call.key, 'settled', sign * sum)
end

-- broadcast_entry is the entry of an ended call in the list of outcomes: see outcome.go of internal/broadcast.
local function broadcast_entry(call, record, msgid, created_at, now)
  local header = {call.name, record.state, string.format('%d', math.max(0, now - created_at) / 1000), record.errcode or '0'}
  if record.possible_duplicate == '1' and SENT[record.state] then
    table.insert(header, 'twice')
  end
  local entry = table.concat(header, ' ') .. '\n' .. string.char(#msgid) .. msgid
  local waiting = table.concat(broadcast_waiting(record.deferred), '|')
  local users = call.follow_up and record.to_user or ''
  local invalid, unlicensed = '', '' -- those of a call that others received, as in broadcast_counts
  if SENT[record.state] then
    invalid, unlicensed = record.invalid or '', record.unlicensed or ''
  end
  local rest = {invalid, unlicensed, waiting, users, record.errmsg or ''}
  local text = table.concat(rest, '\n')
  if string.len(text) == #rest - 1 then
    return entry
  end
  return entry .. text
end

-- broadcast_fold adds the outcome of a call to the books of its broadcast: old and record are the call's fields
-- before and after. It reports whether the record is still needed: for a late answer, or to say that a follow-up
-- has ended.
local function broadcast_fold(call, old, record, msgid, now)
  local b = redis.call('HMGET', call.key, 'recipients', 'created_at', 'state')
  if not b[1] then -- the broadcast has expired
    return true
  end
  if old.state and FINAL[old.state] then
    broadcast_add(call, old, -1)
  elseif not call.follow_up then
    redis.call('SETBIT', call.done, call.bit, 1)
    redis.call('PEXPIRE', call.done, WAITING)
    redis.call('HINCRBY', call.key, 'calls_done', 1)
  end
  local settled = broadcast_add(call, record, 1)
  redis.call('RPUSH', call.outcomes, broadcast_entry(call, record, msgid, tonumber(b[2]), now))
  redis.call('PEXPIRE', call.outcomes, WAITING)
  redis.call('HDEL', call.open, call.open_name)
  local minute = string.format('%d', now / 60000)
  redis.call('HINCRBY', call.minutes, minute .. (record.state == 'accepted' and ' ok' or ' failed'), 1)
  redis.call('PEXPIRE', call.minutes, WAITING)
  if settled >= tonumber(b[1]) and not BROADCAST_OVER[b[3]] then
    redis.call('HSET', call.key, 'state', 'finished', 'finished_at', string.format('%d', now))
  end
  return call.follow_up or record.state == 'unknown'
end
