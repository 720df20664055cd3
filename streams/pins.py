"""Pins: the item being explained now, and the product moments of the show. The only writer of Pin."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from streams import announce, bodies, queries, states
from streams.models import Pin, Stream


def pin(*, host_id: UUID, stream_id: UUID, item_id: UUID, now: datetime) -> Pin:
    """Pin an item of a live show, which ends the pin before it, and tell the room; again is once.

    Raises UnknownShow, StreamNotLive, UnknownItem.
    """
    with transaction.atomic():
        stream = queries.live_show(host_id=host_id, stream_id=stream_id)
        item = queries.item(stream_id=stream_id, item_id=item_id)
        held = current(stream_id=stream_id)
        if held is not None and held.item_id == item.id:
            return held
        if held is not None:
            _close(held, stream=stream, now=now)
        new = Pin.objects.create(
            stream=stream, item=item, pinned_at=now, from_ms=states.clock_ms(_zero(stream), now)
        )
        announce.tell_room(stream_id=stream_id, t="product.pinned", d=bodies.item(item_id=item.id))
    return new


def unpin(*, host_id: UUID, stream_id: UUID, now: datetime) -> None:
    """Take the pin away, if there is one, and tell the room; raises UnknownShow."""
    with transaction.atomic():
        release(stream=queries.locked_show(host_id=host_id, stream_id=stream_id), now=now)


def release(*, stream: Stream, now: datetime) -> None:
    """Close the pin of a show that the caller has locked, if there is one, and tell the room."""
    held = current(stream_id=stream.id)
    if held is None:
        return
    _close(held, stream=stream, now=now)
    announce.tell_room(stream_id=stream.id, t="product.unpinned", d={"id": str(held.item_id)})


def current(*, stream_id: UUID) -> Pin | None:
    """Return the pin of the item being explained now."""
    return Pin.objects.filter(stream_id=stream_id, unpinned_at=None).first()


def _close(held: Pin, *, stream: Stream, now: datetime) -> None:
    held.unpinned_at = now
    held.to_ms = max(held.from_ms, states.clock_ms(_zero(stream), now))
    held.save(update_fields=["unpinned_at", "to_ms"])


def _zero(stream: Stream) -> datetime:
    if stream.live_at is None:
        raise RuntimeError(f"show {stream.id} has a pin and no clock")
    return stream.live_at
