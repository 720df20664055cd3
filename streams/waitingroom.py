"""The waiting room before an offer's door: at a drop it lets people in at the pace that the host has set.

It sheds load and fairly so, and grants nothing: units are the till's alone. Whoever comes before the opening
waits under a number drawn by chance, which nobody learns before: to be early, or near, gains nothing. Who
comes later stands behind. All of it is in Redis, under Redis' own clock, so that several processes keep one
room. Lost with Redis, it begins anew (another epoch): people enter again for a fresh place. Without Redis
nobody is kept from the till.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from commerce import errors, ids, redis_client
from streams import offers, roomscripts
from streams.bodies import unix_ms
from streams.models import Offer, Stream
from streams.moderation import standing

log = structlog.get_logger(__name__)

Body = dict[str, Any]

ROOMS = "lc:rooms"  # Offers that have a waiting room now.
KEPT_MS = 600_000  # After the offer's window, so that an extension finds the room as it was.
TELL_MS = 2_000  # How often at most a room is told that it has moved.

_chance = SystemRandom()


class NoWaitingRoom(errors.Conflict):
    """This offer has no waiting room: everybody may buy at once."""

    code = "NO_WAITING_ROOM"
    message = "This offer has no waiting room. Buy when it opens."


class NotInRoom(errors.NotFound):
    """She is not in this waiting room (any more), and has not been let in."""

    code = "NOT_IN_ROOM"
    message = "You are not in this waiting room. Enter it first."


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

    Raises Banned, UnknownOffer, NoWaitingRoom, OfferEnded, OfferSoldOut, Unavailable.
    """
    standing.check_not_banned(stream_id=stream_id, user_id=user_id, now=now)
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
        epoch, number, waiting, served, until = redis_client.run(
            roomscripts.ENTER, [*keys(offer_id), ROOMS], args
        )
    except RedisError as error:
        raise errors.Unavailable from error
    return _place(offer_id, epoch, number, waiting, served, until, unix_ms(offer.opens_at))


def place(*, user_id: UUID, stream_id: UUID, offer_id: UUID) -> Body:
    """Return somebody's place in the waiting room of a show's offer, as `enter` does, and let nobody in.

    Raises UnknownOffer, NotInRoom, Unavailable.
    """
    _offer(stream_id, offer_id)
    try:
        found = _places(user_id, [offer_id])
    except RedisError as error:
        raise errors.Unavailable from error
    if not found:
        raise NotInRoom
    return found[0]


def places(*, user_id: UUID, offer_ids: Sequence[UUID]) -> list[Body]:
    """Return somebody's places in the waiting rooms of these offers, as `enter` does, and enter none.

    None without Redis.
    """
    try:
        return _places(user_id, offer_ids)
    except RedisError:
        log.warning("waitingroom.places_unknown", exc_info=True)
        return []


def leave(*, user_id: UUID, stream_id: UUID, offer_id: UUID) -> None:
    """Leave the waiting room of a show's offer, also after having been let in.

    Raises UnknownOffer, Unavailable.
    """
    _offer(stream_id, offer_id)
    try:
        redis_client.run(roomscripts.LEAVE, keys(offer_id)[1:], [str(user_id)])
    except RedisError as error:
        raise errors.Unavailable from error


def follow(*, offer_id: UUID, opens_ms: int, closes_ms: int) -> None:
    """Let a room, if there is one, keep to its offer's window (Unix milliseconds) as it is now."""
    redis_client.run(roomscripts.OFFER, keys(offer_id), [opens_ms, closes_ms, KEPT_MS])


def shut(*, offer_id: UUID) -> None:
    """Let nobody in any more, because the offer has ended or sold out; `follow` opens the door again."""
    redis_client.run(roomscripts.SHUT, keys(offer_id)[:1], [])


def let_in(*, user_id: UUID, offer_id: UUID, until: datetime) -> None:
    """Let somebody buy until then who need not wait here, because it is her turn in the waitlist."""
    redis_client.run(roomscripts.LET_IN, keys(offer_id), [str(user_id), unix_ms(until), KEPT_MS])


async def look(client: "redis.asyncio.Redis") -> list[Look]:
    """Draw, and let in, in every room there is, and return what moved; any process may do so at any time."""
    looks = []
    for name in map(_text, await client.smembers(ROOMS)):
        offer_id = UUID(name)
        args = [settings.ADMISSION_SECONDS * 1000, TELL_MS, KEPT_MS]
        found = await redis_client.run_on(client, roomscripts.LOOK, keys(offer_id), args)
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


def _places(user_id: UUID, offer_ids: Sequence[UUID]) -> list[Body]:
    room_keys = [key for offer_id in offer_ids for key in keys(offer_id)]
    found = redis_client.run(roomscripts.PLACES, room_keys, [str(user_id)])
    return [
        _place(offer_ids[at - 1], epoch, number, waiting, served, until, int(opens))
        for at, epoch, number, waiting, served, until, opens in found
    ]


def _place(
    offer_id: UUID, epoch: bytes, number: int | None, waiting: int, served: int, until: int, opens_at: int
) -> Body:
    return {
        "offer": str(offer_id),
        "epoch": epoch.decode(),
        "number": number,
        "waiting": waiting,
        "admitted": served,
        "opens_at": opens_at,
        "until": until or None,
    }


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _texts(names: Iterable[bytes]) -> list[str]:
    return list(map(_text, names))


def _offer(stream_id: UUID, offer_id: UUID) -> Offer:
    found = Offer.objects.select_related("stream").filter(pk=offer_id, stream_id=stream_id).first()
    if found is None:
        raise offers.UnknownOffer
    return found
