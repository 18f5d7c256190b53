-- A fragment: how long contents are kept, and their total size.

local function now_ms(given)
  if given ~= '0' then
    return tonumber(given)
  end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function text(n)
  return string.format('%.0f', n)
end

-- close_ended removes expired contents from the books.
local function close_ended(kept, bytes, now)
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', kept, '-inf', text(now), 'LIMIT', 0, 100)) do
    redis.call('ZREM', kept, entry)
    redis.call('DECRBY', bytes, string.match(entry, ' (%d+)$'))
  end
end

-- extend keeps a content for its life from now, unless it already lasts that long, within a tenth: most calls
-- write nothing. It reports false for a content that is not in the books.
local function extend(content, kept, bytes, hash, now, life)
  local size = redis.call('HGET', content, 'size')
  if not size then
    return false
  end
  if redis.call('PTTL', content) < life * 0.9 then
    redis.call('PEXPIRE', content, life)
    redis.call('ZADD', kept, text(now + life), hash .. ' ' .. size)
    for _, book in ipairs({kept, bytes}) do
      if redis.call('PTTL', book) < life then
        redis.call('PEXPIRE', book, life)
      end
    end
  end
  return true
end
