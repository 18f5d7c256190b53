-- A fragment: internal/pacing puts it before its own text, so that the record and the limits are checked in one
-- round trip. It needs the constants of constants.go.

-- begin_writing makes a first write that takes no memory. A full Redis rejects a script whose first write needs
-- memory, but not one that has already written; and the backlog that fills it can only be sent if attempts are
-- recorded.
local function begin_writing(key)
  redis.call('HDEL', key, '')
end

-- begin_read reads the fields of a record that concern attempts; a missing field is false or nil.
local function begin_read(key)
  if redis.call('EXISTS', key) == 0 then -- as before most attempts; cheaper than nine fields
    return {}
  end
  local r = redis.call('HMGET', key, 'state', 'attempts', 'attempt_at', 'attempt_by', 'unknown_since', 'in_doubt', 'deferred', 'turn_at',
    'sent_at')
  return {
    state = r[1], attempts = r[2], attempt_at = r[3], attempt_by = r[4], unknown_since = r[5], in_doubt = r[6], deferred = r[7],
    turn_at = r[8], sent_at = r[9],
  }
end

-- begin_check checks the earlier attempts of a message.
--   key        of the record (hash)
--   record     the result of begin_read
--   in_flight  ms: an attempt younger than this may still be running
--   resend     ms: when a message that WeCom may have taken is sent again: -1 always,
--              0 never, n within n ms of the first attempt of unknown outcome
--   resends    attempts of unknown outcome that may be followed by another, -1 = all
--   deadline   of the message in ms, 0 = none
--   delivery   name of the delivery that asks, '' = none
-- result a verdict that forbids the attempt, or nil; then whether an earlier
--        attempt has an unknown outcome; then the number of the attempt that this
--        delivery has already recorded, if the reply was lost; then how many earlier
--        attempts have an unknown outcome
--   {"final"}     the message has ended, make no call
--   {"busy", ms}  another attempt is running, for at most this long
--   {"park"}      the outcome is unknown and the message may not be retried
--   {"expired"}   the deadline has passed, and WeCom cannot have the message
local function begin_check(key, record, in_flight, resend, resends, deadline, delivery, now)
  local expired = deadline > 0 and now >= deadline
  local unknown_since, in_doubt = tonumber(record.unknown_since or 0), tonumber(record.in_doubt or 0)
  if record.state and FINAL[record.state] then
    return {'final'}
  end
  if record.state == 'sending' then
    if delivery ~= '' and record.attempt_by == delivery then
      return nil, unknown_since > 0, tonumber(record.attempts), in_doubt
    end
    local attempt_at = tonumber(record.attempt_at or 0)
    local left = attempt_at + in_flight - now
    if left > 0 then
      return {'busy', left}
    end
    -- The worker that began that attempt is gone, and WeCom's answer with it.
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

-- begin_index adds changed records to the index. changed is {moment, id, …}.
local function begin_index(index, changed, ttl)
  if #changed > 0 then
    redis.call('ZADD', index, unpack(changed))
    redis.call('PEXPIRE', index, ttl)
  end
end
