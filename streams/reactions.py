"""Reactions: counted over all processes, told as totals."""

from collections.abc import Mapping
from uuid import UUID

import redis.asyncio

from commerce import redis_client
from streams import showlog

# The sum of all totals only grows, and so serves as the version.
_ADD = """
for i = 1, #ARGV - 1, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[#ARGV])
local all = redis.call('HGETALL', KEYS[1])
local sum, counts = 0, {}
for i = 1, #all, 2 do
  sum = sum + tonumber(all[i + 1])
  counts[#counts + 1] = '"' .. all[i] .. '":' .. all[i + 1]
end
local version = string.format('%d', sum)
local frame = '{"v":1,"t":"reaction.count","k":"reactions","n":' .. version
  .. ',"d":{"counts":{' .. table.concat(counts, ',') .. '}}}'
redis.call('HSET', KEYS[2], 'reactions', version .. '|' .. frame)
redis.call('PEXPIRE', KEYS[2], ARGV[#ARGV])
redis.call('PUBLISH', KEYS[3], 's|reactions|' .. version .. '|' .. frame)
return sum
"""


async def add(client: "redis.asyncio.Redis", *, stream_id: UUID, counts: Mapping[str, int]) -> int:
    """Add to a show's totals and tell its rooms; returns the sum over all kinds."""
    base = showlog.base(stream_id)
    args: list[str | int] = [each for pair in counts.items() for each in pair]
    keys = [f"{base}:r", f"{base}:s", showlog.channel(stream_id)]
    return int(await redis_client.run_on(client, _ADD, keys, [*args, showlog.LIFE_MS]))
