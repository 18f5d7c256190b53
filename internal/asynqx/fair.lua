-- A fragment: wake_enqueued.lua stands after it. It keeps the order between senders fair, see
-- docs/decisions/026. A task that was just put behind many of others goes ahead of them, to the
-- tasks whose time has come, unless its sender has one of those that wait, or enough ahead.
-- KEYS 1 the task (hash) 2 pending (list) 3 scheduled (zset) 4 senders (hash: of each its newest
--      task that waits, "p 0 <id>", or how many went ahead since which, "a <number> <id>")
-- ARGV 2 id of the task 4 its sender

-- NOTED is from how many tasks on senders are noted, and MANY from how many on tasks go ahead:
-- a sender who was not noted has one of the first NOTED at most. AHEAD bounds those that a
-- sender has ahead. LIFE is in s.
local NOTED, MANY, AHEAD, LIFE = 8, 16, 10, 86400

local function order(waiting)
  local id, sender = ARGV[2], ARGV[4]
  local tasks = string.sub(KEYS[1], 1, #KEYS[1] - #id)
  local kind, number, of = string.match(redis.call('HGET', KEYS[4], sender) or '', '^(%a) (%d+) (.+)$')
  local state = of and redis.call('HGET', tasks .. of, 'state')
  local ahead = kind == 'a' and state == 'scheduled' and tonumber(number) or 0
  local note = 'p 0 ' .. id
  if waiting > MANY and ahead < AHEAD and not (kind == 'p' and state == 'pending') then
    note = 'a ' .. (ahead + 1) .. ' ' .. (ahead > 0 and of or id)
    redis.call('LPOP', KEYS[2])
    redis.call('ZADD', KEYS[3], redis.call('TIME')[1], id)
    redis.call('HSET', KEYS[1], 'state', 'scheduled')
    redis.call('HDEL', KEYS[1], 'pending_since')
  end
  if redis.call('HSET', KEYS[4], sender, note) == 1 then
    redis.call('EXPIRE', KEYS[4], LIFE)
  end
end
