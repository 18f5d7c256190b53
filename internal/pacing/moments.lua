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
local NOTHING = {text = '', first = 0, length = 0, blocks = 0} -- a list of nobody

local packed = {} -- a message writes the same few numbers for all its recipients
local function pack(n)
  local text = packed[n]
  if not text then
    text = char(floor(n / 16777216) % 256, floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
    packed[n] = text
  end
  return text
end

-- unpacked is the number behind so many bytes of a text.
local function unpacked(text, behind)
  local a, b, c, d = byte(text, behind + 1, behind + NUMBER)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function moment(text, behind, now)
  local a, b, c, d = byte(text, behind + 1, behind + NUMBER)
  return now + (((a * 256 + b) * 256 + c) * 256 + d - now + 2147483648) % 4294967296 - 2147483648
end

-- lists reads the list of each user, which begins with that many numbers. All of them and
-- their keys are in the order of users: Lua is slow to find one name among a thousand alike.
-- The entries of a list begin behind its first bytes.
local function lists(prefix, users, suffix, numbers, now)
  local keys, all = {}, {}
  for i = 1, #users do
    keys[i] = prefix .. users[i] .. suffix
  end
  if #keys == 0 then
    return all, keys
  end
  local texts, whole_now, first = redis_call('MGET', unpack(keys)), floor(now), numbers * NUMBER
  for i = 1, #users do
    local text = texts[i]
    if text then
      local blocks = unpacked(text, 0)
      all[i] = {key = keys[i], text = text, first = first, blocks = blocks,
        length = blocks * BLOCK + (#text - first) / NUMBER, now = whole_now}
    else
      all[i] = NOTHING
    end
  end
  return all, keys
end

-- moment_at is a moment of a list by its place, the oldest of which is 0; 0 if there is none
-- or its block has ended.
local function moment_at(list, i)
  if i < 0 then
    return 0
  end
  if i >= list.blocks * BLOCK then
    return moment(list.text, list.first + (list.length - 1 - i) * NUMBER, list.now)
  end
  local block = floor(i / BLOCK)
  if list.block ~= block then
    list.block, list.put_away = block, redis_call('GET', list.key .. ':' .. block)
  end
  return list.put_away and moment(list.put_away, (BLOCK - 1 - i % BLOCK) * NUMBER, list.now) or 0
end

-- fetch reads at once the blocks that moment_at will need, if any, for a place in each list.
local function fetch(all, place)
  local keys, wanting = {}, {}
  for n = 1, #all do
    local list = all[n]
    local i = list.blocks > 0 and place(list, n) or -1
    if i >= 0 and i < list.blocks * BLOCK then
      list.block = floor(i / BLOCK)
      wanting[#wanting + 1] = list
      keys[#wanting] = list.key .. ':' .. list.block
    end
  end
  if #keys == 0 then
    return
  end
  local texts = redis_call('MGET', unpack(keys))
  for n = 1, #wanting do
    wanting[n].put_away = texts[n]
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

-- add writes one more moment to a list, no earlier than the others, and keeps them for ttl
-- ms (a text: Redis is slow to write numbers). numbers are those of the owner, packed. What
-- is not after a given moment is left out, but for some that is put away.
local function add(key, list, at, ttl, numbers, after)
  local text, first, last, blocks = list.text, list.first, #list.text, list.blocks
  while last > first and moment(text, last - NUMBER, list.now) <= after do
    last, blocks = last - NUMBER, 0 -- blocks are older still
  end
  if last - first + NUMBER < 2 * BLOCK * NUMBER then
    redis_call('SET', key, pack(blocks) .. numbers .. pack(at) .. sub(text, first + 1, last), 'PX', ttl)
    return
  end
  local kept = first + (BLOCK - 1) * NUMBER
  redis_call('SET', key .. ':' .. blocks, sub(text, kept + 1, last), 'PX', ttl)
  redis_call('SET', key, pack(blocks + 1) .. numbers .. pack(at) .. sub(text, first + 1, kept), 'PX', ttl)
end

-- take_back removes one moment from a list, for ttl ms. What was put away stays.
-- result whether it was there
local function take_back(list, at, ttl)
  local text = list.text
  for behind = list.first, #text - NUMBER, NUMBER do
    if moment(text, behind, list.now) == at then
      if #text == list.first + NUMBER and list.blocks == 0 then
        redis_call('DEL', list.key)
      else
        redis_call('SET', list.key, sub(text, 1, behind) .. sub(text, behind + NUMBER + 1), 'PX', ttl)
      end
      return true
    end
  end
  return false
end
