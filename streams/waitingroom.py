"""The waiting room before an offer's door: at a drop it lets people in at the pace that the host has set.

It sheds load and fairly so, and grants nothing: units are the till's alone. Whoever comes before the opening
waits under a number drawn by chance, which nobody learns before: to be early, or near, gains nothing. Who
comes later stands behind. All of it is in Redis, under Redis' own clock, so that several processes keep one
room. Lost with Redis, it begins anew (another epoch): people enter again for a fresh place. Without Redis
nobody is kept from the till.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from commerce import errors, ids, redis_client
from streams import offers
from streams.bodies import unix_ms
from streams.models import Offer, Stream

Body = dict[str, Any]

ROOMS = "lc:rooms"  # Offers that have a waiting room now.
KEPT_MS = 600_000  # After the offer's window, so that an extension finds the room as it was.
TELL_MS = 2_000  # How often at most a room is told that it has moved.

_chance = SystemRandom()

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

# Places before the opening are chances below 1, so that their order is drawn as soon as it is asked for.
_ENTER = (
    _NOW
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

_LEAVE = """
return redis.call('ZREM', KEYS[1], ARGV[1]) + redis.call('HDEL', KEYS[2], ARGV[1])
"""

# Nobody is let in while there is nothing to be had.
_OFFER = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'opens', ARGV[1], 'closes', ARGV[2])
redis.call('HDEL', KEYS[1], 'shut')
for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], tonumber(ARGV[2]) + tonumber(ARGV[3])) end
return 1
"""

_SHUT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'shut', 1)
return 1
"""

_LET_IN = (
    _NOW
    + """
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('PEXPIREAT', KEYS[3], math.max(tonumber(ARGV[2]), now) + tonumber(ARGV[3]))
return 1
"""
)

# One look at a room, by whichever process comes: the draw once, then as many in as the pace allows since the
# last look, at most a second's worth, so that a pause is not made up for by a crowd.
_LOOK = (
    _NOW
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
    redis.call('HSET', room, 'last', now)
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


class NoWaitingRoom(errors.Conflict):
    """This offer has no waiting room: everybody may buy at once."""

    code = "NO_WAITING_ROOM"
    message = "This offer has no waiting room. Buy when it opens."


class NotYourTurn(errors.Conflict):
    """She has to wait; `position` is her place, none if she is not in the room (any more)."""

    code = "NOT_YOUR_TURN"
    message = "It is not your turn yet. Wait in the waiting room."
    temporary = True
    retry_ms = 2_000


@dataclass(frozen=True, slots=True)
class Look:
    """A room as it was when somebody looked, and what that look has moved. Users are their ids as text."""

    offer_id: UUID
    epoch: str
    stream_id: UUID
    opens_at: int
    waiting: int
    admitted_up_to: int
    tell: bool
    now: int
    until: int
    drawn: list[str]
    admitted: list[str]


def keys(offer_id: UUID) -> list[str]:
    """Return the Redis keys of a room: its facts, its queue, and until when who was let in may buy."""
    base = f"lc:room:{{{offer_id}}}"
    return [base, f"{base}:q", f"{base}:in"]


def enter(*, user_id: UUID, stream_id: UUID, offer_id: UUID, now: datetime) -> Body:
    """Enter the waiting room of a show's offer and return the place; again returns the same.

    Raises UnknownOffer, NoWaitingRoom, OfferEnded, OfferSoldOut, Unavailable.
    """
    offer = _offer(stream_id, offer_id)
    if offer.admits_per_second is None:
        raise NoWaitingRoom
    if offer.reason == Offer.Reason.SOLD_OUT and now < offer.closes_at:
        raise offers.OfferSoldOut(offer=str(offer_id), left=0)
    if offer.status == Offer.Status.ENDED or now >= offer.closes_at:
        raise offers.OfferEnded(offer=str(offer_id), reason=offer.reason or Offer.Reason.TIME)
    if offer.stream.status != Stream.Status.LIVE:
        raise offers.OfferEnded(offer=str(offer_id), reason=Offer.Reason.HOST)
    args: list[str | int] = [
        *(str(user_id), ids.new().hex[-8:], str(stream_id)),
        *(unix_ms(offer.opens_at), unix_ms(offer.closes_at), offer.admits_per_second),
        *(repr(_chance.random()), str(offer_id), KEPT_MS),
    ]
    try:
        epoch, number, waiting, served, until = redis_client.run(_ENTER, [*keys(offer_id), ROOMS], args)
    except RedisError as error:
        raise errors.Unavailable from error
    return {
        "offer": str(offer_id),
        "epoch": epoch.decode(),
        "number": number,
        "waiting": waiting,
        "admitted": served,
        "opens_at": unix_ms(offer.opens_at),
        "until": until or None,
    }


def leave(*, user_id: UUID, stream_id: UUID, offer_id: UUID) -> None:
    """Leave the waiting room of a show's offer, also after having been let in.

    Raises UnknownOffer, Unavailable.
    """
    _offer(stream_id, offer_id)
    try:
        redis_client.run(_LEAVE, keys(offer_id)[1:], [str(user_id)])
    except RedisError as error:
        raise errors.Unavailable from error


def follow(*, offer_id: UUID, opens_ms: int, closes_ms: int) -> None:
    """Let a room, if there is one, keep to its offer's window (Unix milliseconds) as it is now."""
    redis_client.run(_OFFER, keys(offer_id), [opens_ms, closes_ms, KEPT_MS])


def shut(*, offer_id: UUID) -> None:
    """Let nobody in any more, because the offer has ended or sold out; `follow` opens the door again."""
    redis_client.run(_SHUT, keys(offer_id)[:1], [])


def let_in(*, user_id: UUID, offer_id: UUID, until: datetime) -> None:
    """Let somebody buy until then who need not wait here, because it is her turn in the waitlist."""
    redis_client.run(_LET_IN, keys(offer_id), [str(user_id), unix_ms(until), KEPT_MS])


async def look(client: "redis.asyncio.Redis") -> list[Look]:
    """Draw, and let in, in every room there is, and return what moved; any process may do so at any time."""
    looks = []
    for name in map(_text, await client.smembers(ROOMS)):
        offer_id = UUID(name)
        args = [settings.ADMISSION_SECONDS * 1000, TELL_MS, KEPT_MS]
        found = await redis_client.run_on(client, _LOOK, keys(offer_id), args)
        if found is None:
            await client.srem(ROOMS, name)
            continue
        epoch, stream_id, *numbers, drawn, admitted = found
        opens, waiting, served, tell, now, until = map(int, numbers)
        looks.append(
            Look(
                offer_id=offer_id,
                epoch=epoch.decode(),
                stream_id=UUID(stream_id.decode()),
                opens_at=opens,
                waiting=waiting,
                admitted_up_to=served,
                tell=bool(tell),
                now=now,
                until=until,
                drawn=_texts(drawn),
                admitted=_texts(admitted),
            )
        )
    return looks


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _texts(names: Iterable[bytes]) -> list[str]:
    return list(map(_text, names))


def _offer(stream_id: UUID, offer_id: UUID) -> Offer:
    found = Offer.objects.select_related("stream").filter(pk=offer_id, stream_id=stream_id).first()
    if found is None:
        raise offers.UnknownOffer
    return found
