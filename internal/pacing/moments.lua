-- A fragment: how the moments of a member are stored. window.lua and report.lua follow it.
--
-- The newest moments of a list, 63 at most, are in one string, the head: one MGET reads
-- those of all recipients of a message, and the k-th newest is at a known offset. Older
-- ones are moved 32 at a time into blocks, which never change again. A block is read
-- only for members who have had that many, and expires by itself.
--
--   <key>          numbers (how many blocks there are, then those of the owner), and
--                  the newest moments, newest first
--   <key>:<block>  32 moments, newest first; blocks count from 0
--
-- A number takes four bytes, the highest first. For a moment these are the lowest of its
-- Unix ms: it is the one within 24 days of now, and every list expires before that.

local NUMBER, BLOCK = 4, 32
-- Locals are faster than look-ups by name.
local redis_call, byte, char, sub, floor = redis.call, string.byte, string.char, string.sub, math.floor
local NOTHING = {text = '', first = 0, length = 0, blocks = 0} -- the list of a user without messages

local packed = {} -- a message writes the same few numbers for all its recipients
local function pack(n)
  local text = packed[n]
  if not text then
    text = char(floor(n / 16777216) % 256, floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
    packed[n] = text
  end
  return text
end

-- unpacked returns the number that follows so many bytes of a text.
local function unpacked(text, behind)
  local a, b, c, d = byte(text, behind + 1, behind + NUMBER)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function moment(text, behind, now)
  local a, b, c, d = byte(text, behind + 1, behind + NUMBER)
  return now + (((a * 256 + b) * 256 + c) * 256 + d - now + 2147483648) % 4294967296 - 2147483648
end

-- lists reads the list of each user, which begins with that many numbers. All of them and their keys are in the
-- order of users: Lua is slow to find one name among a thousand similar ones. The entries of a list follow its
-- first bytes.
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

-- moment_at returns the moment at a place of a list, the oldest of which is 0; 0 if there is none or its block
-- has expired.
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

-- fetch reads, in one command, the blocks that moment_at will need for a place in each list.
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

-- newest_moment is 0 for an empty list.
local function newest_moment(list)
  return moment_at(list, list.length - 1)
end

-- moments returns the moments of a list after a given one, newest first.
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

-- add adds a moment to a list, no earlier than the others, and keeps the list for ttl ms (a string: Redis is
-- slow to format numbers). numbers are those of the owner, packed. Moments not after a given one are dropped,
-- except some in blocks.
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

-- take_back removes one moment from a list, and keeps the list for ttl ms. Blocks stay as they are.
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
