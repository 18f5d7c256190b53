-- A fragment: what admit.lua is asked, and the state of the app that the messages share. turns.lua follows it.
--
-- KEYS 1 pace (hash) 2 prefix of the windows 3 prefix of the plans 4 prefix of the day quotas
--      5 index of records by time (zset) 6 newest calls of the broadcasts (hash)
--      then for each message: its record (hash), and the broadcast whose call it is
--      (hash; the record again if none)
--      The scripts make the keys of members and days from the prefixes; all are in
--      the app's slot.
-- ARGV the fields of `limits` below, in their order; then for each message those of `message_at`,
--      field, value, … of a new record, and the users, in lower case
local pace, window_prefix, plan_prefix, quota_prefix, index, broadcasts_sent = unpack(KEYS, 1, 6)
local limits = {
  now = ARGV[1],                       -- in ms, 0 = Redis TIME
  record_ttl = tonumber(ARGV[2]),      -- in ms
  spaced_over = tonumber(ARGV[3]),     -- ms that `calls` take at the configured rate, without their lateness
  calls = tonumber(ARGV[4]),
  per_minute = tonumber(ARGV[5]),      -- a member's messages of any priority
  per_hour = tonumber(ARGV[6]),
  extra_minute = tonumber(ARGV[7]),    -- in addition, for critical messages only
  extra_hour = tonumber(ARGV[8]),
}
local FIRST_KEY, FIRST_ARG, MESSAGE_ARGS = 7, 9, 16

-- message_at returns the message whose arguments follow i. What the scripts learn of it is added to the table.
local function message_at(i, key, broadcast)
  local first_user = i + MESSAGE_ARGS + 1 + tonumber(ARGV[i + 15])
  return {
    key = key,                             -- of the record
    broadcast = broadcast,                 -- its key
    check_only = ARGV[i + 1] == 'check',   -- read the record only
    in_flight = tonumber(ARGV[i + 2]),     -- ms that an attempt can last
    resend = tonumber(ARGV[i + 3]),        -- ms, see begin.lua
    resends = tonumber(ARGV[i + 4]),       -- attempts in doubt that may be followed by another, -1 = all
    marks_duplicates = ARGV[i + 5] == '1',
    deadline = tonumber(ARGV[i + 6]),      -- of the message in ms, 0 = none
    head_start = tonumber(ARGV[i + 7]),    -- of the message's priority in ms
    critical = ARGV[i + 8] == '1',
    day_quota = tonumber(ARGV[i + 9]),     -- of the message's priority, -1 = none
    unlisted = tonumber(ARGV[i + 10]),     -- people that "@all", parties and tags count as
    promised = tonumber(ARGV[i + 11]),     -- turn in ms that its users were promised, 0 = none
    delivery = ARGV[i + 12],               -- name of this delivery of the task, '' = none
    id = ARGV[i + 13],                     -- of the message
    call_text = ARGV[i + 14],              -- of a broadcast, see broadcast.lua; '' = none
    first_field = i + MESSAGE_ARGS + 1,
    first_user = first_user,
    last_user = first_user + tonumber(ARGV[i + 16]) - 1,
  }
end

local function milliseconds(at)
  return string.format('%.0f', at)
end

local function whole_second(at)
  return math.ceil(at / 1000) * 1000 -- asynq has only whole seconds
end

-- note adds a field to those that are written.
local function note(fields, field, value)
  local n = #fields
  fields[n + 1], fields[n + 2] = field, value
end

-- The state of the app, which all workers share.
local app = {}
local app_fields = {'seen', 'offset', 'tat', 'rate', 'rate_at', 'concurrency', 'concurrency_at', 'paused', 'block',
  'block_until', 'probe_until', 'planned_until', 'unlisted_at', 'broadcast_at', 'probe_by', 'unanswered',
  'slowest', 'slowest_since', 'slowest_before'}
for i, value in ipairs(redis.call('HMGET', pace, unpack(app_fields))) do
  app[app_fields[i]] = value -- false if missing
end
begin_writing(pace)
local app_changes = {} -- written at the end
local function set_app(field, value)
  app[field], app_changes[field] = value, value
end

local wall = wall_clock(limits.now)
local now, offset = pacing_clock(wall, tonumber(app.seen or 0), tonumber(app.offset or 0))
if offset ~= tonumber(app.offset or 0) then
  set_app('offset', number(offset))
end
local wall_text, now_text = milliseconds(wall), milliseconds(now) -- formatted once: Lua is slow at it
local midnight = whole_second(now + until_midnight(wall) + NEW_DAY) -- in China, when the day quota starts again

-- in_the_hour reports whether the moment in a field of the app counts in the windows.
local function in_the_hour(field)
  return tonumber(app[field] or 0) + HOUR > now
end

local quota_key = quota_prefix .. milliseconds(math.floor((wall + CHINA) / DAY))
local quota_before, persons_today = nil, 0 -- the day's use before these calls, and what these add
local function quota_taken()
  quota_before = quota_before or tonumber(redis.call('GET', quota_key) or 0)
  return quota_before + persons_today
end
