"""Fulfilment: a merchant sends what was bought."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from commerce import errors, outbox
from orders import moves, queries
from orders.models import Cancellation, Order, Purchase, Shipment
from streams.bodies import unix_ms


class NotPaid(errors.Conflict):
    """Only a paid order that has not gone out can be shipped."""

    code = "ORDER_NOT_OPEN"
    message = "This order is not waiting to be shipped."


class NotReleased(errors.Conflict):
    """A pre-order goes out at its release; `release_at` says when, in Unix milliseconds."""

    code = "NOT_RELEASED"
    message = "This is a pre-order. It may be shipped from its release on."


class CancellationAsked(errors.Conflict):
    """Its buyer waits for an answer: cancelled, or refused with a word."""

    code = "CANCELLATION_ASKED"
    message = "The buyer has asked to cancel this order. Cancel it, or refuse to, before it is shipped."


def ship(
    *,
    merchant_id: UUID,
    order_id: UUID,
    carrier: str,
    tracking_number: str,
    tracking_url: str,
    now: datetime,
) -> Order:
    """Record the parcel of an order and tell the buyer; the same parcel again changes nothing.

    A pre-order is `shipping` until its money is taken; then it is `shipped`, or `cancelled` where the card
    does not keep its promise. Raises UnknownOrder, NotPaid, NotReleased, CancellationAsked.
    """
    with transaction.atomic():
        known = queries.order_of(merchant_id=merchant_id, order_id=order_id)
        purchase = Purchase.objects.select_for_update(no_key=True).get(pk=known.purchase_id)
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id, merchant_id=merchant_id)
        parcel = {"carrier": carrier, "tracking_number": tracking_number, "tracking_url": tracking_url}
        gone = (Order.Status.SHIPPED, Order.Status.SHIPPING)
        if order.status in gone and order.shipments.filter(**parcel).exists():
            return order
        if order.status != Order.Status.OPEN:
            raise NotPaid(status=order.status)
        if order.has_claims and Cancellation.objects.filter(order=order, status="asked").exists():
            raise CancellationAsked
        released: datetime | None = order.lines.aggregate(at=Max("release_at"))["at"]
        if released is not None and now < released:
            raise NotReleased(release_at=unix_ms(released))
        Shipment.objects.create(merchant_id=merchant_id, order=order, shipped_at=now, **parcel)
        if purchase.status == Purchase.Status.AUTHORIZED:
            outbox.record(
                name="capture.asked",
                payload={"purchase": str(purchase.pk)},
                key=f"capture.asked:{order.pk}",
            )
            moves.order(order, new=Order.Status.SHIPPING, now=now)
        else:
            moves.order(order, new=Order.Status.SHIPPED, now=now)
        moves.note(purchase, reason="parcel recorded", now=now)
        return order
