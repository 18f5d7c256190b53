-- Locates a task. Follows place.lua.
-- ARGV 3 1 to get the encoded task
-- result {place, task}
--        "gone"   no such task
--        "queued" waiting or being processed
--        "completed", "archived" only kept for the dashboard
--        "lost"   in none of the sets of its state: no worker will take it
return {place, ARGV[3] == '1' and redis.call('HGET', KEYS[1], 'msg') or ''}
