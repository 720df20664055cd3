"""How many watch a show, over all processes. Each process says how many it has; a dead one fades."""

from uuid import UUID

import redis.asyncio

from commerce import redis_client
from streams import showlog

EVERY_SECONDS = 2.0  # How often a process says how many it has.
FADES_MS = 7_000  # Three missed reports: the process is gone.
LIFE_MS = 24 * 3_600_000

# Fields are processes, values "<viewers>|<until>". The clock is Redis's own: processes need not agree on one.
# The sum is published when it changed, at most once in EVERY_SECONDS, by whichever process comes first.
_REPORT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
if ARGV[1] ~= '' then
  if tonumber(ARGV[2]) > 0 then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. string.format('%d', now + tonumber(ARGV[3])))
    redis.call('PEXPIRE', KEYS[1], ARGV[5])
  else
    redis.call('HDEL', KEYS[1], ARGV[1])
  end
end
local all = redis.call('HGETALL', KEYS[1])
local sum = 0
for i = 1, #all, 2 do
  local n, till = string.match(all[i + 1], '^(%d+)|(%d+)$')
  if tonumber(till) < now then redis.call('HDEL', KEYS[1], all[i]) else sum = sum + tonumber(n) end
end
if ARGV[1] == '' then return sum end
local held = redis.call('HGET', KEYS[2], 'viewers')
local told_at, told = 0, ''
if held then told_at, told = string.match(held, '^(%d+)|.*"d":{"n":(%d+)}}$') end
local text = string.format('%d', sum)
if told ~= text and now - tonumber(told_at) >= tonumber(ARGV[4]) then
  local version = string.format('%d', now)
  local frame = '{"v":1,"t":"viewers.count","k":"viewers","n":' .. version .. ',"d":{"n":' .. text .. '}}'
  redis.call('HSET', KEYS[2], 'viewers', version .. '|' .. frame)
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
  redis.call('PUBLISH', KEYS[3], 's|viewers|' .. version .. '|' .. frame)
end
return sum
"""


def count(*, stream_id: UUID) -> int:
    """Return how many watch a show now."""
    keys, args = _call(stream_id, "", 0)
    return int(redis_client.run(_REPORT, keys, args))


async def report(client: "redis.asyncio.Redis", *, stream_id: UUID, process: str, viewers: int) -> int:
    """Say how many this process has, let the room know when the sum changed, and return the sum."""
    keys, args = _call(stream_id, process, viewers)
    return int(await redis_client.run_on(client, _REPORT, keys, args))


def _call(stream_id: UUID, process: str, viewers: int) -> tuple[list[str], list[str]]:
    base = showlog.base(stream_id)
    # A little less than the interval, or every second report of a punctual process would come too early.
    quiet_ms = int(EVERY_SECONDS * 900)
    return (
        [f"{base}:p", f"{base}:s", showlog.channel(stream_id)],
        [process, str(viewers), str(FADES_MS), str(quiet_ms), str(LIFE_MS)],
    )
