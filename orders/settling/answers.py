"""What an answer of the provider means for a payment and its purchase, both locked.

An end is never undone, except that captured money always finds its place, on the purchase or back to the
buyer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from commerce import errors, gateway, outbox
from commerce.money import Money
from orders import fulfilment, holds, moves, states
from orders.books import postings
from orders.models import Order, OrderLine, Payment, Purchase
from orders.settling import discrepancies, refunds

log = structlog.get_logger(__name__)
Status = Payment.Status

MAX_ATTEMPTS = 5  # Cards tried for one purchase.
RETURNED_LATE = "The payment came too late for this purchase and was given back in full."


def check(payment: Payment, intent: gateway.Intent) -> None:
    """Hold an answer against what was asked; raises Mismatch."""
    ours, kind, theirs = Money(payment.amount, payment.currency), discrepancies.Kind.PAYMENT, intent.amount
    if payment.provider_id not in (None, intent.id):
        what = f"payment {payment.id} has another intent than {payment.provider_id}"
        if intent.received.amount:
            kind, theirs = discrepancies.Kind.SECOND_CHARGE, intent.received
    elif intent.amount != ours:
        what = f"payment {payment.id} is over another amount"
    elif intent.status == "succeeded" and intent.received != ours:
        what, theirs = f"of payment {payment.id} another amount was taken", intent.received
    else:
        return
    raise discrepancies.Mismatch(
        discrepancies.Difference(
            kind=kind, provider_id=intent.id, what=what, ours=ours, theirs=theirs, payment_id=payment.id
        )
    )


def take_in(purchase: Purchase, payment: Payment, intent: gateway.Intent, now: datetime) -> bool:
    """Apply a checked answer; says whether it pays the purchase, which is left to `pay`."""
    if payment.provider_id is None and intent.status != "succeeded":
        Payment.objects.filter(pk=payment.pk).update(provider_id=intent.id)
        payment.provider_id = intent.id
    match intent.status:
        case "succeeded":
            return _captured(purchase, payment, intent, now)
        case "requires_action":
            _action_required(purchase, payment, now)
        case "declined":
            decline(
                purchase, payment, now, decline_code=intent.decline_code or "", message=intent.message or ""
            )
        case "cancelled":
            cancelled(purchase, payment, now)
        case "held":
            _authorized(purchase, payment, now)
        case "processing":
            pass
    return False


def pay(paid: Sequence[tuple[Purchase, Payment, gateway.Intent]], now: datetime) -> None:
    """Make purchases paid by captured money, which their holds are still there for."""
    purchases = [purchase for purchase, _, _ in paid]
    moves.captured({payment: (intent.id, intent.charge_id or "") for _, payment, intent in paid}, now=now)
    moves.purchases(purchases, new=Purchase.Status.PAID, now=now)
    holds.keep(purchases=purchases, now=now)
    moves.paid(purchases, now=now)
    postings.sale(purchases, [payment for _, payment, _ in paid])


def decline(purchase: Purchase, payment: Payment, now: datetime, *, decline_code: str, message: str) -> None:
    """End a declined payment; without a grace the caller releases what is held."""
    if Status.DECLINED not in states.PAYMENT[payment.status]:
        return
    moves.payment(
        payment, new=Status.DECLINED, now=now, decline_code=decline_code[:80], message=message[:300]
    )
    grace = _grace(purchase, payment, now)
    moves.purchase(purchase, new=Purchase.Status.DECLINED, reason=decline_code, now=now, grace_until=grace)
    if payment.provider_id is not None:
        # Another card is another intent. Left open, this one could be paid too by whoever has its secret.
        _let_go("intent.unwanted", payment)


def is_over(purchase: Purchase) -> bool:
    """Say whether a purchase was declined and keeps nothing for another card."""
    return purchase.status == Purchase.Status.DECLINED and purchase.grace_until is None


def cancelled(purchase: Purchase, payment: Payment, now: datetime) -> None:
    """End an unfinished payment and its purchase, and give the units back. The purchase is locked."""
    if payment.status not in states.ALIVE or payment.status == Status.SUCCEEDED:
        return
    moves.payment(payment, new=Status.CANCELLED, now=now)
    close(purchase, now=now)


def close(purchase: Purchase, *, now: datetime) -> None:
    """End a locked, unpaid purchase without a payment under way, and give its units back."""
    promised = purchase.status == Purchase.Status.AUTHORIZED
    if purchase.status not in states.UNPAID and not promised:
        return
    in_time = promised or now < purchase.hold_until
    over = "authorisation ended" if promised else "payment cancelled"
    moves.purchase(
        purchase,
        new=Purchase.Status.CANCELLED if in_time else Purchase.Status.EXPIRED,
        reason=over if in_time else "not paid in time",
        now=now,
    )
    orders = _orders(purchase)
    for order in orders:
        moves.order(order, new=Order.Status.CANCELLED, now=now)
    # A parcel that waited for the money does not go out.
    waited = fulfilment.take_back(orders=orders)
    # Last, because everybody wants the stock; that of what lies there again is locked with the rest.
    holds.release(purchase=purchase, now=now, all_stock=bool(waited))
    fulfilment.lay_back(waited, now=now)


def held_at_most(purchase: Purchase) -> datetime:
    """Return when a purchase's units go back at the latest, whatever its buyer and her bank still do."""
    return purchase.created_at + timedelta(seconds=settings.HOLD_MOST_SECONDS)


