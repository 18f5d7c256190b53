-- A fragment, followed by places.lua or requeue.lua. Locates tasks of a queue, and tells whether a
-- worker will find them there.
-- KEYS 1 pending (list) 2 active (list) 3 lease (zset) 4 scheduled (zset) 5 retry (zset)
-- ARGV 1 prefix of the tasks' keys

-- since_of_last returns when the last task at or after position first whose time is known began to wait.
local function since_of_last(first)
  local since
  for _, task in ipairs(redis.call('LRANGE', KEYS[1], first, -1)) do
    since = tonumber(redis.call('HGET', ARGV[1] .. task, 'pending_since') or nil) or since
  end
  return since
end

local oldest -- looked up once
local function oldest_pending()
  oldest = oldest or since_of_last(-1) or since_of_last(-50) or 0
  return oldest
end

-- is_pending avoids searching the list for every task: tasks that arrived later than those at
-- its end are before them. A task that a worker gave back, or that was run manually, has no time:
-- the FEW at the end may be such. A search through MOST takes a millisecond, and a task that may
-- be beyond counts as pending.
local FEW, MOST = 1000, 100000
local function is_pending(id, since)
  if since and oldest_pending() > 0 and since > oldest_pending() then
    return true
  end
  local depth = since and MOST or FEW
  return redis.pcall('LPOS', KEYS[1], id, 'RANK', -1, 'MAXLEN', depth) or redis.call('LLEN', KEYS[1]) > depth
end

local is_there = {
  pending = is_pending,
  scheduled = function(id) return redis.call('ZSCORE', KEYS[4], id) end,
  retry = function(id) return redis.call('ZSCORE', KEYS[5], id) end,
  -- An active task without a lease stays with a worker that may be dead: nothing recovers it.
  active = function(id) return redis.call('ZSCORE', KEYS[3], id) and redis.pcall('LPOS', KEYS[2], id) end,
}

-- place_of returns:
--   "gone"   no such task
--   "queued" waiting or being processed
--   "completed", "archived" only kept for the dashboard
--   "lost"   in none of the sets of its state: no worker will take it
-- state and since, which is when it began to wait, are fields of the task.
local function place_of(id, state, since)
  if is_there[state] then
    return is_there[state](id, tonumber(since or nil)) and 'queued' or 'lost'
  end
  return state or 'gone'
end
