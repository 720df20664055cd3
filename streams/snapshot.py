"""The whole state of a show, as a newcomer is told it: what everybody sees, and what is the shopper's own."""

from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from commerce.models import User
from streams import bodies, chat, coupons, pins, presence, queries, showlog
from streams.models import Stream
from streams.moderation import mode
from streams.moderation import own as own_part

log = structlog.get_logger(__name__)

# What a shopper's own part holds where no other room fills it in.
NOBODY: dict[str, Any] = {"me": None, "u": None, "cart": None, "claims": [], "purchases": [], "waitlist": []}


def of(*, stream: Stream, user_id: UUID | None) -> dict[str, Any]:
    """Return the body of a `snapshot` frame for one user, or for an anonymous viewer."""
    return {**public(stream=stream), **own(stream=stream, user_id=user_id)}


def public(*, stream: Stream) -> dict[str, Any]:
    """Return the part that everybody sees."""
    return {
        "stream": _stream(stream),
        "pinned": _pinned(stream.id),
        "items": bodies.showcase(stream_id=stream.id),
        "offers": [bodies.offer(offer) for offer in queries.current_offers(stream_id=stream.id)],
        "coupons": [coupons.body(coupon) for coupon in coupons.running(stream_id=stream.id)],
        "viewers": _viewers(stream.id),
        "chat": chat.latest(stream_id=stream.id),
        "pinned_line": mode.pinned(stream),
        **mode.body(stream),
    }


def own(*, stream: Stream, user_id: UUID | None) -> dict[str, Any]:
    """Return the shopper's own part: who she is, and what other rooms show her (settings.SNAPSHOT_PANELS)."""
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    if user is None:
        return NOBODY
    # Before the data: what happens in between is told again rather than missed.
    epoch, offset = showlog.user_position(user.id)
    me = own_part.part(user=user, stream=stream, now=timezone.now())
    u = {"epoch": epoch, "offset": offset}
    claimed = coupons.claims(stream_id=stream.id, user_id=user.id)
    claims = [coupons.claim_body(claim) for claim in claimed]
    return {**NOBODY, "me": me, "u": u, "claims": claims, **panels(user_id=user.id, stream_id=stream.id)}


def panels(*, user_id: UUID, stream_id: UUID) -> dict[str, Any]:
    """Return what other rooms show one shopper in one show."""
    return {
        name: import_string(path)(user_id=user_id, stream_id=stream_id)
        for name, path in settings.SNAPSHOT_PANELS.items()
    }


def _stream(stream: Stream) -> dict[str, Any]:
    return {
        "id": str(stream.id),
        "slug": stream.slug,
        "title": stream.title,
        "description": stream.description,
        "status": stream.status,
        "host": {"id": str(stream.host.id), "name": stream.host.name, "avatar": stream.host.avatar_url},
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
