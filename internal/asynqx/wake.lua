-- A fragment: other texts stand after it. It tells the idle workers that there is something in
-- a queue, given one of its keys. Who may not publish, or is not heard, loses nothing: workers
-- also look by themselves.
local function wake(key)
  redis.pcall('PUBLISH', 'asynq:wecomq:wake', string.match(key, '{(.-)}'))
end
