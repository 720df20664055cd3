"""What a host has earned, for the studio: one show while it runs, and all her shows. See config/panels.py."""

from typing import Any
from uuid import UUID

from django.db.models import Count, F, Sum

from commerce.money import Money
from orders import queries
from orders.models import Commission, OrderLine, Purchase
from streams.bodies import unix_ms

Body = dict[str, Any]
LATEST = 12  # Purchases shown beside a running show.
BEING_PAID = (Purchase.Status.ACCEPTED, Purchase.Status.ACTION_REQUIRED)


def of_show(*, host_id: UUID, stream_id: UUID) -> Body:
    """Return the sales of one show so far, the units being paid for just now, and the latest paid lines."""
    lines = OrderLine.objects.filter(stream_id=stream_id, host_id=host_id)
    waiting = lines.filter(order__purchase__status__in=BEING_PAID).aggregate(units=Sum("quantity"))
    latest = (
        lines.filter(order__purchase__status=Purchase.Status.PAID)
        .select_related("order__purchase__buyer")
        .order_by("-order__purchase__updated_at", "-id")[:LATEST]
    )
    return {
        **queries.sales_of_stream(stream_id=stream_id, host_id=host_id),
        "being_paid": waiting["units"] or 0,
        "latest": [
            {
                "id": str(line.id),
                "buyer": line.order.purchase.buyer.name,
                "title": line.title,
                "quantity": line.quantity,
                "amount": Money(line.amount, line.currency).as_dict(),
                "offer": line.offer_id is not None,
                "at": unix_ms(line.order.purchase.updated_at),
            }
            for line in latest
        ],
    }


def of_host(*, host_id: UUID) -> dict[str, Body]:
    """Return what each show sold by which a host earns, hers or one that she hosted with others, by the
    show's id: what it sold since she agreed, and her part of the commission.

    Shows without a sale are left out.
    """
    sold = (
        OrderLine.objects.filter(commissions__host=host_id, order__purchase__status=Purchase.Status.PAID)
        .values("stream_id", "currency")
        .annotate(
            units=Sum("quantity"), revenue=Sum("amount"), purchases=Count("order__purchase", distinct=True)
        )
        .order_by("stream_id", "currency")
    )
    earned = (
        Commission.objects.filter(host_id=host_id)
        .exclude(status=Commission.Status.REVERSED)
        .values("stream_id", "currency")
        .annotate(amount=Sum(F("amount") - F("reversed_amount")))
    )
    commission = {(row["stream_id"], row["currency"]): row["amount"] for row in earned}
    shows: dict[str, Body] = {}
    for row in sold:
        show = shows.setdefault(
            str(row["stream_id"]), {"units": 0, "purchases": 0, "revenue": [], "commission": []}
        )
        owed = commission.get((row["stream_id"], row["currency"]), 0)
        show["units"] += row["units"]
        show["purchases"] += row["purchases"]
        show["revenue"].append(Money(row["revenue"], row["currency"]).as_dict())
        show["commission"].append(Money(owed, row["currency"]).as_dict())
    return shows
