"""Fulfilment: a merchant sends what was bought."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from commerce import errors
from orders import moves, queries
from orders.models import Order, Shipment


class NotPaid(errors.Conflict):
    """Only a paid order that has not gone out can be shipped."""

    code = "ORDER_NOT_OPEN"
    message = "This order is not waiting to be shipped."


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

    Raises UnknownOrder, NotPaid.
    """
    with transaction.atomic():
        queries.order_of(merchant_id=merchant_id, order_id=order_id)
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id, merchant_id=merchant_id)
        parcel = {"carrier": carrier, "tracking_number": tracking_number, "tracking_url": tracking_url}
        if order.status == Order.Status.SHIPPED and order.shipments.filter(**parcel).exists():
            return order
        if order.status != Order.Status.OPEN:
            raise NotPaid(status=order.status)
        Shipment.objects.create(merchant_id=merchant_id, order=order, shipped_at=now, **parcel)
        return moves.order(order, new=Order.Status.SHIPPED, now=now)
