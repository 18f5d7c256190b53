-- Decides about a notification for one audience: which members get it now, and for
-- which it is added to their digest. The decision is kept, so that a twin, a
-- repetition or a retry after a crash is decided alike and counted once.
-- KEYS 1 seen (hash) 2 due (zset) 3 last message about the group (string)
--      4 cards about the group that are to change (list) 5 seen of what this one ends, or
--      1 again for nothing
--      then for each member: window (hash), open digest (hash)
-- ARGV 1 now in ms, 0 = Redis TIME 2 dedup in ms
--      3 messages to a member before they are gathered, 0 = never 4 window in ms
--      5 type 6 priority, 0 for the highest 7 nonce, which makes this occurrence
--      another than the next one 8 id of the message
--      9 'open' for a card that is to change when its alerts end, 'close' for the end of
--      the alerts, '' for any other message 10 what alerts without times say
--      11 L, the number of lines
--      then for each line: field, count, who
--      then for each member: the name of its open digest in due
-- result {seen already: 0 or 1, nonce, id of the message before it or "",
--         ids of the cards to change instead, oldest first, number of each member for which it is held…}
local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local after, span, lines = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[11])
local members = (#KEYS - 5) / 2
local max_kinds, max_who = 400, 120
local max_cards, card_life = 10, 72 * 3600000 -- WeCom changes no older card (94888)

local function reply(seen, nonce, before, cards, held)
  local r = {seen, nonce, before, cards}
  for n in string.gmatch(held, '%d+') do
    r[#r + 1] = n
  end
  return r
end
local seen = redis.call('HMGET', KEYS[1], 'nonce', 'before', 'held', 'cards', 'says')
if seen[1] and (seen[5] or '') == ARGV[10] then
  return reply(1, seen[1], seen[2], seen[4] or '', seen[3])
end

-- Adds the notification to a digest. What is one kind too many has no name.
local function gather(key, due_name, due)
  if redis.call('HSETNX', key, 'from', now) == 1 then
    redis.call('HSET', key, 'type', ARGV[5], 'priority', ARGV[6])
    redis.call('ZADD', KEYS[2], due, due_name)
  end
  if tonumber(ARGV[6]) < tonumber(redis.call('HGET', key, 'priority')) then
    redis.call('HSET', key, 'priority', ARGV[6])
  end
  redis.call('HSET', key, 'until', now)
  redis.call('HINCRBY', key, 'messages', 1)
  local full = redis.call('HLEN', key) > 2 * max_kinds
  for i = 12, 11 + 3 * lines, 3 do
    local field, who = ARGV[i], ARGV[i + 2]
    if full and redis.call('HEXISTS', key, 'n:' .. field) == 0 then
      field, who = string.match(field, '^%d+|%a+|'), ''
    end
    redis.call('HINCRBY', key, 'n:' .. field, ARGV[i + 1])
    local known = redis.call('HGET', key, 'w:' .. field) or ''
    local all = known
    for name in string.gmatch(who == '' and '' or who .. ', ', '(.-), ') do
      if #all < max_who and not string.find(', ' .. all .. ', ', ', ' .. name .. ', ', 1, true) then
        all = all == '' and name or all .. ', ' .. name
      end
    end
    if all ~= known then
      redis.call('HSET', key, 'w:' .. field, all)
    end
  end
end

-- Reports whether a member's messages are gathered. A digest that is open takes
-- all that comes, also when its window is over: nothing may overtake it.
local function held(window, digest, due_name)
  local w = redis.call('HMGET', window, 'until', 'count', 'storm', 'open')
  local ends, count, storm, open = tonumber(w[1] or 0), tonumber(w[2] or 0), w[3] == '1', w[4] == '1'
  if not open and now >= ends then
    ends, count, storm = now + span, 0, false
  end
  count = count + 1
  local hold = open or storm or count > after
  redis.call('HSET', window, 'until', ends, 'count', count, 'storm', storm and 1 or 0, 'open', hold and 1 or 0)
  if hold then
    redis.call('PERSIST', window)
    gather(digest, due_name, ends)
  else
    redis.call('PEXPIRE', window, 2 * span)
  end
  return hold
end

-- The end of alerts whose cards change is no message, and is not gathered.
local cards = ''
if ARGV[9] == 'close' then
  cards = table.concat(redis.call('LRANGE', KEYS[4], 0, -1), ' ')
  redis.call('DEL', KEYS[4])
end
local kept = {}
if after > 0 and cards == '' then
  for m = 1, members do
    if held(KEYS[4 + 2 * m], KEYS[5 + 2 * m], ARGV[11 + 3 * lines + m]) then
      kept[#kept + 1] = m
    end
  end
end
local before = redis.call('GET', KEYS[3]) or ''
if after == 0 or #kept < members then
  redis.call('SET', KEYS[3], ARGV[8], 'EX', 86400)
end
if ARGV[9] == 'open' and #kept > 0 then
  redis.call('DEL', KEYS[4]) -- whoever got it in a digest has no card that could change
elseif ARGV[9] == 'open' then
  redis.call('RPUSH', KEYS[4], ARGV[8])
  redis.call('LTRIM', KEYS[4], -max_cards, -1)
  redis.call('PEXPIRE', KEYS[4], card_life)
end
local list = table.concat(kept, ',')
redis.call('DEL', KEYS[5]) -- what comes again after its end is new
redis.call('HSET', KEYS[1], 'nonce', ARGV[7], 'before', before, 'held', list, 'cards', cards, 'says', ARGV[10])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return reply(0, ARGV[7], before, cards, list)
