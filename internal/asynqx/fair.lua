-- A fragment: wake_enqueued.lua and dequeue.lua stand after it. It keeps the order between
-- senders fair, see docs/decisions/026. A task that was just put behind many of others goes
-- ahead of them, to the tasks whose time has come, unless its sender has one of those that
-- wait, or enough ahead.
--
-- queue has the keys of one: pending (list), scheduled (zset), senders (hash: "last" is the
-- sender of the last task of pending; "of:<sender>" is "pending 0 <id>" of the newest of its
-- tasks there, or "ahead <number> <id>": how many went ahead since which), and the prefix of
-- its tasks' keys.

-- NOTED is from how many tasks on senders are noted, and MANY from how many on tasks go ahead:
-- a sender who was not noted has one of the first NOTED at most. AHEAD bounds those that a
-- sender has ahead. MOST bounds the notes: beyond it they begin anew, and each sender may go
-- ahead once more. LIFE, in s, is how long they are of use after the last change.
local NOTED, MANY, AHEAD, MOST, LIFE = 8, 16, 10, 1000, 7 * 86400

local function note(queue, field, value)
  if redis.call('HSET', queue.senders, field, value) == 1 and redis.call('HLEN', queue.senders) > MOST then
    redis.call('DEL', queue.senders)
    redis.call('HSET', queue.senders, field, value)
  end
  redis.call('EXPIRE', queue.senders, LIFE)
end

-- go_ahead moves the last task of pending. Of a script that a power cut ends half way, it is
-- in both.
local function go_ahead(queue, id)
  redis.call('ZADD', queue.scheduled, redis.call('TIME')[1], id)
  redis.call('LPOP', queue.pending)
  redis.call('HSET', queue.tasks .. id, 'state', 'scheduled')
  redis.call('HDEL', queue.tasks .. id, 'pending_since')
end

-- order is given the last task of pending, and how many wait there.
local function order(queue, id, sender, waiting)
  local last = redis.call('HGET', queue.senders, 'last')
  if last == sender then
    return -- it follows one of its own
  end
  local where, number, of = string.match(redis.call('HGET', queue.senders, 'of:' .. sender) or '', '^(%a+) (%d+) (.+)$')
  local state = of and redis.call('HGET', queue.tasks .. of, 'state')
  local ahead = where == 'ahead' and state == 'scheduled' and tonumber(number) or 0
  if waiting > MANY and ahead < AHEAD and not (where == 'pending' and state == 'pending') then
    go_ahead(queue, id)
    note(queue, 'of:' .. sender, 'ahead ' .. (ahead + 1) .. ' ' .. (ahead > 0 and of or id))
    return
  end
  if last and waiting > NOTED + 1 then -- before, it is of an earlier time
    note(queue, 'of:' .. last, 'pending 0 ' .. redis.call('LINDEX', queue.pending, 1))
  end
  note(queue, 'last', sender)
end
