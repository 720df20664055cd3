from orders.models.carts import Cart, CartLine
from orders.models.payments import Payment, Refund
from orders.models.purchases import (
    Commission,
    Hold,
    Order,
    OrderLine,
    OrderMove,
    Purchase,
    PurchaseMove,
    Shipment,
)

__all__ = [
    "Cart",
    "CartLine",
    "Commission",
    "Hold",
    "Order",
    "OrderLine",
    "OrderMove",
    "Payment",
    "Purchase",
    "PurchaseMove",
    "Refund",
    "Shipment",
]
