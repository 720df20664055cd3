"""Reads of the line: a shopper's place in it, and how long it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from catalog import prices
from commerce.money import Money
from orders.models import WaitlistEntry
from streams.bodies import unix_ms
from streams.models import Stream

Body = dict[str, Any]
Status = WaitlistEntry.Status

OPEN = (Status.WAITING, Status.OFFERED)


@dataclass(frozen=True, slots=True)
class Line:
    """The line of one variant in one show: how many wait, and the number of the first of them."""

    stream_id: UUID
    variant_id: UUID
    waiting: int
    first: int


def entries(*, buyer_id: UUID, stream_id: UUID | None = None) -> QuerySet[WaitlistEntry]:
    """Return where a shopper waits or has a turn, first come first, in one show or in all."""
    rows = WaitlistEntry.objects.filter(buyer_id=buyer_id, status__in=OPEN)
    if stream_id is not None:
        rows = rows.filter(stream_id=stream_id)
    return rows.select_related("offer", "stream").order_by("id")


def body(entry: WaitlistEntry) -> Body:
    """Return what a shopper is told of her place: what for, at which price, and until when it is her turn.

    `number` is hers for good. Who waits learns from `waitlist.line` which number is the first of those
    waiting: at most the difference are ahead of her.
    """
    if entry.offer is not None:
        price: Body | None = Money(entry.offer.amount, entry.offer.currency).as_dict()
    else:
        listed = prices.current([entry.variant_id]).get(entry.variant_id)
        price = Money(listed.amount, listed.currency).as_dict() if listed else None
    waits = entry.status == Status.WAITING
    offered = entry.status == Status.OFFERED and entry.turn_until is not None
    before = WaitlistEntry.objects.filter(variant_id=entry.variant_id, id__lt=entry.id)
    return {
        "id": str(entry.id),
        "stream": entry.stream.slug if entry.stream else None,
        "variant": str(entry.variant_id),
        "offer": str(entry.offer_id) if entry.offer_id else None,
        "quantity": entry.quantity,
        "status": entry.status,
        "number": before.count() + 1,
        "ahead": before.filter(status=Status.WAITING).count() if waits else 0,
        "price": price,
        "until": unix_ms(entry.turn_until) if offered and entry.turn_until else None,
    }


def bodies(*, buyer_id: UUID, stream_id: UUID | None = None) -> list[Body]:
    """Return a shopper's places, first come first."""
    return [body(entry) for entry in entries(buyer_id=buyer_id, stream_id=stream_id)]


def lengths(*, stream_id: UUID) -> dict[UUID, int]:
    """Return how many wait in a show, per variant."""
    return {line.variant_id: line.waiting for line in lines(stream_ids=[stream_id])}


def lines(*, stream_ids: Iterable[UUID] | None = None) -> list[Line]:
    """Return the lines of these shows, or of all live ones, in two statements however many wait."""
    if stream_ids is None:
        stream_ids = Stream.objects.filter(status=Stream.Status.LIVE).values_list("id", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT stream_id, variant_id, waiting,
                   (SELECT count(*) FROM orders_waitlistentry e
                     WHERE e.variant_id = l.variant_id AND e.id <= l.first)
              FROM (SELECT stream_id, variant_id, count(*) AS waiting,
                           (array_agg(id ORDER BY id))[1] AS first
                      FROM orders_waitlistentry
                     WHERE status = 'waiting' AND stream_id = ANY(%s::uuid[])
                     GROUP BY 1, 2) l
            """,
            [[str(each) for each in stream_ids]],
        )
        return [Line(*row) for row in cursor.fetchall()]
