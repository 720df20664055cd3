"""Reads of the trade: purchases for buyers, orders for merchants, sales for hosts."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum

from catalog.models import Location
from commerce import errors, ids
from commerce.money import Money
from orders import claims, taxes
from orders.models import (
    Commission,
    Order,
    OrderLine,
    OrderMove,
    Payment,
    Purchase,
    Shipment,
    ShipmentLine,
    parcels_of,
)
from orders.taxes import Tax
from streams.bodies import unix_ms

Body = dict[str, Any]
PARCEL_LINES = ShipmentLine.objects.select_related("shipment").order_by("line_id")
LATEST = 10  # Purchases of a show in a snapshot.

DECLINED = "The card was declined."
EXPIRED = "It was not paid in time. The goods went back on sale and nothing was charged."
LAPSED = "Your card's authorisation ended before the parcel went out. Nothing was charged."
CANCELLED = "The payment was cancelled. Nothing was charged."


class UnknownOrder(errors.NotFound):
    message = "There is no such order."


class UnknownShipment(errors.NotFound):
    message = "There is no such parcel."


class UnknownPurchase(errors.NotFound):
    message = "You have no such purchase."


# --- purchases ---


def purchases_of(*, buyer_id: UUID) -> QuerySet[Purchase]:
    """Return a buyer's purchases with all that their bodies need, newest first."""
    return _with_parts(Purchase.objects.filter(buyer_id=buyer_id)).order_by("-id")


def purchase_of(*, buyer_id: UUID, purchase_id: UUID | None = None, key: UUID | None = None) -> Purchase:
    """Return a buyer's purchase by its id, else by the key it was bought with; raises UnknownPurchase."""
    named = Q(pk=purchase_id) if purchase_id else Q(key=key)
    found = purchases_of(buyer_id=buyer_id).filter(named).first()
    if found is None:
        raise UnknownPurchase
    return found


def purchase_body(purchase_id: UUID) -> Body:
    """Return the body of a purchase as it is now."""
    return render_purchase(_with_parts(Purchase.objects.filter(pk=purchase_id)).get())


def bodies_to_tell(purchase_ids: Collection[UUID]) -> list[tuple[UUID, Body]]:
    """Return each purchase's buyer and its body as it is now; few queries for all."""
    rows = _with_parts(Purchase.objects.filter(pk__in=purchase_ids)).order_by("id")
    return [(row.buyer_id, render_purchase(row)) for row in rows]


def bodies(purchase_ids: Collection[UUID]) -> dict[UUID, Body]:
    """Return the bodies of purchases as they are now; few queries for all."""
    rows = _with_parts(Purchase.objects.filter(pk__in=purchase_ids)) if purchase_ids else ()
    return {row.id: render_purchase(row) for row in rows}


def replayed_bodies(purchase_ids: Collection[UUID]) -> dict[UUID, Body]:
    """Return the bodies of purchases as they are now, for keys that are sent again; few queries for all."""
    rows = _with_parts(Purchase.objects.filter(pk__in=purchase_ids)) if purchase_ids else ()
    return {row.id: render_purchase(row, replayed=True) for row in rows}


def render_purchase(row: Purchase, *, replayed: bool = False) -> Body:
    """Return the body of a purchase that was read with all its parts."""
    reason, message = _reason(row)
    return {
        "id": str(row.id),
        "key": str(row.key),
        "status": row.status,
        "version": row.version,
        "total": Money(row.amount, row.currency).as_dict(),
        "reason": reason,
        "message": message,
        "card": {"brand": row.card.brand, "last4": row.card.last4},
        "hold_until": unix_ms(row.hold_until),
        "retry_until": unix_ms(row.grace_until) if row.grace_until else None,
        "stream": row.stream.slug if row.stream else None,
        "orders": [_order(order, row) for order in row.orders.all()],
        "replayed": replayed,
    }


def _with_parts(rows: QuerySet[Purchase]) -> QuerySet[Purchase]:
    orders = Order.objects.select_related("merchant").order_by("id")
    lines = OrderLine.objects.order_by("id")
    return rows.select_related("card", "stream").prefetch_related(
        Prefetch("orders", queryset=orders),
        Prefetch("orders__lines", queryset=lines),
        Prefetch("orders__parcel_lines", queryset=PARCEL_LINES),
        Prefetch("payments", queryset=Payment.objects.order_by("-number")),
    )


