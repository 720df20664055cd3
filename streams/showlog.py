"""The show log in Redis: every must event gets its place in the lane in one step, and all processes hear it.

Per stream there are a hash (epoch, top), a Redis Stream with the last frames under their offsets, and a
hash with the newest state frames. Nothing here is the only copy of anything: lost with Redis, a new epoch
begins, and viewers are given a snapshot from the database. What is published is `kind|...|frame`, the frame
being ready to send.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis.asyncio

from commerce import redis_client
from streams.frames import wire
from streams.frames.base import MAX_SAFE

RING = 512  # Events that can be resumed from.
WINDOW_MS = 5 * 60_000  # How long a quiet lane keeps its frames.
CONTROL = "lc:control"  # The Redis channel on which every live process hears whose access has changed.

LIFE_MS = 7 * 24 * 3_600_000  # How long a lane's epoch and top outlive its last event.
KEY_MS = 48 * 3_600_000  # How long an event's key is remembered; the relay's last retry comes far earlier.

# A lane that Redis has forgotten, or never knew, begins with a new epoch. So does every lane after a restart
# of Redis or a failover: the last moments may not have been kept, and no offset may be given out twice.
_EPOCH = """
local function epoch_of(lane, new)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local held = redis.call('HMGET', lane, 'epoch', 'run')
  if held[1] and held[2] == run then return held[1], false, false end
  redis.call('DEL', lane)
  redis.call('HSET', lane, 'epoch', new, 'run', run)
  return new, true, held[1]
end
"""

# A key seen before gives its old place again, with nothing appended and nothing published.
_APPEND = (
    _EPOCH
    + """
local seen = redis.call('HMGET', KEYS[3], 'e', 'o', 'ts')
if seen[1] then return {seen[1], tonumber(seen[2]), seen[3], 0} end
local epoch, new, stale = epoch_of(KEYS[1], ARGV[1])
if new then redis.call('DEL', KEYS[2]) end
if stale then redis.call('DEL', KEYS[5]) end
local top = redis.call('HINCRBY', KEYS[1], 'top', 1)
local frame = ARGV[2] .. epoch .. '","o":' .. string.format('%d', top) .. ARGV[3]
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[5], string.format('%d-0', top), 'f', frame)
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('HSET', KEYS[3], 'e', epoch, 'o', string.format('%d', top), 'ts', ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[8])
redis.call('PUBLISH', KEYS[4], 'm|' .. epoch .. '|' .. string.format('%d', top) .. '|' .. frame)
return {epoch, top, ARGV[4], 1}
"""
)

# An older version than the one held is dropped, so that publishers may overtake each other.
_STATE = """
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and tonumber(string.match(held, '^%d+')) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', KEYS[2], 's|' .. ARGV[1] .. '|' .. ARGV[2] .. '|' .. ARGV[3])
return 1
"""

# A user's lane keeps no frames, only its epoch and top: whoever missed one is told anew from the database.
_TELL = (
    _EPOCH
    + """
local epoch = epoch_of(KEYS[1], ARGV[1])
local top = string.format('%d', redis.call('HINCRBY', KEYS[1], 'top', 1))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local frame = ARGV[2] .. epoch .. '","o":' .. top .. ARGV[3]
redis.call('PUBLISH', KEYS[2], epoch .. '|' .. top .. '|' .. frame)
return {epoch, tonumber(top)}
"""
)

_USERS_OPEN = (
    _EPOCH
    + """
