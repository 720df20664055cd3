"""What Redis does for waiting rooms, each in one step and by its own clock."""

NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

# Places before the opening are chances below 1, so that their order is drawn as soon as it is asked for.
ENTER = (
    NOW
    + """
local room, queue, let_in = KEYS[1], KEYS[2], KEYS[3]
local user, opens, closes = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('HSETNX', room, 'epoch', ARGV[2])
redis.call('HSET', room, 'stream', ARGV[3], 'opens', ARGV[4], 'closes', ARGV[5], 'pace', ARGV[6])
redis.call('SADD', KEYS[4], ARGV[8])
local ends = closes + tonumber(ARGV[9])
local untill = tonumber(redis.call('HGET', let_in, user) or 0)
local number = false
if untill <= now then
  untill = 0
  redis.call('HDEL', let_in, user)
  local score = ARGV[7]
  if now >= opens then score = 1 + tonumber(redis.call('HINCRBY', room, 'came', 1)) end
  redis.call('ZADD', queue, 'NX', score, user)
  if now >= opens then number = (tonumber(redis.call('HGET', room, 'served') or 0)
    + redis.call('ZRANK', queue, user) + 1) end
end
for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], ends) end
local kept = redis.call('HMGET', room, 'epoch', 'served')
return {kept[1], number, redis.call('ZCARD', queue), tonumber(kept[2] or 0), untill}
"""
)

# Where somebody is in several rooms, whose keys come three by three; nothing is changed.
PLACES = (
    NOW
    + """
local found = {}
for i = 1, #KEYS, 3 do
  local held = redis.call('HMGET', KEYS[i], 'epoch', 'served', 'opens')
  local untill = tonumber(redis.call('HGET', KEYS[i + 2], ARGV[1]) or 0)
  local rank = redis.call('ZRANK', KEYS[i + 1], ARGV[1])
  if held[1] and (rank or untill > now) then
    local served, number = tonumber(held[2] or 0), false
    if untill <= now then
      untill = 0
      if now >= tonumber(held[3]) then number = served + rank + 1 end
    end
    local waiting = redis.call('ZCARD', KEYS[i + 1])
    found[#found + 1] = {(i + 2) / 3, held[1], number, waiting, served, untill, held[3]}
  end
end
return found
"""
)

LEAVE = """
return redis.call('ZREM', KEYS[1], ARGV[1]) + redis.call('HDEL', KEYS[2], ARGV[1])
"""

# Nobody is let in while there is nothing to be had.
OFFER = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'opens', ARGV[1], 'closes', ARGV[2])
redis.call('HDEL', KEYS[1], 'shut')
for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], tonumber(ARGV[2]) + tonumber(ARGV[3])) end
return 1
"""

SHUT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'shut', 1)
return 1
"""

LET_IN = (
    NOW
    + """
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('PEXPIREAT', KEYS[3], math.max(tonumber(ARGV[2]), now) + tonumber(ARGV[3]))
return 1
"""
)

# One look at a room, by whichever process comes: the draw once, then as many in as the pace allows since the
# last look, at most a second's worth, so that a pause is not made up for by a crowd.
LOOK = (
    NOW
    + """
local room, queue, let_in = KEYS[1], KEYS[2], KEYS[3]
local held = redis.call('HMGET', room, 'epoch', 'stream', 'opens', 'closes', 'pace', 'last', 'told', 'drawn',
  'shut')
if not held[1] then return false end
local opens, closes, pace = tonumber(held[3]), tonumber(held[4]), tonumber(held[5])
local drawn, admitted, changed = {}, {}, 0
local untill = now + tonumber(ARGV[1])
if now >= opens and not held[8] then
  redis.call('HSET', room, 'drawn', 1, 'last', now)
  drawn = redis.call('ZRANGE', queue, 0, -1)
elseif now >= opens and now < closes and not held[9] then
  local since = math.min(now - tonumber(held[6] or now), 1000)
  local n = math.floor(since * pace / 1000)
  if n > 0 then
    -- What is left of a person stays for the next look: else a pace of 3 would be one of 2.
    redis.call('HSET', room, 'last', now - since + math.ceil(n * 1000 / pace))
    local popped = redis.call('ZPOPMIN', queue, n)
    for i = 1, #popped, 2 do
      admitted[#admitted + 1] = popped[i]
      redis.call('HSET', let_in, popped[i], untill)
    end
    if #admitted > 0 then
      redis.call('HINCRBY', room, 'served', #admitted)
      redis.call('PEXPIREAT', let_in, closes + tonumber(ARGV[3]))
    end
  end
end
local told = 0
if now - tonumber(held[7] or 0) >= tonumber(ARGV[2]) then
  redis.call('HSET', room, 'told', now)
  told = 1
end
local served = tonumber(redis.call('HGET', room, 'served') or 0)
return {held[1], held[2], opens, redis.call('ZCARD', queue), served, told, now, untill, drawn, admitted}
"""
)
