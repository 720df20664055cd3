"""How many watch a show, over all processes: people, each once, and beside them connections.

A process tells what changed, never whom it has, so coming and going cost the same in a small show and in a
large one. A process that has died fades with all it told; one that Redis has forgotten says everything anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import redis.asyncio

from commerce import redis_client
from streams import showlog

EVERY_SECONDS = 2.0  # How often a process says how many it has.
FADES_MS = 6_500  # Three missed reports: the process is gone.
LIFE_MS = 24 * 3_600_000

# :p has what each process said, "<until>|<anonymous>|<sockets>"; :w on how many processes each user is;
# :u:<process> the users of one. The clock is Redis's own: processes need not agree on one. The number is
# published when it changed, at most once in EVERY_SECONDS, by whichever process comes first.
_REPORT = """
local reports, users, prefix = KEYS[1], KEYS[2], KEYS[5]
local process, sockets = ARGV[1], tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function leave(process, user)
  if redis.call('SREM', prefix .. process, user) == 1 and redis.call('HINCRBY', users, user, -1) <= 0 then
    redis.call('HDEL', users, user)
  end
end
local function forget(process)
  for _, user in ipairs(redis.call('SMEMBERS', prefix .. process)) do leave(process, user) end
  redis.call('HDEL', reports, process)
end

if process ~= '' then
  local known = redis.call('HEXISTS', reports, process) == 1
  if ARGV[7] == '1' or sockets == 0 then
    forget(process)
  elseif not known then
    return {-1, 0, 0}
  end
  if sockets > 0 then
    local own, joined = prefix .. process, tonumber(ARGV[8])
    for i = 9, 8 + joined do
      if redis.call('SADD', own, ARGV[i]) == 1 then redis.call('HINCRBY', users, ARGV[i], 1) end
    end
    for i = 9 + joined, #ARGV do leave(process, ARGV[i]) end
    local till = string.format('%d', now + tonumber(ARGV[4]))
    redis.call('HSET', reports, process, till .. '|' .. ARGV[2] .. '|' .. ARGV[3])
    for _, key in ipairs({reports, users, own}) do redis.call('PEXPIRE', key, ARGV[6]) end
  end
end

local all = redis.call('HGETALL', reports)
local anonymous, open = 0, 0
for i = 1, #all, 2 do
  local till, a, s = string.match(all[i + 1], '^(%d+)|(%d+)|(%d+)$')
  if not till or tonumber(till) < now then
    forget(all[i])
  else
    anonymous, open = anonymous + tonumber(a), open + tonumber(s)
  end
end
local known = redis.call('HLEN', users)
local text = string.format('%d', known + anonymous)
if process ~= '' then
  local held = redis.call('HGET', KEYS[3], 'viewers')
  local told_at, told = 0, ''
  if held then told_at, told = string.match(held, '^(%d+)|.*"d":{"n":(%d+)}}$') end
  if told ~= text and now - tonumber(told_at) >= tonumber(ARGV[5]) then
    local version = string.format('%d', now)
    local frame = '{"v":1,"t":"viewers.count","k":"viewers","n":' .. version .. ',"d":{"n":' .. text .. '}}'
    redis.call('HSET', KEYS[3], 'viewers', version .. '|' .. frame)
    redis.call('PEXPIRE', KEYS[3], ARGV[6])
    redis.call('PUBLISH', KEYS[4], 's|viewers|' .. version .. '|' .. frame)
  end
end
return {known, anonymous, open}
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Who is in a show: signed-in users, anonymous viewers as far as they count, and connections."""

    users: int
    anonymous: int
    sockets: int

    @property
    def viewers(self) -> int:
        """How many watch."""
        return self.users + self.anonymous


def count(*, stream_id: UUID) -> int:
    """Return how many watch a show now."""
    return figures(stream_id=stream_id).viewers


def figures(*, stream_id: UUID) -> Figures:
    """Return who is in a show now."""
    keys, args = _call(stream_id, "")
    return Figures(*redis_client.run(_REPORT, keys, args))


async def report(
    client: "redis.asyncio.Redis",
    *,
    stream_id: UUID,
    process: str,
    anonymous: int,
    sockets: int,
    joined: Collection[UUID] = (),
    left: Collection[UUID] = (),
    full: bool = False,
) -> Figures | None:
    """Say what this process has and who came and went, and let the room know when the number changed.

    None when Redis does not know the process: then everything must be said, with `full` and all users as
    `joined`. Without sockets the process is forgotten.
    """
    keys, args = _call(stream_id, process, anonymous, sockets, joined, left, full)
    found = await redis_client.run_on(client, _REPORT, keys, args)
    return None if found[0] < 0 else Figures(*found)


def _call(
    stream_id: UUID,
    process: str,
    anonymous: int = 0,
    sockets: int = 0,
    joined: Collection[UUID] = (),
    left: Collection[UUID] = (),
    full: bool = False,
) -> tuple[list[str], list[str | int]]:
    base = showlog.base(stream_id)
    # A little less than the interval, or every second report of a punctual process would come too early.
    quiet_ms = int(EVERY_SECONDS * 900)
    return (
        [f"{base}:p", f"{base}:w", f"{base}:s", showlog.channel(stream_id), f"{base}:u:"],
        [
            *(process, anonymous, sockets, FADES_MS, quiet_ms, LIFE_MS, int(full), len(joined)),
            *map(str, joined),
            *map(str, left),
        ],
    )
