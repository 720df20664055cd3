"""The public list of shows: what is on now, what comes next, and what was on lately."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import Count, Q, QuerySet
from redis.exceptions import RedisError

from streams import presence
from streams.models import Stream

log = structlog.get_logger(__name__)

MOST = 24
LATELY = timedelta(days=3)
OVERDUE = timedelta(hours=6)


def find(*, slug: str) -> Stream | None:
    """Return the show of an active host with this address, with its host; None when there is none."""
    return Stream.objects.select_related("host").filter(slug=slug, host__is_active=True).first()


def public(*, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return cards of shows: `live` (most viewers first), `soon` (next first), `lately` (latest first)."""
    live = [_card(stream, viewers=_viewers(stream)) for stream in _shows(status=Stream.Status.LIVE)[:MOST]]
    soon = _shows(status=Stream.Status.SCHEDULED, starts_at__gte=now - OVERDUE).order_by("starts_at", "id")
    lately = _shows(status=Stream.Status.ENDED, ended_at__gte=now - LATELY).order_by("-ended_at", "-id")
    return {
        "live": sorted(live, key=lambda card: -card["viewers"]),
        "soon": [_card(stream) for stream in soon[:MOST]],
        "lately": [_card(stream) for stream in lately[:6]],
    }


def _shows(**which: Any) -> QuerySet[Stream]:
    return (
        Stream.objects.filter(host__is_active=True, **which)
        .select_related("host")
        .annotate(products=Count("items", filter=Q(items__removed_at=None)))
        .order_by("-live_at", "-id")
    )


def _card(stream: Any, *, viewers: int = 0) -> dict[str, Any]:
    return {
        "slug": stream.slug,
        "title": stream.title,
        "status": stream.status,
        "host": stream.host.name,
        "avatar": stream.host.avatar_url,
        "poster": stream.poster_url,
        "starts_at": stream.starts_at,
        "products": stream.products,
        "viewers": viewers,
    }


def _viewers(stream: Stream) -> int:
    try:
        return presence.count(stream_id=stream.id)
    except RedisError:
        log.warning("viewers.unknown", stream=str(stream.id), exc_info=True)
        return 0
