-- Returns the usage of a token. Follows windows.lua.
-- KEYS 1 usage of the token (hash)
-- ARGV 1 now in Unix ms, 0 for the time of Redis
-- result messages of this minute, recipients of this day
local minute, day = windows(clock(ARGV[1]))
local messages, recipients = used(KEYS[1], minute, day)
return {messages, recipients}
