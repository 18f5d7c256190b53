-- Locates tasks. Follows place.lua.
-- KEYS 6, … the tasks (hashes)
-- ARGV 2 1 to get the encoded tasks 3, … their ids
-- result place, encoded task or '', …
local found = {}
for i = 6, #KEYS do
  local task = redis.call('HMGET', KEYS[i], 'state', 'pending_since', ARGV[2] == '1' and 'msg' or '')
  table.insert(found, place_of(ARGV[i - 3], task[1], task[2]))
  table.insert(found, task[3] or '')
end
return found