def _reason(row: Purchase) -> tuple[str | None, str | None]:
    payments = list(row.payments.all())
    if row.status in (Purchase.Status.DECLINED, Purchase.Status.EXPIRED, Purchase.Status.CANCELLED):
        for payment in payments:
            if payment.status == Payment.Status.RETURNED:
                return "PAYMENT_RETURNED", payment.message
    if row.status == Purchase.Status.DECLINED:
        return "PAYMENT_DECLINED", (payments[0].message if payments else "") or DECLINED
    if row.status == Purchase.Status.EXPIRED:
        return "HOLD_EXPIRED", EXPIRED
    if row.status == Purchase.Status.CANCELLED and row.pay_at_shipping and payments and payments[0].message:
        return "CANCELLED", payments[0].message
    if row.status == Purchase.Status.CANCELLED and row.pay_at_shipping:
        return "AUTHORIZATION_ENDED", LAPSED
    if row.status == Purchase.Status.CANCELLED:
        return "PAYMENT_CANCELLED", CANCELLED
    return None, None


def _order(order: Order, purchase: Purchase) -> Body:
    return {
        "id": str(order.id),
        "merchant": {"id": str(order.merchant_id), "name": order.merchant.name},
        "status": order.status,
        "total": Money(order.amount, order.currency).as_dict(),
        **charges_of(order),
        "lines": [_line(line) for line in order.lines.all()],
        "shipments": [
            {
                "carrier": parcel.carrier,
                "tracking_number": parcel.tracking_number,
                "tracking_url": parcel.tracking_url,
                "shipped_at": unix_ms(parcel.shipped_at),
                "delivered_at": unix_ms(parcel.delivered_at) if parcel.delivered_at else None,
                "lines": [{"line": str(each.line_id), "quantity": each.quantity} for each in lines],
            }
            for parcel, lines in parcels_of(order)
        ],
        "aftersales": claims.of_order(order, purchase),
    }


def _line(line: OrderLine) -> Body:
    return {
        "id": str(line.id),
        "variant": str(line.variant_id),
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": Money(line.unit_amount, line.currency).as_dict(),
        "amount": Money(line.amount, line.currency).as_dict(),
        "discount": Money(line.discount_amount, line.currency).as_dict(),
        "list_price": Money(line.list_amount, line.currency).as_dict(),
        "reference": Money(line.reference_amount, line.currency).as_dict() if line.reference_amount else None,
        "offer": str(line.offer_id) if line.offer_id else None,
        "release_at": unix_ms(line.release_at) if line.release_at else None,
        "tax": tax_of(line),
    }


def charges_of(order: Order) -> Body:
    """Return what of an order's total is shipping and what is tax; it is read with its lines."""
    shipping = Tax(order.shipping_tax_name, order.shipping_tax_bp, order.shipping_tax_amount)
    return taxes.body(
        currency=order.currency,
        shipping_name=order.shipping_name,
        shipping=order.shipping_amount,
        taxes=[*(_tax(line) for line in order.lines.all()), shipping],
        on_top=order.tax_on_top,
    )


def tax_of(line: OrderLine) -> Body | None:
    """Return a line's tax as it is told; None without one."""
    return taxes.tax_body(_tax(line), line.currency)


def _tax(line: OrderLine) -> Tax:
    return Tax(line.tax_name, line.tax_bp, line.tax_amount)


# --- merchants ---


def orders_of(*, merchant_id: UUID) -> QuerySet[Order]:
    """Return a merchant's orders that were paid; unpaid ones are not its business yet."""
    # An order that was cancelled before it was paid never reached its merchant.
    was_open = OrderMove.objects.filter(order=OuterRef("pk"), new=Order.Status.OPEN)
    return (
        Order.objects.filter(merchant_id=merchant_id)
        .exclude(status=Order.Status.PENDING)
        .filter(Exists(was_open))
        .select_related("purchase__stream", "cancellation", "merchant")
        .prefetch_related(
            Prefetch("lines", queryset=OrderLine.objects.order_by("id")),
            Prefetch("parcel_lines", queryset=PARCEL_LINES.select_related("shipment__location")),
        )
    )


