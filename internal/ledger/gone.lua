-- Sets the expiry of the records of ended messages whose tasks are gone.
-- KEYS records (hashes)
-- ARGV 1 ms that a record lives
for _, key in ipairs(KEYS) do
  if FINAL[redis.call('HGET', key, 'state') or ''] then
    redis.call('PEXPIRE', key, ARGV[1])
  end
end
return #KEYS
