-- Decides, for a notification to one audience, which members get it now, and for which
-- it is added to their digest. The decision is stored, so that a duplicate, a
-- repetition or a retry after a crash gets the same decision and counts once.
-- KEYS 1 seen (hash) 2 due (zset) 3 last message about the group (string)
--      4 cards about the group that are to change (list) 5 seen of what this one ends, or
--      1 again for nothing
--      then for each member: window (hash), open digest (hash)
-- ARGV 1 now in ms, 0 = Redis TIME 2 dedup in ms
--      3 messages to a member before they are collected, 0 = never 4 window in ms
--      5 type 6 priority, 0 for the highest 7 nonce, which distinguishes this occurrence
--      from the next one 8 id of the message
--      9 'open' for a card that is to change when its alerts end, 'close' for the end of
--      the alerts, '' for any other message 10 text of alerts without times
--      11 L, the number of lines
--      then for each line: field, count, who
--      then for each member: the name of its open digest in due
-- result {seen already: 0 or 1, nonce, id of the previous message or "",
--         ids of the cards to change instead, oldest first, number of each member for which it is held…}
local FIRST_MEMBER_KEY, FIRST_LINE_ARG = 6, 12
local seen_key, due_key, last_key, cards_key, ended_key = unpack(KEYS, 1, FIRST_MEMBER_KEY - 1)
local now, dedup, threshold, span = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local kind, priority, nonce, id, card_role, says = unpack(ARGV, 5, 10)
local first_member_arg = FIRST_LINE_ARG + 3 * ARGV[11]
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local members = (#KEYS - FIRST_MEMBER_KEY + 1) / 2
local max_kinds, max_who = 400, 120
local max_cards, card_life = 10, 72 * 3600000 -- WeCom does not change older cards (94888)

-- answer is the result; gathering has the numbers of the members, as one string.
local function answer(seen_already, of_occurrence, before, cards, gathering)
  local all = {seen_already, of_occurrence, before, cards}
  for n in string.gmatch(gathering, '%d+') do
    all[#all + 1] = n
  end
  return all
end
local seen = redis.call('HMGET', seen_key, 'nonce', 'before', 'held', 'cards', 'says')
if seen[1] and (seen[5] or '') == says then
  return answer(1, seen[1], seen[2], seen[4] or '', seen[3])
end

-- gather adds the notification to a digest. Kinds beyond the limit have no name.
local function gather(key, due_name, due)
  if redis.call('HSETNX', key, 'from', now) == 1 then
    redis.call('HSET', key, 'type', kind, 'priority', priority)
    redis.call('ZADD', due_key, due, due_name)
  end
  if tonumber(priority) < tonumber(redis.call('HGET', key, 'priority')) then
    redis.call('HSET', key, 'priority', priority)
  end
  redis.call('HSET', key, 'until', now)
  redis.call('HINCRBY', key, 'messages', 1)
  local full = redis.call('HLEN', key) > 2 * max_kinds
  for i = FIRST_LINE_ARG, first_member_arg - 1, 3 do
    local field, count, who = unpack(ARGV, i, i + 2)
    if full and redis.call('HEXISTS', key, 'n:' .. field) == 0 then
      field, who = string.match(field, '^%d+|%a+|'), ''
    end
    redis.call('HINCRBY', key, 'n:' .. field, count)
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

-- gathers reports whether a member's messages are collected. An open digest takes all messages, even after its
-- window: nothing may overtake it.
local function gathers(window, digest, due_name)
  local w = redis.call('HMGET', window, 'until', 'count', 'storm', 'open')
  local ends, count, storm, open = tonumber(w[1] or 0), tonumber(w[2] or 0), w[3] == '1', w[4] == '1'
  if not open and now >= ends then
    ends, count, storm = now + span, 0, false
  end
  count = count + 1
  local over = open or storm or count > threshold
  redis.call('HSET', window, 'until', ends, 'count', count, 'storm', storm and 1 or 0, 'open', over and 1 or 0)
  if over then
    redis.call('PERSIST', window)
    gather(digest, due_name, ends)
  else
    redis.call('PEXPIRE', window, 2 * span)
  end
  return over
end

-- The end of alerts whose cards change is not a message, and is not collected.
local cards = ''
if card_role == 'close' then
  cards = table.concat(redis.call('LRANGE', cards_key, 0, -1), ' ')
  redis.call('DEL', cards_key)
end
local gathering = {}
if threshold > 0 and cards == '' then
  for m = 1, members do
    local i = FIRST_MEMBER_KEY + 2 * (m - 1)
    if gathers(KEYS[i], KEYS[i + 1], ARGV[first_member_arg + m - 1]) then
      gathering[#gathering + 1] = m
    end
  end
end
local before = redis.call('GET', last_key) or ''
if threshold == 0 or #gathering < members then
  redis.call('SET', last_key, id, 'EX', 86400)
end
if card_role == 'open' and #gathering > 0 then
  redis.call('DEL', cards_key) -- members who got it in a digest have no card that could change
elseif card_role == 'open' then
  redis.call('RPUSH', cards_key, id)
  redis.call('LTRIM', cards_key, -max_cards, -1)
  redis.call('PEXPIRE', cards_key, card_life)
end
local numbers = table.concat(gathering, ',')
redis.call('DEL', ended_key) -- after its end an alert is new
redis.call('HSET', seen_key, 'nonce', nonce, 'before', before, 'held', numbers, 'cards', cards, 'says', says)
redis.call('PEXPIRE', seen_key, dedup)
return answer(0, nonce, before, cards, numbers)
