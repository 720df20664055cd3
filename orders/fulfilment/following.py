"""What follows: orders acknowledged, parcels corrected, delivered, or taken back as they do not go."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from orders import moves, queries
from orders.fulfilment import origins
from orders.fulfilment.locks import Sale, lock_parcel
from orders.fulfilment.refusals import BadMoment, NotOnItsWay
from orders.models import Order, OrderLine, Shipment, ShipmentLine

Status = Order.Status


def acknowledge(*, merchant_id: UUID, order_id: UUID, reference: str | None, now: datetime) -> Order:
    """Record that the merchant's system has an order, under its own number if it names one; again changes the
    number alone. Raises UnknownOrder.
    """
    with transaction.atomic():
        queries.check_orders(merchant_id=merchant_id, order_ids={order_id})
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id, merchant_id=merchant_id)
        wanted = order.reference if reference is None else reference
        if order.acknowledged_at is None or order.reference != wanted:
            order.acknowledged_at = order.acknowledged_at or now
            order.reference, order.updated_at = wanted, now
            order.save(update_fields=["acknowledged_at", "reference", "updated_at"])
        return order


def relabel(*, merchant_id: UUID, shipment_id: UUID, now: datetime, **changes: str) -> Shipment:
    """Correct a parcel's carrier, `tracking_number` or `tracking_url`, and have its buyer told; raises
    UnknownShipment.
    """
    with transaction.atomic():
        shipment, sales = lock_parcel(merchant_id, shipment_id)
        fresh = {name: text for name, text in changes.items() if getattr(shipment, name) != text}
        if fresh:
            for name, text in fresh.items():
                setattr(shipment, name, text)
            shipment.save(update_fields=list(fresh))
            tell(sales, "parcel corrected", now)
        return shipment


def deliver(
    *, merchant_id: UUID, shipment_id: UUID, delivered_at: datetime | None, now: datetime
) -> Shipment:
    """Record that a parcel is there, by default now, and have its buyer told; again changes nothing.

    An order is delivered when all of it is. Raises UnknownShipment, NotOnItsWay, BadMoment.
    """
    with transaction.atomic():
        shipment, sales = lock_parcel(merchant_id, shipment_id)
        if shipment.delivered_at is not None:
            return shipment
        if any(sale.order.status == Status.SHIPPING for sale in sales):
            raise NotOnItsWay
        at = delivered_at or now
        if at > now or any(at < sale.order.created_at for sale in sales):
            raise BadMoment
        shipment.delivered_at = at
        shipment.save(update_fields=["delivered_at"])
        for sale in sales:
            go_on(sale.order, now=now)
        tell(sales, "parcel delivered", now)
        return shipment


def go_on(order: Order, *, now: datetime) -> None:
    """Move a locked order that was sent in part to shipped if nothing is left to go out, and to delivered if
    all its parcels are there.
    """
    if order.status == Status.PARTLY_SHIPPED and not has_more(order):
        moves.order(order, new=Status.SHIPPED, now=now)
    if order.status == Status.SHIPPED:
        parcels = Shipment.objects.filter(lines__order=order)
        if not parcels.filter(delivered_at=None).exists():
            moves.order(order, new=Status.DELIVERED, now=now)


def take_back(*, orders: Collection[Order]) -> list[ShipmentLine]:
    """Take what waited for the money out of locked orders' parcels; parcels with nothing else are no more.

    Returns what was in them, which `lay_back` has lie where it was, once the caller has locked the stock:
    their locations are kept open for it here.
    """
    found = ShipmentLine.objects.filter(order__in=orders)
    lines = list(found.select_related("line", "shipment").order_by("id"))
    if not lines:
        return []
    found.delete()
    OrderLine.objects.filter(order__in=orders).update(shipped_quantity=0)
    parcels = {each.shipment_id for each in lines}
    Shipment.objects.filter(pk__in=parcels, lines=None).delete()
    origins.keep_open(lines)
    return lines


def has_more(order: Order) -> bool:
    """Say whether something of an order is to go out still."""
    lines = OrderLine.objects.filter(order=order)
    return lines.filter(quantity__gt=F("shipped_quantity") + F("dropped_quantity")).exists()


def tell(sales: Sequence[Sale], reason: str, now: datetime) -> None:
    """Have the buyers of locked orders told that something became of their parcels."""
    Order.objects.filter(pk__in=[sale.order.pk for sale in sales]).update(updated_at=now)
    for sale in sales:
        moves.note(sale.purchase, reason=reason, now=now)
