"""Until when a buyer may cancel by herself, and send back; and how long what was earned is kept back."""

from datetime import datetime, timedelta

from commerce.models import RiskTier
from orders import states
from orders.models import Order, Purchase, parcels_of

# Days from the parcel's leaving until what a merchant and a host have of it may be paid out.
KEPT_BACK_DAYS: dict[str, int] = {RiskTier.LOW: 3, RiskTier.STANDARD: 7, RiskTier.HIGH: 15}
SENDABLE_BACK = states.SENT | {Order.Status.PARTLY_SHIPPED}
SENT_BACK_WITHIN = timedelta(days=30)  # From a return's approval until the goods have to be there.


def cancel_until(*, order: Order, purchase: Purchase, paid_at: datetime | None) -> datetime | None:
    """Return until when a buyer may cancel an order by herself, None when she may not at all.

    What was paid, for as long as its merchant says. A pre-order until its release: nothing was charged.
    """
    if order.status != Order.Status.OPEN:
        return None
    if purchase.status == Purchase.Status.AUTHORIZED:
        return max((line.release_at for line in order.lines.all() if line.release_at), default=None)
    if paid_at is None or not order.merchant.cancel_seconds:
        return None
    return paid_at + timedelta(seconds=order.merchant.cancel_seconds)


def return_until(*, order: Order) -> datetime | None:
    """Return until when goods of an order may be sent back, None when they may not; it was read with parcels.

    Counted from the last parcel's leaving, or where a parcel's arrival is known and later, from that.
    """
    moments = [each.shipment.delivered_at or each.shipment.shipped_at for each in parcels_of(order)]
    moments += [each.shipment.shipped_at for each in parcels_of(order)]
    if order.status not in SENDABLE_BACK or not moments or not order.merchant.return_days:
        return None
    return max(moments) + timedelta(days=order.merchant.return_days)