local found = {}
for i = 1, #KEYS do
  local epoch = epoch_of(KEYS[i], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  found[i] = {epoch, tonumber(redis.call('HGET', KEYS[i], 'top') or 0)}
end
return found
"""
)

_OPEN = (
    _EPOCH
    + """
local epoch, new, stale = epoch_of(KEYS[1], ARGV[1])
if new then redis.call('DEL', KEYS[2]) end
if stale then redis.call('DEL', KEYS[3]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local entries = redis.call('XRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '+')
return {epoch, tonumber(redis.call('HGET', KEYS[1], 'top') or 0), entries, redis.call('HGETALL', KEYS[3])}
"""
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in its lane; `ts` is when it was first told, in Unix milliseconds."""

    epoch: str
    offset: int
    ts: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane as it is now: its end, the frames after the place asked for, and the newest states."""

    epoch: str
    top: int
    frames: list[tuple[int, str]]
    states: dict[str, tuple[int, str]]


def base(stream_id: UUID) -> str:
    """Return what a stream's Redis keys begin with; the braces keep them on one node of a cluster."""
    return f"lc:{{{stream_id}}}"


def channel(stream_id: UUID) -> str:
    """Return the Redis channel on which a stream's processes hear what is told."""
    return f"{base(stream_id)}:c"


def user_channel(user_id: UUID | str) -> str:
    """Return the Redis channel of one user's lane; its epoch and top are under the same name with `:m`."""
    return f"lc:u:{user_id}"


def append(*, stream_id: UUID, t: str, d: object, key: str, ts: int) -> Place:
    """Give a must event its place, keep it and publish it, once per key; `ts` is now in Unix milliseconds."""
    head, tail = wire.must_halves(t, d, ts=ts)
    at = base(stream_id)
    epoch, offset, told_at, fresh = redis_client.run(
        _APPEND,
        [f"{at}:m", f"{at}:x", f"{at}:k:{key}", channel(stream_id), f"{at}:s"],
        [_new_epoch(), head, tail, ts, RING, WINDOW_MS, LIFE_MS, KEY_MS],
    )
    return Place(epoch.decode(), offset, int(told_at), bool(fresh))


def tell_state(*, stream_id: UUID, t: str, k: str, n: int, d: object) -> bool:
    """Publish the newest value of `k` at version `n`; False when a newer one was told already."""
    frame = wire.state(t, k, n, d)
    return bool(
        redis_client.run(_STATE, [f"{base(stream_id)}:s", channel(stream_id)], [k, n, frame, LIFE_MS])
    )


def tell_chat(*, stream_id: UUID, message_id: UUID, d: dict[str, Any], ts: int) -> None:
    """Publish a line of chat; who is not listening finds it in the snapshot."""
    frame = wire.event("chat.message", d, ts=ts)
    # By whom it is decides who is told it when there are too many.
    by = f"{d['user']['role']}:{d['user']['id']}" if "user" in d else ""
    redis_client.sync().publish(channel(stream_id), f"b|{message_id}|{by}|{frame}")


def tell_user(*, user_id: UUID, t: str, d: object, ts: int) -> tuple[str, int]:
    """Publish a frame to every connection of a user and return its place: epoch and offset of lane u.

    It is not kept: the database holds the truth, and a place that does not fit has it told anew.
    """
    head, tail = wire.must_halves(t, d, ts=ts, lane="u")
    channel = user_channel(user_id)
    epoch, offset = redis_client.run(_TELL, [f"{channel}:m", channel], [_new_epoch(), head, tail, LIFE_MS])
    return epoch.decode(), int(offset)


def tell_each(told: Iterable[tuple[UUID | str, str, object]], *, ts: int) -> None:
    """Publish one frame (user's id, type, body) each to many users from a thread, in one journey to Redis."""
    with redis_client.sync().pipeline(transaction=False) as journey:
        _queue_for_users(journey, told, ts)
        journey.execute()


async def tell_users(
    client: "redis.asyncio.Redis", told: Iterable[tuple[UUID | str, str, object]], *, ts: int
) -> None:
    """Publish one frame (user's id, type, body) each to many users, in one journey to Redis."""
    async with client.pipeline(transaction=False) as journey:
        _queue_for_users(journey, told, ts)
        await journey.execute()


def _queue_for_users(journey: Any, told: Iterable[tuple[UUID | str, str, object]], ts: int) -> None:
    for user_id, t, d in told:
        head, tail = wire.must_halves(t, d, ts=ts, lane="u")
        channel = user_channel(user_id)
        journey.eval(_TELL, 2, f"{channel}:m", channel, _new_epoch(), head, tail, LIFE_MS)


async def publish_state(
    client: "redis.asyncio.Redis", *, stream_id: UUID, k: str, n: int, frame: str
) -> None:
    """Publish the newest value of `k` at version `n`, from the event loop; older ones are dropped."""
    keys = [f"{base(stream_id)}:s", channel(stream_id)]
    await redis_client.run_on(client, _STATE, keys, [k, n, frame, LIFE_MS])


def user_position(user_id: UUID) -> tuple[str, int]:
    """Return the epoch and top of a user's lane from a thread; begins an epoch if there is none."""
    return user_positions([user_id])[0]


def user_positions(user_ids: Sequence[UUID]) -> list[tuple[str, int]]:
    """Return the epochs and tops of users' lanes from a thread, in one journey; begins what there is not."""
    lanes = [f"{user_channel(user_id)}:m" for user_id in user_ids]
    found = redis_client.run(_USERS_OPEN, lanes, [LIFE_MS, *(_new_epoch() for _ in lanes)])
    return [(epoch.decode(), int(top)) for epoch, top in found]


def tell_processes(*, user_id: UUID, stream_id: UUID | None) -> None:
    """Let every live process look again at a user's connections, of one show or of all."""
    told = {"user": str(user_id), "stream": str(stream_id) if stream_id else None}
    redis_client.sync().publish(CONTROL, wire.dumps(told))


def frame_of(*, t: str, d: object, place: Place) -> dict[str, Any]:
    """Return the frame that an event was told with."""
    return {"v": 1, "t": t, "l": "s", "e": place.epoch, "o": place.offset, "ts": place.ts, "d": d}


async def read(client: "redis.asyncio.Redis", *, stream_id: UUID, after: int) -> Lane:
    """Return the lane's end, the kept frames after an offset and the states; may begin an epoch."""
    at = base(stream_id)
    epoch, top, entries, states = await redis_client.run_on(
        client, _OPEN, [f"{at}:m", f"{at}:x", f"{at}:s"], [_new_epoch(), after, LIFE_MS]
    )
    return Lane(
        epoch.decode(),
        int(top),
        [(int(name.split(b"-")[0]), fields[1].decode()) for name, fields in entries],
        {
            name.decode(): (int(held.split(b"|", 1)[0]), held.split(b"|", 1)[1].decode())
            for name, held in zip(states[::2], states[1::2], strict=True)
        },
    )


def position(stream_id: UUID) -> tuple[str, int]:
    """Return the lane's epoch and top from a thread; begins an epoch if there is none."""
    at = base(stream_id)
    reply = redis_client.run(_OPEN, [f"{at}:m", f"{at}:x", f"{at}:s"], [_new_epoch(), MAX_SAFE, LIFE_MS])
    return reply[0].decode(), int(reply[1])


def _new_epoch() -> str:
    return secrets.token_hex(4)