def by_number(rows: QuerySet[Order], *, merchant_id: UUID, text: str) -> QuerySet[Order]:
    """Narrow to orders that are known by a number: an id, a purchase's, the merchant's own or a parcel's."""
    inside = ShipmentLine.objects.filter(merchant=merchant_id, shipment__tracking_number=text)
    found = Q(reference=text) | Q(pk__in=inside.values("order"))
    try:
        named = ids.read(text)
    except ValueError:
        return rows.filter(found)
    return rows.filter(found | Q(pk=named) | Q(purchase=named))


def order_of(*, merchant_id: UUID, order_id: UUID) -> Order:
    """Return one of a merchant's paid orders; raises UnknownOrder."""
    found = orders_of(merchant_id=merchant_id).filter(pk=order_id).first()
    if found is None:
        raise UnknownOrder
    return found


def check_orders(*, merchant_id: UUID, order_ids: Collection[UUID]) -> None:
    """Raise UnknownOrder unless all of these are paid orders of the merchant's; in one statement."""
    if orders_of(merchant_id=merchant_id).filter(pk__in=order_ids).count() < len(order_ids):
        raise UnknownOrder


def contact_of(order: Order) -> Body | None:
    """Return where an order's parcel goes, as its merchant may know; None once it is cancelled or erased."""
    if order.status == Order.Status.CANCELLED or order.contact_erased_at is not None:
        return None
    return dict(order.purchase.ship_to)


def shipments_of(*, merchant_id: UUID) -> QuerySet[Shipment]:
    """Return a merchant's parcels with what is in them."""
    lines = ShipmentLine.objects.select_related("line").order_by("line_id")
    mine = Shipment.objects.filter(merchant_id=merchant_id)
    return mine.select_related("location").prefetch_related(Prefetch("lines", queryset=lines))


def shipment_of(*, merchant_id: UUID, shipment_id: UUID) -> Shipment:
    """Return one of a merchant's parcels; raises UnknownShipment."""
    found = shipments_of(merchant_id=merchant_id).filter(pk=shipment_id).first()
    if found is None:
        raise UnknownShipment
    return found


def origins_of(*, merchant_id: UUID) -> list[tuple[str, str]]:
    """Return the codes and names of locations that parcels can leave, the main one first; none where there is
    no choice.
    """
    mine = Location.objects.filter(merchant=merchant_id, is_active=True).order_by("-is_main", "name", "id")
    found = list(mine.values_list("code", "name"))
    return found if len(found) > 1 else []


# --- hosts ---


def sales_of_stream(*, stream_id: UUID, host_id: UUID) -> Body:
    """Return what a host has sold in a show: paid units, revenue and commission so far, in all and per item.

    Money is a list with one entry per currency. Another host's show has sold nothing.
    """
    paid = OrderLine.objects.filter(
        stream_id=stream_id, host_id=host_id, order__purchase__status=Purchase.Status.PAID
    )
    sold = paid.values("item_id", "currency").annotate(units=Sum("quantity"), revenue=Sum("amount"))
    earned = (
        Commission.objects.filter(stream_id=stream_id, host_id=host_id)
        .exclude(status=Commission.Status.REVERSED)
        .values("line__item_id", "currency")
        .annotate(amount=Sum(F("amount") - F("reversed_amount")))
    )
    commission = {(row["line__item_id"], row["currency"]): row["amount"] for row in earned}
    items: dict[UUID, Body] = {}
    revenue: dict[str, int] = defaultdict(int)
    total_commission: dict[str, int] = defaultdict(int)
    for row in sold:
        currency, item_id = row["currency"], row["item_id"]
        owed = commission.get((item_id, currency), 0)
        item = items.setdefault(item_id, {"item": str(item_id), "units": 0, "revenue": [], "commission": []})
        item["units"] += row["units"]
        item["revenue"].append(Money(row["revenue"], currency).as_dict())
        item["commission"].append(Money(owed, currency).as_dict())
        revenue[currency] += row["revenue"]
        total_commission[currency] += owed
    return {
        "units": sum(item["units"] for item in items.values()),
        "purchases": paid.values("order__purchase").distinct().count(),
        "revenue": [Money(amount, currency).as_dict() for currency, amount in sorted(revenue.items())],
        "commission": [
            Money(amount, currency).as_dict() for currency, amount in sorted(total_commission.items())
        ],
        "items": list(items.values()),
    }
