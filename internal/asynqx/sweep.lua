-- Deletes the oldest archived tasks of a queue, a few at a time.
-- KEYS 1 archived tasks (zset, by Unix seconds)
-- ARGV 1 maximum number to keep 2 delete all older than this, in Unix seconds
--      3 mark that a task's message must contain 4 delete tasks older than this even without it
--      5 entries to examine 6 how many to skip 7 prefix of the tasks' keys
-- result {deleted, skipped, 1 if there is nothing more to do}
local archived = KEYS[1]
local most, old, mark, ancient = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local batch, skip, prefix = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local surplus = redis.call('ZCARD', archived) - most
local entries = redis.call('ZRANGE', archived, skip, skip + batch - 1, 'WITHSCORES')
local deleted, passed = 0, 0
for i = 1, #entries, 2 do
  local id, at = entries[i], tonumber(entries[i + 1])
  if skip + deleted + passed >= surplus and at >= old then
    return {deleted, passed, 1} -- the following ones are newer
  end
  local msg = redis.call('HGET', prefix .. id, 'msg')
  if not msg or at < ancient or string.find(msg, mark, 1, true) then
    redis.call('DEL', prefix .. id)
    redis.call('ZREM', archived, id)
    deleted = deleted + 1
  else
    passed = passed + 1
  end
end
return {deleted, passed, #entries < 2 * batch and 1 or 0}
