-- A fragment: the arithmetic of a member's windows. moments.lua stands before it, and request.lua follows it.
--
-- A window has the moments of the newest messages to a member; a plan has the promised ones. A plan's own
-- numbers are how many of its promises are over, and the moment of the first that is not. Messages that reach
-- members without naming them are in a window of its own ("@all"), which is merged with every member's: `others`
-- has them, newest first.

local GRACE = 10000 -- after which a promise counts as not kept
local WINDOW_NUMBERS, PLAN_NUMBERS = 1, 3

-- kth_newest is the k-th newest moment of a window and others together, 0 if there are fewer. It searches for
-- the smallest number of others with which no older moment comes before a newer one of the window.
local function kth_newest(window, others, k)
  if #others == 0 then
    return moment_at(window, window.length - k)
  end
  if window.length + #others < k then
    return 0
  end
  local function own(i)
    return i == 0 and math.huge or moment_at(window, window.length - i)
  end
  local low, high = math.max(0, k - window.length), math.min(k, #others)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if own(k - middle) >= (others[middle + 1] or 0) then
      high = middle
    else
      low = middle + 1
    end
  end
  return math.min(own(k - low), others[low] or math.huge)
end

-- room_from returns when there is room for one more message, counting only sent ones: per_minute and per_hour
-- messages fit into the windows.
local function room_from(window, others, per_minute, per_hour)
  if per_minute < 1 or per_hour < 1 then
    return math.huge
  end
  if window.length + #others < math.min(per_minute, per_hour) then
    return 0
  end
  return math.max(kth_newest(window, others, per_minute) + MINUTE, kth_newest(window, others, per_hour) + HOUR)
end

-- over_of and due_of are a plan's own numbers.
local function over_of(plan)
  return plan.length > 0 and unpacked(plan.text, NUMBER) or 0
end

local function due_of(plan)
  return plan.length > 0 and moment(plan.text, 2 * NUMBER, plan.now) or math.huge
end

-- promise adds a moment to a plan, and keeps it for ttl ms.
local function promise(key, plan, at, ttl)
  local over, due = 0, at
  if plan.length > 0 then
    over, due = plan.over or over_of(plan), plan.due or due_of(plan)
  end
  add(key, plan, at, ttl, pack(over) .. pack(due), 0)
end

-- first_after is the place of the first promise after a moment, at or after `low`. It is usually near, and
-- reading blocks is costly: the steps grow.
local function first_after(plan, low, after)
  local step, high = 1, low
  while high < plan.length and moment_at(plan, high) <= after do
    low, high, step = high + 1, high + step, step * 2
  end
  high = math.min(high, plan.length)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if moment_at(plan, middle) > after then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

-- outstanding counts the promises for future moments; the others have been sent by now, or are about to be. A
-- promise that was not kept voids all that come after it: their messages were cancelled or deleted, or are late,
-- and go when they come and there is room.
local function outstanding(plan, last_sent, now)
  local over, due = over_of(plan), due_of(plan)
  if due > now then
    return plan.length - over
  end
  if due <= now - GRACE then
    over = first_after(plan, over, now - GRACE)
    if over == plan.length or math.max(moment_at(plan, over - 1), 1) > last_sent then
      redis.call('DEL', plan.key)
      plan.length, plan.blocks, plan.text = 0, 0, sub(plan.text, 1, plan.first)
      return 0
    end
    plan.over, plan.due = over, moment_at(plan, over)
  end
  return plan.length - first_after(plan, over, now)
end

-- kth_to_come is the k-th newest moment of planned and sent messages together.
local function kth_to_come(plan, planned, window, others, k)
  return planned >= k and moment_at(plan, plan.length - k) or kth_newest(window, others, k - planned)
end

-- after_plan returns the first moment, not before `from`, that comes after all promises and has room.
local function after_plan(plan, window, others, per_minute, per_hour, from, last_sent, now)
  local planned = outstanding(plan, last_sent, now)
  if planned == 0 then
    return from
  end
  return math.max(from, newest_moment(plan), kth_to_come(plan, planned, window, others, per_minute) + MINUTE,
    kth_to_come(plan, planned, window, others, per_hour) + HOUR)
end
