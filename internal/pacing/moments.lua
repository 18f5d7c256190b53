-- A fragment: how the moments of a member are kept. window.lua and report.lua follow it.
--
-- The newest moments of a list, 63 at most, are in one string, the head: one MGET reads
-- those of all recipients of a message, and the k-th newest stands in a known place. Older
-- ones are put away 32 at a time, into blocks that nobody changes any more. A block is read
-- only for members who have had that many, and ends by itself.
--
--   <key>          numbers (how many blocks were put away, then those of the owner), and
--                  the newest moments, newest first
--   <key>:<block>  32 moments, newest first; blocks count from 0
--
-- A number takes four bytes, the highest first. Of a moment those are the lowest of its
-- Unix ms: it is the one within 24 days of now, and every list ends before that.

local NUMBER, BLOCK = 4, 32
-- Quicker than by name.
local redis_call, byte, char, sub, floor = redis.call, string.byte, string.char, string.sub, math.floor
local NOTHING = {length = 0, blocks = 0, entries = ''} -- a list of nobody

local packed = {} -- a message writes the same few numbers for all its recipients
local function pack(n)
  local text = packed[n]
  if not text then
    text = char(floor(n / 16777216) % 256, floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
    packed[n] = text
  end
  return text
end

-- unpacked is a number of a text, the first of which is number 0.
local function unpacked(text, i)
  local a, b, c, d = byte(text, i * NUMBER + 1, (i + 1) * NUMBER)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function moment(text, i, now)
  return now + (unpacked(text, i) - now + 2147483648) % 4294967296 - 2147483648
end

-- lists reads the list of each user, which begins with that many numbers. Both are in the
-- order of users: Lua is slow to find one name among a thousand alike.
local function lists(prefix, users, suffix, numbers, now)
  local keys, all = {}, {}
  for i = 1, #users do
    keys[i] = prefix .. users[i] .. suffix
  end
  if #keys == 0 then
    return all
  end
  local texts, whole_now = redis_call('MGET', unpack(keys)), floor(now)
  for i = 1, #users do
    local text = texts[i]
    if text then
      local entries, blocks = sub(text, numbers * NUMBER + 1), unpacked(text, 0)
      all[i] = {key = keys[i], text = text, entries = entries, blocks = blocks,
        length = blocks * BLOCK + #entries / NUMBER, now = whole_now}
    else
      all[i] = NOTHING
    end
  end
  return all
end

-- moment_at is a moment of a list by its place, the oldest of which is 0; 0 if there is none
-- or its block has ended.
local function moment_at(list, i)
  if i < 0 then
    return 0
  end
  if i >= list.blocks * BLOCK then
    return moment(list.entries, list.length - 1 - i, list.now)
  end
  local block = floor(i / BLOCK)
  if list.block ~= block then
    list.block, list.put_away = block, redis_call('GET', list.key .. ':' .. block)
  end
  return list.put_away and moment(list.put_away, BLOCK - 1 - i % BLOCK, list.now) or 0
end

-- fetch reads at once the blocks that moment_at will need, if any, for a place in each list.
local function fetch(all, place)
  local keys, wanting = {}, {}
  for _, list in ipairs(all) do
    local i = list.blocks > 0 and place(list) or -1
    if i >= 0 and i < list.blocks * BLOCK then
      list.block = floor(i / BLOCK)
      table.insert(wanting, list)
      table.insert(keys, list.key .. ':' .. list.block)
    end
  end
  if #keys == 0 then
    return
  end
  for i, text in ipairs(redis_call('MGET', unpack(keys))) do
    wanting[i].put_away = text
  end
end

-- newest_moment is 0 for a list of none.
local function newest_moment(list)
  return moment_at(list, list.length - 1)
end

-- moments are those of a list after a given one, newest first.
local function moments(list, after)
  local all = {}
  for i = list.length - 1, 0, -1 do
    local at = moment_at(list, i)
    if at <= after then
      break
    end
    table.insert(all, at)
  end
  return all
end

-- recent is a list without what is not after a given moment. It may keep some that is put
-- away.
local function recent(list, after)
  local all = #list.entries / NUMBER
  local kept = all
  while kept > 0 and moment(list.entries, kept - 1, list.now) <= after do
    kept = kept - 1
  end
  if kept == all then
    return list
  end
  return {blocks = 0, entries = sub(list.entries, 1, kept * NUMBER)} -- blocks are older still
end

-- add writes one more moment to a list, no earlier than the others, and keeps them for ttl
-- ms. numbers are those of the owner, packed.
local function add(key, list, at, ttl, numbers)
  local blocks, entries = list.blocks, pack(at) .. list.entries
  if #entries >= 2 * BLOCK * NUMBER then
    redis_call('SET', key .. ':' .. blocks, sub(entries, BLOCK * NUMBER + 1), 'PX', ttl)
    blocks, entries = blocks + 1, sub(entries, 1, BLOCK * NUMBER)
  end
  redis_call('SET', key, pack(blocks) .. numbers .. entries, 'PX', ttl)
end

-- take_back removes one moment from a list, for ttl ms. What was put away stays.
-- result whether it was there
local function take_back(list, at, ttl)
  for i = 0, #list.entries / NUMBER - 1 do
    if moment(list.entries, i, list.now) == at then
      local entries = sub(list.entries, 1, i * NUMBER) .. sub(list.entries, (i + 1) * NUMBER + 1)
      if entries == '' and list.blocks == 0 then
        redis_call('DEL', list.key)
      else
        redis_call('SET', list.key, pack(list.blocks) .. entries, 'PX', ttl)
      end
      return true
    end
  end
  return false
end
