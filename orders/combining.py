"""Which orders may go out in one parcel: one buyer's of a merchant, to one address, paid, something left."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from orders.models import Cancellation, Order, OrderLine, Purchase

Body = dict[str, Any]
MOST_SHOWS = 50
WAITING = (Order.Status.OPEN, Order.Status.PARTLY_SHIPPED)


def groups(*, merchant_id: UUID, stream: str | None = None) -> QuerySet[Order]:
    """Return the oldest order of every buyer and address that has several, of one show's if it is named."""
    others = _waiting(stream).filter(
        merchant=OuterRef("merchant"),
        purchase__buyer=OuterRef("purchase__buyer"),
        purchase__ship_to=OuterRef("purchase__ship_to"),
    )
    return (
        _waiting(stream)
        .filter(merchant=merchant_id)
        .filter(Exists(others.filter(pk__gt=OuterRef("pk"))), ~Exists(others.filter(pk__lt=OuterRef("pk"))))
        .select_related("purchase")
    )


def fill(found: Sequence[Order], *, stream: str | None = None) -> list[list[Order]]:
    """Return each group with all its orders, oldest first; one statement for all."""
    if not found:
        return []
    of = {(row.merchant_id, row.purchase.buyer_id) for row in found}
    rows = _waiting(stream).filter(
        merchant__in={merchant for merchant, _ in of}, purchase__buyer__in={buyer for _, buyer in of}
    )
    hers: dict[UUID, list[Order]] = defaultdict(list)
    for row in rows.select_related("purchase__stream").order_by("id"):
        hers[row.purchase.buyer_id].append(row)
    return [
        [row for row in hers[first.purchase.buyer_id] if row.purchase.ship_to == first.purchase.ship_to]
        for first in found
    ]


def beside(order: Order) -> list[Order]:
    """Return an order that may go out now and those that may go out with it, oldest first; else nothing."""
    rows = _waiting(None).filter(
        merchant=order.merchant_id,
        purchase__buyer=order.purchase.buyer_id,
        purchase__ship_to=order.purchase.ship_to,
    )
    found = list(rows.select_related("purchase__stream").prefetch_related("lines").order_by("id"))
    return found if any(each.pk == order.pk for each in found) else []


def shows(*, merchant_id: UUID) -> list[tuple[str, str]]:
    """Return slug and title of the latest shows of which something of a merchant's waits to go out."""
    rows = _waiting(None).filter(merchant=merchant_id, purchase__stream__isnull=False)
    named = rows.values_list("purchase__stream__slug", "purchase__stream__title", "purchase__stream")
    return [(slug, title) for slug, title, _ in named.order_by("-purchase__stream").distinct()[:MOST_SHOWS]]


def body(row: list[Order]) -> Body:
    """Return the body of a group."""
    return {
        "ship_to": row[0].purchase.ship_to,
        "orders": [
            {
                "id": str(each.id),
                "reference": each.reference,
                "status": each.status,
                "stream": each.purchase.stream.slug if each.purchase.stream else None,
                "created_at": each.created_at,
            }
            for each in row
        ],
    }


def _waiting(stream: str | None) -> QuerySet[Order]:
    """Return orders that may go out now."""
    rows = Order.objects.filter(status__in=WAITING, purchase__status=Purchase.Status.PAID).exclude(
        Exists(Cancellation.objects.filter(order=OuterRef("pk"), status=Cancellation.Status.ASKED))
    )
    rows = rows.exclude(Exists(OrderLine.objects.filter(order=OuterRef("pk"), release_at__gt=Now())))
    return rows if stream is None else rows.filter(purchase__stream__slug=stream)
