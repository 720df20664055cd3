"""What the merchants' doors of orders and parcels are about: how it looks, and the lock of its writers.

All that is said of it is the version: whoever acts on an order names the state that it has seen.
"""

from typing import Any
from uuid import UUID

from commerce import etags
from orders import fulfilment, queries
from orders.serializers import merchants, parcels


def order(merchant_id: UUID, order_id: UUID) -> etags.Resource:
    """Return one of a merchant's orders."""

    def look() -> Any:
        return merchants.OrderSerializer(queries.order_of(merchant_id=merchant_id, order_id=order_id)).data

    return etags.Resource(look, lambda: fulfilment.lock(merchant_id, [order_id]))


def shipment(merchant_id: UUID, shipment_id: UUID) -> etags.Resource:
    """Return one of a merchant's parcels."""

    def look() -> Any:
        row = queries.shipment_of(merchant_id=merchant_id, shipment_id=shipment_id)
        return parcels.ShipmentSerializer(row).data

    return etags.Resource(look, lambda: fulfilment.lock_parcel(merchant_id, shipment_id))
