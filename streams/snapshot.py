"""The whole state of a show, as a newcomer is told it: what everybody sees, and what is the shopper's own."""

from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from streams import bodies, chat, cohosts, coupons, pins, presence, queries, showlog, waitingroom
from streams.models import Stream
from streams.moderation import mode, standing
from streams.moderation import own as own_part

log = structlog.get_logger(__name__)

# What a shopper's own part holds where no other room fills it in.
NOBODY: dict[str, Any] = {
    "me": None,
    "u": None,
    "cart": None,
    "claims": [],
    "purchases": [],
    "waitlist": [],
    "rooms": [],
}

_HAS = """
SELECT EXISTS (SELECT FROM streams_chatmessage
                WHERE stream_id = %(stream)s AND author_id = %(user)s AND status = 'held'),
       EXISTS (SELECT FROM streams_couponclaim l JOIN streams_coupon c ON c.id = l.coupon_id
                WHERE l.buyer_id = %(user)s AND c.stream_id = %(stream)s),
       ARRAY(SELECT id FROM streams_offer
              WHERE stream_id = %(stream)s AND admits_per_second IS NOT NULL AND closes_at > now())
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


def own(*, stream_id: UUID, user_id: UUID | None) -> dict[str, Any]:
    """Return the shopper's own part: who she is, and what other rooms show her (settings.SNAPSHOT_PANELS).

    Raises UnknownShow.
    """
    if user_id is None:
        return NOBODY
    # Before the data: what happens in between is told again rather than missed.
    epoch, offset = showlog.user_position(user_id)
    here = standing.of(stream_id=stream_id, user_id=user_id, now=timezone.now())
    if not here.active:
        return NOBODY
    # Most have neither, and a crowd that comes at once has nothing at all.
    with connection.cursor() as cursor:
        cursor.execute(_HAS, {"user": user_id, "stream": stream_id})
        has_held, has_claims, with_rooms = cursor.fetchone()
    claimed = coupons.claims(stream_id=stream_id, user_id=user_id) if has_claims else ()
    found = {
        **NOBODY,
        "me": own_part.part(here, now=timezone.now(), has_held=has_held),
        "u": {"epoch": epoch, "offset": offset},
        "claims": [coupons.claim_body(claim) for claim in claimed],
        "rooms": waitingroom.places(user_id=user_id, offer_ids=with_rooms) if with_rooms else [],
    }
    for path in settings.SNAPSHOT_PANELS:
        found |= import_string(path)(user_id=user_id, stream_id=stream_id)
    return found


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
