-- A fragment: internal/pacing puts it before its own text, so that the record and
-- the limits are asked in one round trip. It needs the constants of constants.go.

-- begin_writing is a first write that takes no memory. A full Redis refuses a script
-- whose first write takes some, but not one that has begun to write, and what fills it
-- can only be sent if the attempt is written down.
local function begin_writing(key)
  redis.call('HDEL', key, '')
end

-- begin_check looks at what was done about a message before.
--   key        of the record (hash)
--   in_flight  ms: an attempt younger than this may still be under way
--   resend     ms: a message that WeCom may have taken is sent again: -1 always,
--              0 never, n within n ms of the first attempt of that kind
--   resends    attempts of unknown outcome that may be followed by another, -1 = all
--   deadline   of the message in ms, 0 = none
--   delivery   name of the delivery that asks, '' = none
-- result a verdict that forbids the attempt, or nil; then whether an earlier
--        attempt has an unknown outcome; then the number of the attempt that this
--        delivery has written down already: its reply was lost; then how many earlier
--        attempts have an unknown outcome
--   {"final"}     the message is done with, call nobody
--   {"busy", ms}  another attempt is under way for at most this long
--   {"park"}      the outcome is unknown and may not be tried again
--   {"expired"}   the deadline has passed, and WeCom cannot have it
local function begin_check(key, in_flight, resend, resends, deadline, delivery, now)
  local expired = deadline > 0 and now >= deadline
  local r = redis.call('HMGET', key, 'state', 'attempt_at', 'unknown_since', 'attempt_by', 'attempts', 'in_doubt')
  local state, attempt_at, unknown_since, in_doubt = r[1], tonumber(r[2] or 0), tonumber(r[3] or 0), tonumber(r[6] or 0)
  if state and FINAL[state] then
    return {'final'}
  end
  if state == 'sending' then
    if delivery ~= '' and r[4] == delivery then
      return nil, unknown_since > 0, tonumber(r[5]), in_doubt
    end
    local left = attempt_at + in_flight - now
    if left > 0 then
      return {'busy', left}
    end
    -- Whoever began that attempt is gone, and so is WeCom's answer.
    if unknown_since == 0 then
      unknown_since = attempt_at
    end
    in_doubt = in_doubt + 1
    begin_writing(key)
    redis.call('HSET', key, 'state', 'queued', 'unknown_since', unknown_since, 'in_doubt', in_doubt)
  end
  if unknown_since > 0 and (expired or (resend >= 0 and now - unknown_since >= resend)
    or (resends >= 0 and in_doubt > resends)) then
    return {'park'}
  end
  if expired then
    return {'expired'}
  end
  return nil, unknown_since > 0, nil, in_doubt
end

-- begin_record makes the record of a message that has none. fields is
-- {field, value, …}.
local function begin_record(key, fields)
  if #fields > 0 and redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, unpack(fields))
  end
end

-- begin_index notes that a record has changed, for those who list them.
local function begin_index(key, index, id, keep, now)
  redis.call('PEXPIRE', key, math.max(keep, WAITING))
  redis.call('ZADD', index, string.format('%.0f', now), id)
  redis.call('PEXPIRE', index, keep)
end

-- begin_write writes down an attempt that is about to be made and counts it.
local function begin_write(key, doubtful, marks, delivery, now)
  redis.call('HSET', key, 'state', 'sending', 'attempt_at', string.format('%.0f', now), 'attempt_by', delivery)
  redis.call('HDEL', key, 'turn_at')
  if doubtful and marks then
    redis.call('HSET', key, 'possible_duplicate', 1)
  end
  return redis.call('HINCRBY', key, 'attempts', 1)
end
