"""Pre-orders: the money that a card has promised is taken when the parcel is ready, once however often asked.

No lock is held while the provider is asked; `payments.apply` takes in what it says. A promise that is not
kept ends the purchase: its units go back, its order is cancelled, and the buyer has paid nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from commerce import faults, gateway
from orders import states
from orders.models import Order, Payment, Purchase
from orders.settling import attempts, payments

log = structlog.get_logger(__name__)

TAKEN_WITHIN = timedelta(seconds=15)  # A parcel whose money no task took by then was lost on the way.
LOOKED_AT_EVERY = timedelta(hours=1)  # The provider tells when a promise ends; its notice may be lost.


def capture(*, purchase_id: UUID, now: datetime) -> None:
    """Take the money of a pre-order whose parcel is ready, and apply the answer.

    Does nothing when there is nothing to take. Raises Unavailable, UnknownOutcome, Refused, Mismatch: the
    next call goes on. A payment that the provider does not know any more ends the purchase.
    """
    payment = Payment.objects.filter(
        purchase_id=purchase_id,
        status=Payment.Status.AUTHORIZED,
        purchase__orders__status=Order.Status.SHIPPING,
    ).first()
    if payment is None or payment.provider_id is None:
        return
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)
    faults.reach("capture.before_send")
    try:
        intent = gateway.capture(payment.provider_id)
        if intent.status in ("held", "declined"):
            # It would not be taken, and is not asked for again behind the buyer's back.
            log.warning("capture.failed", payment=str(payment.id), intent=intent.id)
            intent = gateway.cancel(intent.id)
    except gateway.Missing:
        payments.gone(payment_id=payment.id, now=now)
        return
    faults.reach("capture.after_send")
    payments.apply(intent=intent, now=now)
    faults.reach("capture.after_apply")


def let_go(*, payment_id: UUID, now: datetime) -> None:
    """End at the provider what nobody wants any more: a promise that came too late, or a declined charge that
    another card could still pay. What it says then is applied: money may have been faster. Raises what the
    gateway raises, Mismatch.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.provider_id is not None and payment.status not in states.ALIVE:
        payments.apply(intent=gateway.cancel(payment.provider_id), now=now)


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return pre-orders whose parcels are ready and whose money nobody is taking."""
    waiting = Purchase.objects.filter(
        status=Purchase.Status.AUTHORIZED,
        orders__status=Order.Status.SHIPPING,
        orders__updated_at__lt=now - TAKEN_WITHIN,
    )
    asked = Payment.objects.filter(
        status=Payment.Status.AUTHORIZED, checked_at__gte=now - attempts.ASKED_AGAIN_AFTER
    )
    rows = waiting.exclude(payments__in=asked).exclude(pk__in=without).order_by("id").distinct()
    return list(rows.values_list("id", flat=True)[:limit])


def unchecked(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return promised payments that the provider was not asked about for a while."""
    rows = Payment.objects.filter(status=Payment.Status.AUTHORIZED, checked_at__lt=now - LOOKED_AT_EVERY)
    return list(rows.exclude(pk__in=without).order_by("checked_at").values_list("id", flat=True)[:limit])
