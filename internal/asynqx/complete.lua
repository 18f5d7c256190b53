-- Completes tasks, in place of asynq 0.26's own scripts, which complete one each. They are
-- retained for the dashboard unless Redis is full: then they are deleted, together with older
-- finished ones, those that expire first.
-- KEYS 1 active (list) 2 lease (zset) 3 completed (zset) 4 processed of the day 5 processed
-- ARGV 1 when KEYS 4 expires, in Unix seconds 2 prefix of the tasks' keys 3 maximum of KEYS 5
--      4 how many older tasks are deleted for each one
--      then for each task: id, when it expires in Unix seconds ('' to delete it now), the
--      encoded task, its result ('' for none)
-- result 1 if Redis is full; then for each task 1, or 0 if it was not active
local full = type(redis.pcall('SETNX', KEYS[5], 0)) == 'table'
local found, ended, kept = {full and 1 or 0}, {}, {} -- kept: {expires, id, …}
local done = {} -- where in ARGV the tasks that were active begin
for i = 5, #ARGV, 4 do
  local id, expires = ARGV[i], ARGV[i + 1]
  -- From the end, where the oldest are. Only after a power cut an id may be in the list twice; the second one is
  -- delivered again, and its message has ended.
  local active = redis.call('LREM', KEYS[1], -1, id)
  table.insert(found, active > 0 and 1 or 0)
  if active > 0 then
    table.insert(ended, id)
    table.insert(done, i)
    if expires ~= '' and not full then
      table.insert(kept, expires)
      table.insert(kept, id)
    end
  end
end
if #ended == 0 then
  return found
end
redis.call('ZREM', KEYS[2], unpack(ended))
if #kept > 0 then
  redis.call('ZADD', KEYS[3], unpack(kept))
end
if full then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, #ended * ARGV[4] - 1)) do
    redis.call('DEL', ARGV[2] .. id)
    redis.call('ZREM', KEYS[3], id)
  end
end
if redis.call('INCRBY', KEYS[4], #ended) == #ended then
  redis.call('EXPIREAT', KEYS[4], ARGV[1])
end
if redis.call('GET', KEYS[5]) == ARGV[3] then
  redis.call('SET', KEYS[5], #ended)
else
  redis.call('INCRBY', KEYS[5], #ended)
end
-- The tasks themselves come last: while their slot is being migrated, one may already be elsewhere, which
-- aborts the script. The queue is consistent by then, and asynq's janitor deletes what is in its set.
for _, i in ipairs(done) do
  local id, expires, task, result = unpack(ARGV, i, i + 3)
  local key = ARGV[2] .. id
  if expires == '' or full then
    redis.pcall('DEL', key)
  else
    if result == '' then
      redis.pcall('HSET', key, 'msg', task, 'state', 'completed')
    else
      redis.pcall('HSET', key, 'msg', task, 'state', 'completed', 'result', result)
    end
    redis.pcall('HDEL', key, 'pending_since', 'waits_since', 'held_by')
  end
end
return found
