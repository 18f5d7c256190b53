-- A fragment: give_back.lua and take_back.lua stand after it, and wake.lua before it.

-- put_back moves a task from the active ones back into its queue, where it is the next. It
-- reports whether it is there: not if it was not active, or was deleted meanwhile. A lease
-- without an active task is what a script has left that ended half way.
local function put_back(active, lease, pending, task, id)
  redis.call('ZREM', lease, id)
  if redis.call('LREM', active, 0, id) == 0 then
    return false
  end
  if redis.call('HEXISTS', task, 'msg') == 0 then
    return false
  end
  redis.call('RPUSH', pending, id)
  redis.call('HSET', task, 'state', 'pending')
  local since = redis.call('HGET', task, 'pending_since')
  if since then -- place.lua: it is not in the order of the others
    redis.call('HSETNX', task, 'waits_since', since)
    redis.call('HDEL', task, 'pending_since')
  end
  return true
end
