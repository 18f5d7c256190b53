-- A fragment: the arithmetic of the windows of a member. admit.lua follows it.
--
-- A sent list holds the moments of the newest messages to a member, newest first; a plan
-- list the moments that were promised, newest first. What goes to members without
-- naming them is in lists of its own ("@all"), which every member's are merged with:
-- that is what `others` is, newest first.

local GRACE = 10000 -- after which a promise has not been kept

-- kth_newest is the k-th newest moment of a list and of others, nil if there are fewer:
-- the smallest number of others is searched for with which no older one comes before a
-- newer one of the list.
local function kth_newest(list, others, k)
  if #others == 0 then
    return tonumber(redis.call('LINDEX', list, k - 1) or nil)
  end
  local length = redis.call('LLEN', list)
  if length + #others < k then
    return nil
  end
  local function own(i)
    return i == 0 and math.huge or tonumber(redis.call('LINDEX', list, i - 1))
  end
  local low, high = math.max(0, k - length), math.min(k, #others)
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

-- room_from is when there is room for one more message, counting only what was sent:
-- per_minute and per_hour messages fit into the windows.
local function room_from(list, others, per_minute, per_hour)
  if per_minute < 1 or per_hour < 1 then
    return math.huge
  end
  local newest, from = kth_newest(list, others, per_minute), 0
  if newest then
    from = newest + MINUTE
  end
  if newest or per_hour < per_minute then
    newest = kth_newest(list, others, per_hour)
    from = newest and math.max(from, newest + HOUR) or from
  end
  return from
end

-- newer is how many moments of a list, newest first, are after a given one. It looks at a
-- few of them only: Redis serves nobody else meanwhile, and a message may have a thousand
-- recipients with long lists.
local function newer(list, length, moment)
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', list, middle)) > moment then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

-- outstanding is how many promises are for a moment to come; the others are among those
-- sent by now, or about to be. Promises whose time is over are removed. One that nobody
-- has kept voids all that come after it: their messages were cancelled or deleted, or are
-- late, and go when they come and there is room.
local function outstanding(plan, sent_lists, now)
  local length = redis.call('LLEN', plan)
  local oldest = length > 0 and tonumber(redis.call('LINDEX', plan, -1))
  if not oldest or oldest > now then
    return length
  end
  if oldest <= now - GRACE then
    local left = newer(plan, length, now - GRACE)
    local last_sent = 0
    for _, list in ipairs(sent_lists) do
      last_sent = math.max(last_sent, tonumber(redis.call('LINDEX', list, 0) or 0))
    end
    if left == 0 or tonumber(redis.call('LINDEX', plan, left)) > last_sent then
      redis.call('DEL', plan)
      return 0
    end
    redis.call('LTRIM', plan, 0, left - 1)
    length = left
  end
  return newer(plan, length, now)
end

-- after_plan is the first moment at or after `from` that comes behind all that is
-- promised, and has room beside it.
local function after_plan(plan, sent_list, others, per_minute, per_hour, from, sent_lists, now)
  local planned = outstanding(plan, sent_lists, now)
  if planned == 0 then
    return from
  end
  from = math.max(from, tonumber(redis.call('LINDEX', plan, 0)))
  for _, window in ipairs({{per_minute, MINUTE}, {per_hour, HOUR}}) do
    local most, newest = window[1], nil
    if planned >= most then
      newest = tonumber(redis.call('LINDEX', plan, most - 1))
    else
      newest = kth_newest(sent_list, others, most - planned)
    end
    from = newest and math.max(from, newest + window[2]) or from
  end
  return from
end
