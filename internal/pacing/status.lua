-- Reads an app's state. clock.lua stands before this text.
--
-- KEYS 1 pace (hash) 2 prefix of the day quotas
-- ARGV 1 now in ms, 0 = Redis TIME
-- result {paused, block, ms until the block ends, its reason, level,
--         rate, concurrency, people reached today, ms until midnight in China}
local wall = wall_clock(ARGV[1])
local p = redis.call('HMGET', KEYS[1], 'seen', 'offset', 'paused', 'block', 'block_until', 'block_reason', 'level',
  'rate', 'rate_at', 'concurrency', 'concurrency_at')
local now = pacing_clock(wall, tonumber(p[1] or 0), tonumber(p[2] or 0))
local used = redis.call('GET', KEYS[2] .. string.format('%.0f', math.floor((wall + CHINA) / DAY)))
local block = p[4] or ''
if block == 'penalty' and tonumber(p[5]) <= now then
  block = '' -- the next call is the probe
end
return {p[3] or '', block, number(math.max(0, tonumber(p[5] or now) - now)), p[6] or '', p[7] or '0',
  number(grown_rate(p[8], p[9], now)), number(crept(p[10], p[11], CONC_CREEP, now)), used or '0',
  number(until_midnight(wall))}
