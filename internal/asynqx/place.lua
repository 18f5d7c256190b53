-- A fragment, followed by places.lua or requeue.lua. Locates a task, and tells whether a worker
-- will find it there.
-- KEYS 1 task (hash) 2 pending (list) 3 active (list) 4 lease (zset) 5 scheduled (zset)
--      6 retry (zset)
-- ARGV 1 id of the task 2 prefix of the tasks' keys
local id, state = ARGV[1], redis.call('HGET', KEYS[1], 'state')

-- since is when a task began to wait; nothing for one that a worker gave back, or that
-- was run manually.
local function since(task)
  return tonumber(redis.call('HGET', ARGV[2] .. task, 'pending_since') or nil)
end

-- is_pending avoids searching the list for every task: tasks that arrived later than those at
-- its end are before them. The FEW at the end may have no time; a search through MOST takes a
-- millisecond, and a task that may be beyond counts as pending.
local FEW, MOST = 1000, 100000
local function is_pending()
  local own, oldest = since(id), nil
  local last = redis.call('LINDEX', KEYS[2], -1)
  oldest = last and since(last)
  if not oldest then
    for _, task in ipairs(redis.call('LRANGE', KEYS[2], -50, -2)) do
      oldest = since(task) or oldest
    end
  end
  if own and oldest and own > oldest then
    return true
  end
  local depth = own and MOST or FEW
  return redis.pcall('LPOS', KEYS[2], id, 'RANK', -1, 'MAXLEN', depth) or redis.call('LLEN', KEYS[2]) > depth
end

local is_there = {
  pending = is_pending,
  scheduled = function() return redis.call('ZSCORE', KEYS[5], id) end,
  retry = function() return redis.call('ZSCORE', KEYS[6], id) end,
  -- An active task without a lease stays with a worker that may be dead: nothing recovers it.
  active = function() return redis.call('ZSCORE', KEYS[4], id) and redis.pcall('LPOS', KEYS[3], id) end,
}

local place = state or 'gone'
if is_there[state] then
  place = is_there[state]() and 'queued' or 'lost'
end
