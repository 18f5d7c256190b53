-- A fragment, followed by enqueue.lua. It keeps the order between senders fair, see
-- docs/decisions/026. A task just enqueued behind many tasks of others goes ahead of them, behind
-- the due tasks, unless its sender already has a waiting task, or enough tasks ahead.
-- The hash senders has "last", the sender of the last task of pending; "of:<sender>" is "pending 0 <id>" for the
-- newest of its tasks there, or "ahead <number> <id>": how many went ahead since which.

-- NOTED is the queue length from which senders are noted; from MANY on, see wake.go, tasks go ahead: a sender
-- without a note then has at most one of the first NOTED tasks. AHEAD bounds the tasks that a sender has ahead.
-- MOST bounds the notes: beyond it they are discarded, and each sender may go ahead once more. LIFE, in s, is
-- how long they are kept after the last change.
local NOTED, AHEAD, MOST, LIFE = 8, 10, 1000, 7 * 86400

local function note(senders, field, value)
  if redis.call('HSET', senders, field, value) == 1 and redis.call('HLEN', senders) > MOST then
    redis.call('DEL', senders)
    redis.call('HSET', senders, field, value)
  end
  redis.call('EXPIRE', senders, LIFE)
end

-- go_ahead moves the last task of pending behind those that went ahead before, and before the first scheduled
-- one that is due.
local function go_ahead(prefix, id, pending, scheduled)
  local at = tonumber(redis.call('TIME')[1])
  local first = redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')
  if first[1] then
    local timed = redis.call('HEXISTS', prefix .. first[1], 'timed') == 1
    at = math.min(at, first[2] - (timed and 0.5 or 0))
  end
  redis.call('ZADD', scheduled, at, id)
  redis.call('LPOP', pending)
  redis.call('HSET', prefix .. id, 'state', 'scheduled')
  redis.call('HDEL', prefix .. id, 'pending_since')
end

-- order notes the sender of the last task of pending, or lets the task go ahead, and reports whether it does.
local function order(task, pending, scheduled, senders, id, sender, waiting)
  local prefix = string.sub(task, 1, #task - #id) -- of the tasks' keys
  local last = redis.call('HGET', senders, 'last')
  if last == sender then
    return false -- it follows one of its own
  end
  local where, number, of = string.match(redis.call('HGET', senders, 'of:' .. sender) or '', '^(%a+) (%d+) (.+)$')
  local state = of and redis.call('HGET', prefix .. of, 'state')
  local ahead = where == 'ahead' and state == 'scheduled' and tonumber(number) or 0
  if waiting > MANY and ahead < AHEAD and not (where == 'pending' and state == 'pending') then
    go_ahead(prefix, id, pending, scheduled)
    note(senders, 'of:' .. sender, 'ahead ' .. (ahead + 1) .. ' ' .. (ahead > 0 and of or id))
    return true
  end
  if last and waiting > NOTED + 1 then -- otherwise the note is outdated
    note(senders, 'of:' .. last, 'pending 0 ' .. redis.call('LINDEX', pending, 1))
  end
  note(senders, 'last', sender)
  return false
end
