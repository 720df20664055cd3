from orders.models.aftersales import (
    Cancellation,
    Dispute,
    DisputeLine,
    Return,
    ReturnLine,
    ReturnMove,
    ShippingBack,
)
from orders.models.carts import (
    GUEST_LINES,
    Cart,
    CartHold,
    CartHolder,
    CartLine,
    CartPolicy,
    GuestCart,
    Hoarder,
)
from orders.models.commission import Commission, CommissionBack
from orders.models.discrepancies import Discrepancy
from orders.models.holds import Hold
from orders.models.orders import Order, OrderLine, OrderMove
from orders.models.parcels import Parcel, Shipment, ShipmentLine, parcels_of
from orders.models.payments import Payment, Refund, RefundLine
from orders.models.payouts import Payout, PayoutLeg, Proceeds, Reversal
from orders.models.purchases import Purchase, PurchaseMove
from orders.models.reconciling import Mark, Movement
from orders.models.tariffs import ShippingCountry, ShippingRate, ShippingZone, TaxPolicy, TaxRate
from orders.models.waitlist import WaitlistEntry
from orders.models.work import Setback

__all__ = [
    "GUEST_LINES",
    "Cancellation",
    "Cart",
    "CartHold",
    "CartHolder",
    "CartLine",
    "CartPolicy",
    "Commission",
    "CommissionBack",
    "Discrepancy",
    "Dispute",
    "DisputeLine",
    "GuestCart",
    "Hoarder",
    "Hold",
    "Mark",
    "Movement",
    "Order",
    "OrderLine",
    "OrderMove",
    "Parcel",
    "Payment",
    "Payout",
    "PayoutLeg",
    "Proceeds",
    "Purchase",
    "PurchaseMove",
    "Refund",
    "RefundLine",
    "Return",
    "ReturnLine",
    "ReturnMove",
    "Reversal",
    "Setback",
    "Shipment",
    "ShipmentLine",
    "ShippingBack",
    "ShippingCountry",
    "ShippingRate",
    "ShippingZone",
    "TaxPolicy",
    "TaxRate",
    "WaitlistEntry",
    "parcels_of",
]
