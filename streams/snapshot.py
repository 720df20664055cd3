"""The whole state of a show, as a newcomer is told it: what everybody sees, and what is the shopper's own."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from commerce import errors
from streams import bodies, chat, cohosts, coupons, pins, presence, queries, showlog, waitingroom
from streams.models import Stream
from streams.moderation import mode, standing
from streams.moderation import own as own_part

log = structlog.get_logger(__name__)

Body = dict[str, Any]

# What a shopper's own part holds where no other room fills it in.
NOBODY: Body = {
    "me": None,
    "u": None,
    "cart": None,
    "claims": [],
    "purchases": [],
    "waitlist": [],
    "rooms": [],
}

# Most have neither, and a crowd that comes at once has nothing at all.
_HAS = """
SELECT EXISTS (SELECT FROM streams_chatmessage m
                WHERE m.stream_id = asked.stream AND m.author_id = asked.buyer AND m.status = 'held'),
       EXISTS (SELECT FROM streams_couponclaim l JOIN streams_coupon c ON c.id = l.coupon_id
                WHERE l.buyer_id = asked.buyer AND c.stream_id = asked.stream),
       ARRAY(SELECT o.id FROM streams_offer o
              WHERE o.stream_id = asked.stream AND o.admits_per_second IS NOT NULL AND o.closes_at > now())
  FROM unnest(%(streams)s::uuid[], %(users)s::uuid[]) WITH ORDINALITY AS asked (stream, buyer, n)
 ORDER BY asked.n
"""


def of(*, stream: Stream, user_id: UUID | None) -> dict[str, Any]:
    """Return the body of a `snapshot` frame for one user, or for an anonymous viewer."""
    return {**public(stream=stream), **own(stream_id=stream.id, user_id=user_id)}


def public(*, stream: Stream) -> dict[str, Any]:
    """Return the part that everybody sees."""
    return {
        "stream": _stream(stream),
        "pinned": _pinned(stream.id),
        "items": bodies.showcase(stream_id=stream.id),
        "offers": [bodies.offer(offer) for offer in queries.current_offers(stream_id=stream.id)],
        "sold_out": [
            bodies.offer(offer) for offer in queries.sold_out_offers(stream_id=stream.id, now=timezone.now())
        ],
        "coupons": [coupons.body(coupon) for coupon in coupons.running(stream_id=stream.id)],
        "viewers": _viewers(stream.id),
        "chat": chat.latest(stream_id=stream.id),
        "pinned_line": mode.pinned(stream),
        **mode.body(stream),
    }


def own(*, stream_id: UUID, user_id: UUID | None) -> Body:
    """Return the shopper's own part: who she is, and what other rooms show her (settings.SNAPSHOT_PANELS).

    Raises UnknownShow.
    """
    if user_id is None:
        return NOBODY
    [found] = own_all([(stream_id, user_id)])
    if isinstance(found, errors.Refusal):
        raise found
    return found


def own_all(asked: Sequence[tuple[UUID, UUID]]) -> list[Body | errors.Refusal]:
    """Return the own part of each (show, user), or why there is none, as `own` does.

    A few queries for all who have nothing yet, however many they are.
    """
    # Before the data: what happens in between is told again rather than missed.
    places = showlog.user_positions([user_id for _, user_id in asked])
    standings = standing.of_all(asked, now=timezone.now())
    active = [each for each in asked if each in standings and standings[each].active]
    has = dict(zip(active, _has(active), strict=True))
    panels = [import_string(path)(active) for path in settings.SNAPSHOT_PANELS] if active else []

    def part(pair: tuple[UUID, UUID], place: tuple[str, int]) -> Body | errors.Refusal:
        if pair not in standings:
            return queries.UnknownShow()
        if pair not in has:
            return NOBODY
        found = _own(standings[pair], place, *has[pair])
        for panel in panels:
            found |= panel[pair]
        return found

    return [part(pair, place) for pair, place in zip(asked, places, strict=True)]


def _has(asked: Sequence[tuple[UUID, UUID]]) -> list[tuple[bool, bool, list[UUID]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _HAS,
            {"streams": [str(stream) for stream, _ in asked], "users": [str(user) for _, user in asked]},
        )
        return list(cursor.fetchall())


def _own(
    here: standing.Standing,
    place: tuple[str, int],
    has_held: bool,
    has_claims: bool,
    with_rooms: Sequence[UUID],
) -> Body:
    stream_id, user_id = here.stream_id, here.user_id
    claimed = coupons.claims(stream_id=stream_id, user_id=user_id) if has_claims else ()
    return {
        **NOBODY,
        "me": own_part.part(here, now=timezone.now(), has_held=has_held),
        "u": {"epoch": place[0], "offset": place[1]},
        "claims": [coupons.claim_body(claim) for claim in claimed],
        "rooms": waitingroom.places(user_id=user_id, offer_ids=with_rooms) if with_rooms else [],
    }


def _stream(stream: Stream) -> dict[str, Any]:
    return {
        "id": str(stream.id),
        "slug": stream.slug,
        "title": stream.title,
        "description": stream.description,
        "status": stream.status,
        "host": {"id": str(stream.host.id), "name": stream.host.name, "avatar": stream.host.avatar_url},
        "cohosts": cohosts.shown(stream_id=stream.id),
        "video_url": stream.video_url,
        "poster_url": stream.poster_url,
        "starts_at": bodies.unix_ms(stream.starts_at),
        "live_at": bodies.unix_ms(stream.live_at) if stream.live_at else None,
    }


def _pinned(stream_id: UUID) -> str | None:
    pin = pins.current(stream_id=stream_id)
    return str(pin.item_id) if pin else None


def _viewers(stream_id: UUID) -> int:
    try:
        return presence.count(stream_id=stream_id)
    except RedisError:
        log.warning("viewers.unknown", stream=str(stream_id), exc_info=True)
        return 0
