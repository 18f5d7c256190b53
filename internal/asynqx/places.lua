-- Says where a task is. place.lua stands before this text.
-- ARGV 3 1 to get the encoded task
-- result {place, task}
--        "gone"   there is no such task
--        "queued" it waits, or a worker has it
--        "completed", "archived" only the dashboard has it
--        "lost"   it is in none of the sets that its state names: nobody will take it
return {place, ARGV[3] == '1' and redis.call('HGET', KEYS[1], 'msg') or ''}
