-- Says what a token has used. windows.lua precedes it.
-- KEYS 1 what the token has used (hash)
-- ARGV 1 now in Unix ms, 0 for the time of Redis
-- result messages of this minute, recipients of this day
local minute, day = windows(clock(ARGV[1]))
local messages, recipients = used(KEYS[1], minute, day)
return {messages, recipients}
