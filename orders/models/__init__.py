from orders.models.carts import Cart, CartHold, CartLine, CartPolicy, Hoarder
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
from orders.models.waitlist import WaitlistEntry

__all__ = [
    "Cart",
    "CartHold",
    "CartLine",
    "CartPolicy",
    "Commission",
    "Hoarder",
    "Hold",
    "Order",
    "OrderLine",
    "OrderMove",
    "Payment",
    "Purchase",
    "PurchaseMove",
    "Refund",
    "Shipment",
    "WaitlistEntry",
]
