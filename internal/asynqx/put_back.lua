-- A fragment between wake.lua and give_back.lua or take_back.lua.

-- put_back moves an active task back into its queue, as the next one. It reports whether the task
-- is there: not if it was not active, or was deleted meanwhile. A lease without an active task
-- is left over from an interrupted script.
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
  if since then -- place.lua: it is out of order
    redis.call('HSETNX', task, 'waits_since', since)
    redis.call('HDEL', task, 'pending_since')
  end
  return true
end
