-- A fragment, followed by other scripts. It notifies the idle workers of a queue with tasks, given one
-- of the queue's keys. If publishing is not allowed, or a notification gets lost, nothing breaks:
-- workers also check by themselves.
local function wake(key)
  redis.pcall('PUBLISH', 'asynq:wecomq:wake', string.match(key, '{(.-)}'))
end
