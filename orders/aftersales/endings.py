"""How a dispute ends: what the bank gives back of what it took, all of it or a part.

What was taken is borne by those who had it, as the dispute's lines say, and what nobody had any more by the
platform. It comes back the other way round: first what nobody had, as what the buyer was refunded before,
then shipping, then goods, to each in proportion to what she bears of it. So after a part has come back it
stands as if the bank had taken only the rest.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db.models import F

from commerce import money
from orders import pricing
from orders.aftersales import refunding
from orders.books import commissions, postings
from orders.models import Dispute, DisputeLine, Order, OrderLine, Purchase, Refund, ShippingBack
from orders.settling import banked

log = structlog.get_logger(__name__)


# How the provider calls it, and what it means.
_WORDS = {
    "needs_response": "answer it",
    "warning_needs_response": "answer the inquiry",
    "under_review": "the bank decides",
    "warning_under_review": "the bank looks at it",
    "warning_closed": "inquiry closed",
}


def words(row: Dispute) -> str:
    """Say in words how a dispute stands; one that gave back a part is lost in part."""
    if row.status in ("won", "lost") and 0 < row.reinstated_amount < row.withdrawn_amount:
        return "lost in part"
    return _WORDS.get(row.status, row.status)


def reinstate(row: Dispute, *, total: int, now: datetime) -> bool:
    """Book what a bank has given back of a dispute, `total` minor units so far; the purchase is locked.

    False for a second part that is not all of the rest: nothing is booked.
    """
    whole = total == row.withdrawn_amount
    if not whole and row.reinstated_amount:
        return False
    part = total - row.reinstated_amount
    bore = postings.dispute_borne(row)
    row.reinstated_amount = total
    if whole:
        # The lines stay, as they tell what was taken; they count no more.
        row.reinstated_at = now
        commissions.give_back(row.lines.all())
        postings.dispute_reinstated(row, bore)
    else:
        _shrink(row)
        postings.dispute_partly_reinstated(row, bore - postings.dispute_borne(row))
    row.save(update_fields=["reinstated_amount", "reinstated_at"])
    log.info("dispute.reinstated", dispute=row.provider_id, amount=part, whole=whole)
    return True


def owe_again(row: Dispute, *, purchase: Purchase, now: datetime) -> None:
    """Owe the buyer what is hers of money that a bank has given back; the purchase is locked. Repeated it
    owes nothing more.
    """
    banked.undo(payment_id=row.payment_id, now=now)
    _owe_what_was_dropped(purchase, now)


def _shrink(row: Dispute) -> None:
    """Leave of what a dispute took of lines and shipping what the bank has still."""
    kept = row.withdrawn_amount - row.reinstated_amount
    lines = list(DisputeLine.objects.select_for_update().filter(dispute=row).order_by("id"))
    parcels = list(ShippingBack.objects.select_for_update().filter(dispute=row).order_by("id"))
    of_goods = sum(each.amount for each in lines)
    of_shipping = sum(each.amount for each in parcels)
    back_of_goods = max(of_goods - kept, 0)
    back_of_shipping = max(of_goods + of_shipping - kept - back_of_goods, 0)
    for line, part in zip(lines, _shared(back_of_goods, lines), strict=True):
        if part:
            _give_line_back(line, part)
    for parcel, part in zip(parcels, _shared(back_of_shipping, parcels), strict=True):
        if part == parcel.amount:
            parcel.delete()
        elif part:
            parcel.tax_amount -= parcel.tax_amount * part // parcel.amount
            parcel.amount -= part
            parcel.save(update_fields=["amount", "tax_amount"])


def _shared(amount: int, rows: Sequence[DisputeLine] | Sequence[ShippingBack]) -> list[int]:
    return money.share(amount, [row.amount for row in rows]) if amount else [0] * len(rows)


def _give_line_back(line: DisputeLine, part: int) -> None:
    merchant = line.amount - line.host_amount - line.platform_amount
    back = pricing.taken_back(part, of=pricing.Shares(merchant, line.host_amount, line.platform_amount))
    commissions.give_part_back(line, back.host)
    line.amount -= part
    line.host_amount -= back.host
    line.platform_amount -= back.platform
    line.save(update_fields=["amount", "host_amount", "platform_amount"])


def _owe_what_was_dropped(purchase: Purchase, now: datetime) -> None:
    """Owe the buyer what was cancelled while the bank had its money, and so goes nowhere: an order, or
    the rest of one that went out in part.
    """
    if purchase.status != Purchase.Status.PAID:
        return
    for order in Order.objects.filter(purchase=purchase).order_by("id"):
        lines = OrderLine.objects.filter(order=order).order_by("id")
        owed: list[refunding.Wanted] = []  # None named: all of it.
        if order.status == Order.Status.CANCELLED:
            if not lines.filter(refunded_quantity__lt=F("quantity")).exists():
                continue
        else:
            dropped = lines.filter(refunded_quantity__lt=F("dropped_quantity"))
            owed = [
                refunding.Wanted(line.id, line.dropped_quantity - line.refunded_quantity) for line in dropped
            ]
            if not owed:
                continue
        try:
            refunding.refund(
                merchant_id=order.merchant_id,
                order_id=order.id,
                reason="cancelled, and the bank gave the money back",
                actor=refunding.SYSTEM,
                now=now,
                lines=owed,
                kind=Refund.Kind.CANCEL,
            )
        except (refunding.NothingLeft, refunding.Disputed):
            continue
