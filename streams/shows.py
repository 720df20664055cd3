"""Shows: planned, changed, taken live, ended, cancelled. The only writer of Stream and StreamMove.

A move is one transaction: the status changes only from a status that allows it, the history row is written
and the room is told, or none of it happens.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from commerce import errors, ids
from commerce.models import Host
from streams import announce, bodies, coupons, offers, pins, queries, states
from streams.models import Stream, StreamMove

SLUG_LENGTH = 80
WHILE_SCHEDULED = frozenset({"slug", "starts_at"})
CHANGEABLE = WHILE_SCHEDULED | {"title", "description", "video_url", "poster_url"}


class IllegalMove(errors.Conflict):
    code = "ILLEGAL_MOVE"
    message = "The show cannot do that now."


class AlreadyLive(errors.Conflict):
    code = "ALREADY_LIVE"
    message = "Another show of yours is live. End it first."


class SlugTaken(errors.Conflict):
    code = "SLUG_TAKEN"
    message = "Another show has this address. Choose another one."


class BadShow(errors.Invalid):
    message = "The show's details are not valid."


class UnknownHost(errors.NotFound):
    message = "There is no such host."


def plan(
    *,
    host_id: UUID,
    title: str,
    starts_at: datetime,
    slug: str = "",
    description: str = "",
    video_url: str = "",
    poster_url: str = "",
) -> Stream:
    """Plan a show. Without a slug it gets one from its title; raises UnknownHost, BadShow, SlugTaken."""
    if not Host.objects.filter(pk=host_id, is_active=True).exists():
        raise UnknownHost
    stream = Stream(
        host_id=host_id,
        title=_checked_title(title),
        slug=_checked_slug(slug) if slug else _slug_from(title),
        description=description,
        starts_at=starts_at,
        video_url=video_url,
        poster_url=poster_url,
    )
    if not slug and Stream.objects.filter(slug=stream.slug).exists():
        stream.slug = f"{stream.slug[: SLUG_LENGTH - 9]}-{ids.new().hex[-8:]}"
    _save(stream, force_insert=True)
    return stream


def change(*, host_id: UUID, stream_id: UUID, **fields: Any) -> Stream:
    """Change a show's title, description, pictures, and, until it is live, its address and planned time.

    Raises UnknownShow, ShowOver, IllegalMove (too late to change that), BadShow, SlugTaken; TypeError for
    any other field.
    """
    if unknown := fields.keys() - CHANGEABLE:
        raise TypeError(f"a show's {', '.join(sorted(unknown))} cannot be changed")
    with transaction.atomic():
        stream = queries.editable_show(host_id=host_id, stream_id=stream_id)
        changed = {name: value for name, value in fields.items() if getattr(stream, name) != value}
        if stream.status != Stream.Status.SCHEDULED and changed.keys() & WHILE_SCHEDULED:
            raise IllegalMove("The address and the planned time stay as they are once the show is live.")
        if "title" in changed:
            changed["title"] = _checked_title(changed["title"])
        if "slug" in changed:
            changed["slug"] = _checked_slug(changed["slug"])
        for name, value in changed.items():
            setattr(stream, name, value)
        if changed:
            _save(stream, update_fields=sorted(changed))
    return stream


def go_live(*, host_id: UUID, stream_id: UUID, now: datetime, by_id: UUID | None = None) -> Stream:
    """Start a planned show and its clock; one that is live already is returned as it is.

    Raises UnknownShow, IllegalMove, AlreadyLive (one live show per host).
    """
    try:
        with transaction.atomic():
            stream = queries.locked_show(host_id=host_id, stream_id=stream_id)
            if _move(stream, new=Stream.Status.LIVE, now=now, by_id=by_id, live_at=now):
                _tell(stream)
    except IntegrityError as error:
        if "stream_one_live_per_host" in str(error):
            raise AlreadyLive from None
        raise
    return stream


def end(*, host_id: UUID, stream_id: UUID, now: datetime, by_id: UUID | None = None) -> Stream:
    """End a live show with its open offers and its pin; one that has ended is returned as it is.

    Raises UnknownShow, IllegalMove.
    """
    with transaction.atomic():
        stream = queries.locked_show(host_id=host_id, stream_id=stream_id)
        if _move(stream, new=Stream.Status.ENDED, now=now, by_id=by_id, ended_at=now):
            offers.end_all(stream_id=stream_id, now=now)
            coupons.end_all(stream_id=stream_id, now=now)
            pins.release(stream=stream, now=now)
            _tell(stream)
    return stream


def cancel(*, host_id: UUID, stream_id: UUID, now: datetime, by_id: UUID | None = None) -> Stream:
    """Cancel a planned show; one that is cancelled is returned as it is. Raises UnknownShow, IllegalMove."""
    with transaction.atomic():
        stream = queries.locked_show(host_id=host_id, stream_id=stream_id)
        if _move(stream, new=Stream.Status.CANCELLED, now=now, by_id=by_id):
            _tell(stream)
    return stream


def _move(stream: Stream, *, new: Stream.Status, now: datetime, by_id: UUID | None, **fields: Any) -> bool:
    """Move to `new` from a status that allows it; False when it is there already, IllegalMove otherwise."""
    old = stream.status
    moved = Stream.objects.filter(pk=stream.pk, status__in=states.sources_of(new)).update(
        status=new, **fields
    )
    stream.refresh_from_db()
    if moved:
        StreamMove.objects.create(stream=stream, old=old, new=new, by_id=by_id, at=now)
    elif stream.status != new:
        raise IllegalMove(f"A show that is {stream.status} cannot become {new}.", status=stream.status)
    return bool(moved)


def _tell(stream: Stream) -> None:
    live_at = bodies.unix_ms(stream.live_at) if stream.live_at else None
    announce.tell_room(
        stream_id=stream.id, t="stream.status", d={"status": stream.status, "live_at": live_at}
    )


def _save(stream: Stream, **how: Any) -> None:
    try:
        with transaction.atomic():
            stream.save(**how)
    except IntegrityError as error:
        if "slug" in str(error):
            raise SlugTaken(slug=stream.slug) from None
        raise


def _checked_title(title: str) -> str:
    title = title.strip()
    if not 1 <= len(title) <= 120:
        raise BadShow(errors={"title": "between 1 and 120 characters"})
    return title


def _checked_slug(slug: str) -> str:
    if slug != slugify(slug) or not 1 <= len(slug) <= SLUG_LENGTH:
        raise BadShow(errors={"slug": f"small letters, digits and hyphens, {SLUG_LENGTH} characters at most"})
    return slug


def _slug_from(title: str) -> str:
    return slugify(title)[:SLUG_LENGTH].strip("-") or f"show-{ids.new().hex[-8:]}"
