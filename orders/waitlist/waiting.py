"""Reads of the line: a shopper's place in it, and how long it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet, Sum

from catalog.models import Price
from catalog.pricing import prices
from commerce.money import Money
from orders.models import WaitlistEntry
from orders.waitlist.turns import Waiter
from streams.bodies import unix_ms

Body = dict[str, Any]
Status = WaitlistEntry.Status

OPEN = (Status.WAITING, Status.OFFERED)
FEW = 5  # Places that are counted one by one; of more, their whole lines are numbered at once.


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


# Who cannot be served is not counted among the front: she would keep those behind her waiting for ever.
_FRONT = """
    SELECT first.*
      FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS back (variant_id, units, most)
      JOIN catalog_variant v ON v.id = back.variant_id AND v.is_active
      JOIN catalog_product p ON p.id = v.product_id AND p.status = 'approved'
      JOIN commerce_merchant m ON m.id = v.merchant_id AND m.is_active
      JOIN catalog_price c ON c.variant_id = v.id AND c.valid_to IS NULL
      LEFT JOIN catalog_pricefloor f ON f.variant_id = v.id AND f.currency = c.currency
     CROSS JOIN LATERAL (
           SELECT e.id, e.buyer_id, e.variant_id, e.offer_id, e.quantity
             FROM orders_waitlistentry e
             JOIN streams_stream s ON s.id = e.stream_id AND s.status = 'live'
             LEFT JOIN streams_offer o ON o.id = e.offer_id
             LEFT JOIN unnest(%s::uuid[], %s::int[]) AS quota (offer_id, units) ON quota.offer_id = o.id
             LEFT JOIN streams_offerbuyer had ON had.offer_id = o.id AND had.buyer_id = e.buyer_id
            WHERE e.variant_id = back.variant_id AND e.status = 'waiting' AND e.quantity <= back.units
              AND (o.id IS NULL
                   OR (o.status = 'open' OR o.reason = 'sold_out')
                      AND o.opens_at <= %s AND %s < o.closes_at
                      AND o.currency = c.currency AND o.amount >= coalesce(f.amount, 0)
                      AND e.quantity <= o."left" + coalesce(quota.units, 0)
                      AND e.quantity <= coalesce(had.cap - had.units, o.per_buyer))
              AND NOT EXISTS (SELECT 1 FROM streams_restraint ban
                               WHERE ban.stream_id = e.stream_id AND ban.user_id = e.buyer_id
                                 AND ban.kind = 'ban' AND ban.lifted_at IS NULL
                                 AND coalesce(ban.until, 'infinity') > %s)
            ORDER BY e.id LIMIT back.most) AS first
     ORDER BY first.id
"""


def front(
    units: Mapping[UUID, int], *, of_offers: Mapping[UUID, int], most: Mapping[UUID, int], now: datetime
) -> list[Waiter]:
    """Return the first `most` of each line who could be served with so many units of the variant, and of
    offers beside what is left of them; first come first.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _FRONT,
            [
                [str(pk) for pk in units],
                list(units.values()),
                [most[pk] for pk in units],
                [str(pk) for pk in of_offers],
                list(of_offers.values()),
                now,
                now,
                now,
            ],
        )
        return [Waiter(*row) for row in cursor.fetchall()]


def in_turn(offer_ids: Sequence[UUID], buyer_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Return the units that buyers have in their turns, by (offer, buyer)."""
    rows = WaitlistEntry.objects.filter(
        status=Status.OFFERED, offer__in=offer_ids, buyer__in=buyer_ids
    ).values("offer_id", "buyer_id")
    return {(row["offer_id"], row["buyer_id"]): row["units"] for row in rows.annotate(units=Sum("quantity"))}


def entries(*, buyer_id: UUID, stream_id: UUID | None = None) -> QuerySet[WaitlistEntry]:
    """Return where a shopper waits or has a turn, first come first, in one show or in all."""
    rows = WaitlistEntry.objects.filter(buyer_id=buyer_id, status__in=OPEN)
    if stream_id is not None:
        rows = rows.filter(stream_id=stream_id)
    return rows.select_related("offer", "stream").order_by("id")


def body(entry: WaitlistEntry) -> Body:
    """Return what a shopper is told of her place; see `rendered`."""
    return rendered([entry])[0]


def bodies(*, buyer_id: UUID, stream_id: UUID | None = None) -> list[Body]:
    """Return a shopper's places, first come first."""
    return rendered(list(entries(buyer_id=buyer_id, stream_id=stream_id)))


def rendered(places: Sequence[WaitlistEntry]) -> list[Body]:
    """Return what shoppers are told of their places: what for, at which price, until when it is her turn.

    `number` is hers for good. Who waits learns from `waitlist.line` which number is the first of those
    waiting: at most the difference are ahead of her.
    """
    listed = prices.current({place.variant_id for place in places if place.offer is None})
    numbers = _numbers(places)
    return [_body(place, *numbers[place.id], listed.get(place.variant_id)) for place in places]


def _body(place: WaitlistEntry, number: int, ahead: int, listed: Price | None) -> Body:
    at = place.offer or listed
    in_turn = place.status == Status.OFFERED and place.turn_until is not None
    return {
        "id": str(place.id),
        "stream": place.stream.slug if place.stream else None,
        "variant": str(place.variant_id),
        "offer": str(place.offer_id) if place.offer_id else None,
        "quantity": place.quantity,
        "status": place.status,
        "number": number,
        "ahead": ahead if place.status == Status.WAITING else 0,
        "price": Money(at.amount, at.currency).as_dict() if at else None,
        "until": unix_ms(place.turn_until) if in_turn and place.turn_until else None,
    }


def _numbers(places: Sequence[WaitlistEntry]) -> dict[UUID, tuple[int, int]]:
    """Return the number of each place, and how many wait before it."""
    if len(places) <= FEW:
        found = {}
        for place in places:
            before = WaitlistEntry.objects.filter(variant_id=place.variant_id, id__lt=place.id)
            waits = before.filter(status=Status.WAITING).count()
            found[place.id] = (before.count() + 1, waits)
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, number, coalesce(ahead, 0)
              FROM (SELECT id, row_number() OVER line AS number,
                           count(*) FILTER (WHERE status = 'waiting') OVER
                               (line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead
                      FROM orders_waitlistentry WHERE variant_id = ANY(%s::uuid[])
                    WINDOW line AS (PARTITION BY variant_id ORDER BY id)) numbered
             WHERE id = ANY(%s::uuid[])
            """,
            [[str(place.variant_id) for place in places], [str(place.id) for place in places]],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


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
