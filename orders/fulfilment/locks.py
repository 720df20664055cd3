"""The locks of whoever acts on orders and parcels: purchases, orders, their lines, then the parcel.

A location is kept open after them, and stock is locked last, each in the order of their ids.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from orders import queries
from orders.models import Order, OrderLine, Purchase, Shipment, ShipmentLine


@dataclass(frozen=True, slots=True)
class Sale:
    """A locked order with its purchase and its lines, locked as well."""

    order: Order
    purchase: Purchase
    lines: dict[UUID, OrderLine]

    @property
    def left(self) -> Counter[UUID]:
        """Units per line that are to go out still."""
        return +Counter({line.id: line.to_ship for line in self.lines.values()})


def lock(merchant_id: UUID, order_ids: Collection[UUID]) -> dict[UUID, Sale]:
    """Lock a merchant's orders, after their purchases as everywhere, each in the order of their ids."""
    rows = Purchase.objects.select_for_update(no_key=True, of=("self",)).order_by("id")
    wanted = list(set(order_ids))
    purchases = {row.pk: row for row in rows.filter(orders__in=wanted, orders__merchant=merchant_id)}
    orders = Order.objects.select_for_update(no_key=True).filter(pk__in=wanted, merchant_id=merchant_id)
    found = {order.pk: Sale(order, purchases[order.purchase_id], {}) for order in orders.order_by("id")}
    lines = OrderLine.objects.select_for_update(no_key=True).filter(order__in=list(found))
    for line in lines.order_by("id"):
        found[line.order_id].lines[line.id] = line
    return found


def lock_parcel(merchant_id: UUID, shipment_id: UUID) -> tuple[Shipment, list[Sale]]:
    """Lock a parcel, after the orders that it has something of; raises UnknownShipment."""
    known = ShipmentLine.objects.filter(merchant_id=merchant_id, shipment_id=shipment_id)
    sales = lock(merchant_id, set(known.values_list("order_id", flat=True)))
    rows = Shipment.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk=shipment_id)
    shipment = rows.first()
    if shipment is None:
        raise queries.UnknownShipment
    return shipment, list(sales.values())
