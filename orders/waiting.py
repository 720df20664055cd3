"""Reads of the line: a shopper's place in it, and how long it is."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from catalog import prices
from commerce.money import Money
from orders.models import WaitlistEntry
from streams.bodies import unix_ms

Body = dict[str, Any]
Status = WaitlistEntry.Status

OPEN = (Status.WAITING, Status.OFFERED)


@dataclass(frozen=True, slots=True)
class Line:
    """The line of one variant in one show: how many wait, and the number of the first of them (of the next to
    come, if nobody does). `version` grows whenever one of them changes.
    """

    stream_id: UUID
    variant_id: UUID
    waiting: int
    first: int
    version: int


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


def lines() -> list[Line]:
    """Return the lines of all live shows in one statement, however many wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT stream_id, variant_id, waiting,
                   (SELECT count(*) FROM orders_waitlistentry e
                     WHERE e.variant_id = l.variant_id AND (l.first IS NULL OR e.id < l.first)) + 1,
                   -- Everybody who comes adds one, and so does everybody who goes.
                   came + (came - waiting)
              FROM (SELECT e.stream_id, e.variant_id, count(*) AS came,
                           count(*) FILTER (WHERE e.status = 'waiting') AS waiting,
                           (array_agg(e.id ORDER BY e.id) FILTER (WHERE e.status = 'waiting'))[1] AS first
                      FROM orders_waitlistentry e JOIN streams_stream s ON s.id = e.stream_id
                     WHERE s.status = 'live'
                     GROUP BY 1, 2) l
            """
        )
        return [Line(*row) for row in cursor.fetchall()]
