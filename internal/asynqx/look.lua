-- Inspects a queue as its workers see it: a due task waits for them like a pending one.
-- KEYS 1 pending (list) 2 active (list) 3 scheduled (zset) 4 retry (zset) 5 paused (string)
-- ARGV 1 prefix of the tasks' keys 2 how many tasks are inspected: active ones, and the first and
--      the last of those scheduled and of those to be retried
-- result {pending, active, scheduled and to be retried in the future, ms of the pause
--        (-1: manual, -2: none)}, then for each limit that holds tasks, and for all others under
--        '', {limit, how many of the inspected tasks wait for it, how many µs the oldest has
--        waited, when the last is due in Unix seconds}
local pending, active, scheduled, retry, paused = unpack(KEYS)
local prefix, most = ARGV[1], tonumber(ARGV[2])
local t = redis.call('TIME')
local second, now = tonumber(t[1]), t[1] * 1000000 + t[2] -- in s and in µs
local held, limits = {}, {} -- by limit; the limits in the order in which they were met

local function note(limit, since, count, due)
  if not held[limit] then
    held[limit] = {count = 0, since = now, due = 0}
    table.insert(limits, limit)
  end
  local of = held[limit]
  of.count, of.since, of.due = of.count + count, math.min(of.since, since or now), math.max(of.due, due)
end

-- wait_of returns since when a task has waited, in µs, nothing if it was run manually; and the limit that holds it.
local function wait_of(id)
  local task = redis.call('HMGET', prefix .. id, 'waits_since', 'pending_since', 'held_by')
  local since = task[1] or task[2]
  return since and since / 1000, task[3] or ''
end

note('', nil, 0, 0)
for _, id in ipairs(redis.call('LRANGE', pending, -1, -1)) do
  note('', wait_of(id), 0, 0)
end
for _, id in ipairs(redis.call('LRANGE', active, 0, most - 1)) do
  note('', wait_of(id), 0, 0)
end

-- look_at inspects some tasks of a set. A scheduled task waits from its time on, unless a limit holds it: then
-- it is part of a message that waits.
local function look_at(set, from, to)
  local tasks = redis.call('ZRANGE', set, from, to, 'WITHSCORES')
  for i = 1, #tasks, 2 do
    local due = tonumber(tasks[i + 1])
    local since, limit = wait_of(tasks[i])
    if due <= second then
      note('', since or due * 1000000, 0, 0)
    elseif limit ~= '' or set == retry then
      note(limit, since, 1, due)
    end
  end
end
for _, set in ipairs({scheduled, retry}) do
  local size = redis.call('ZCARD', set)
  look_at(set, 0, most - 1)
  if size > most then
    look_at(set, math.max(most, size - most), -1)
  end
end

local due_scheduled = redis.call('ZCOUNT', scheduled, '-inf', second)
local due_retried = redis.call('ZCOUNT', retry, '-inf', second)
local reply = {
  redis.call('LLEN', pending) + due_scheduled + due_retried, redis.call('LLEN', active),
  redis.call('ZCARD', scheduled) - due_scheduled, redis.call('ZCARD', retry) - due_retried, redis.call('PTTL', paused),
}
for _, limit in ipairs(limits) do
  local of = held[limit]
  for _, value in ipairs({limit, of.count, math.floor(math.max(now - of.since, 0)), of.due}) do
    table.insert(reply, value)
  end
end
return reply
