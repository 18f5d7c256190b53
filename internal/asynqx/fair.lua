-- A fragment: wake_enqueued.lua stands after it. It keeps the order between senders fair, see
-- docs/decisions/026. A task that was just put behind many of others goes ahead of them, to the
-- tasks whose time has come, unless its sender has one of those that wait, or enough ahead.
-- KEYS 1 the task (hash) 2 pending (list) 3 scheduled (zset) 4 senders (hash: "last" is the
--      sender of the last task of pending; "of:<sender>" is "pending 0 <id>" of the newest of
--      its tasks there, or "ahead <number> <id>": how many went ahead since which)
-- ARGV 2 id of the task 4 its sender

-- NOTED is from how many tasks on senders are noted, and MANY from how many on tasks go ahead:
-- a sender who was not noted has one of the first NOTED at most. AHEAD bounds those that a
-- sender has ahead. MOST bounds the notes: beyond it they begin anew, and each sender may go
-- ahead once more. LIFE, in s, is how long they are of use after the last change.
local NOTED, MANY, AHEAD, MOST, LIFE = 8, 16, 10, 1000, 7 * 86400

local function note(field, value)
  if redis.call('HSET', KEYS[4], field, value) == 1 and redis.call('HLEN', KEYS[4]) > MOST then
    redis.call('DEL', KEYS[4])
    redis.call('HSET', KEYS[4], field, value)
  end
  redis.call('EXPIRE', KEYS[4], LIFE)
end

-- go_ahead moves the last task of pending behind those that went ahead before, and before the
-- first of those that were scheduled for a time that has come.
local function go_ahead(id)
  local at = tonumber(redis.call('TIME')[1])
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  if first[1] then
    local tasks = string.sub(KEYS[1], 1, #KEYS[1] - #id)
    local timed = redis.call('HEXISTS', tasks .. first[1], 'timed') == 1
    at = math.min(at, first[2] - (timed and 0.5 or 0))
  end
  redis.call('ZADD', KEYS[3], at, id)
  redis.call('LPOP', KEYS[2])
  redis.call('HSET', KEYS[1], 'state', 'scheduled')
  redis.call('HDEL', KEYS[1], 'pending_since')
end

local function order(waiting)
  local id, sender = ARGV[2], ARGV[4]
  local last = redis.call('HGET', KEYS[4], 'last')
  if last == sender then
    return -- it follows one of its own
  end
  local where, number, of = string.match(redis.call('HGET', KEYS[4], 'of:' .. sender) or '', '^(%a+) (%d+) (.+)$')
  local state = of and redis.call('HGET', string.sub(KEYS[1], 1, #KEYS[1] - #id) .. of, 'state')
  local ahead = where == 'ahead' and state == 'scheduled' and tonumber(number) or 0
  if waiting > MANY and ahead < AHEAD and not (where == 'pending' and state == 'pending') then
    go_ahead(id)
    note('of:' .. sender, 'ahead ' .. (ahead + 1) .. ' ' .. (ahead > 0 and of or id))
    return
  end
  if last and waiting > NOTED + 1 then -- before, it is of an earlier time
    note('of:' .. last, 'pending 0 ' .. redis.call('LINDEX', KEYS[2], 1))
  end
  note('last', sender)
end