def _authorized(purchase: Purchase, payment: Payment, now: datetime) -> None:
    """The card has promised the money of a pre-order: the units stay held, and the merchant may ship."""
    if payment.status in (Status.AUTHORIZED, Status.SUCCEEDED, Status.RETURNED):
        return
    if payment.status not in states.ALIVE or purchase.status not in states.UNPAID:
        # Too late: the promise is given back, so that it blocks nothing on the buyer's card.
        _let_go("authorization.unwanted", payment)
        return
    moves.payment(payment, new=Status.AUTHORIZED, now=now, checked_at=now)
    moves.purchase(purchase, new=Purchase.Status.AUTHORIZED, now=now)
    for order in _orders(purchase):
        moves.order(order, new=Order.Status.OPEN, now=now)


def _captured(purchase: Purchase, payment: Payment, intent: gateway.Intent, now: datetime) -> bool:
    """Say whether captured money pays its purchase; if not it is given back."""
    if payment.status in (Status.SUCCEEDED, Status.RETURNED):
        return False
    if _units_for(purchase, payment, now):
        return True
    facts = {"provider_id": intent.id, "charge_id": intent.charge_id or "", "decline_code": ""}
    moves.payment(payment, new=Status.RETURNED, now=now, **facts, message=RETURNED_LATE)
    postings.capture([payment])
    refunds.owe(payment=payment, amount=payment.amount, reason="captured too late", now=now)
    moves.note(purchase, reason="payment returned", now=now)
    return False


def _units_for(purchase: Purchase, payment: Payment, now: datetime) -> bool:
    """Say whether the captured money can pay the purchase, taking released units again where it can."""
    # One is alive at most (payment_one_alive_per_purchase): if it is not this one, another may be.
    if payment.status not in states.ALIVE and purchase.payments.filter(status__in=states.ALIVE).exists():
        return False
    if purchase.status in states.UNPAID or purchase.status == Purchase.Status.AUTHORIZED:
        return True
    if purchase.grace_until is not None:
        return True  # Declined, and its units are still held.
    if purchase.status == Purchase.Status.PAID or purchase.erased_at is not None:
        return False  # Of what is erased nobody knows where it would go.
    try:
        with transaction.atomic():
            holds.retake(purchase=purchase, now=now)
    except errors.Refusal as refusal:
        log.warning("payment.too_late", purchase=str(purchase.id), code=refusal.code)
        return False
    return True


def _action_required(purchase: Purchase, payment: Payment, now: datetime) -> None:
    if Status.ACTION_REQUIRED not in states.PAYMENT[payment.status]:
        return
    moves.payment(payment, new=Status.ACTION_REQUIRED, now=now, checked_at=now)
    # Once in an attempt, as the move cannot happen a second time, and never past the purchase's own end.
    longer = min(now + timedelta(seconds=settings.HOLD_SECONDS), held_at_most(purchase))
    moves.purchase(
        purchase,
        new=Purchase.Status.ACTION_REQUIRED,
        now=now,
        hold_until=max(purchase.hold_until, longer),
    )


def _grace(purchase: Purchase, payment: Payment, now: datetime) -> datetime | None:
    """Return until when a declined purchase keeps its units: the longest that its offers give, and never past
    its own end. None when there is none, or no other card may be tried.
    """
    if payment.number >= MAX_ATTEMPTS:
        return None
    offers = OrderLine.objects.filter(order__purchase=purchase, offer__isnull=False)
    seconds = offers.aggregate(longest=Max("offer__grace_seconds"))["longest"] or 0
    until = min(now + timedelta(seconds=seconds), held_at_most(purchase))
    return until if until > now else None


def _let_go(name: str, payment: Payment) -> None:
    outbox.record(name=name, payload={"payment": str(payment.id)}, key=f"{name}:{payment.id}")


def _orders(purchase: Purchase) -> list[Order]:
    return list(Order.objects.filter(purchase=purchase).order_by("id"))
