"""Purchases that were not paid in time: their units go back, unless a charge is in flight.

A charge in flight is ended at the provider first; what the provider then says, decides. So units are never
both given back and paid for.
"""

from datetime import datetime
from uuid import UUID

import structlog

from commerce import gateway
from orders import charging, payments, states, transactions
from orders.models import Payment, Purchase

log = structlog.get_logger(__name__)


def due(*, now: datetime, limit: int) -> list[UUID]:
    """Return purchases whose hold time is over, oldest first, less those just asked about at the provider."""
    over = Purchase.objects.filter(status__in=states.UNPAID, hold_until__lte=now)
    asked = Payment.objects.filter(
        status__in=states.IN_FLIGHT, checked_at__gte=now - charging.ASKED_AGAIN_AFTER
    )
    over = over.exclude(payments__in=asked)
    return list(over.order_by("hold_until").values_list("id", flat=True)[:limit])


def expire(*, purchase_id: UUID, now: datetime) -> None:
    """End a purchase whose hold time is over; one that is locked is left for the next sweep."""
    in_flight = transactions.run(lambda: _end(purchase_id, now))
    if in_flight is None:
        return
    if in_flight.provider_id is None:
        # Sent, and nothing heard: the same key tells what became of it. Only then can it be ended.
        charging.charge(purchase_id=purchase_id, now=now)
        return
    Payment.objects.filter(pk=in_flight.pk).update(checked_at=now)
    payments.apply(intent=gateway.cancel(in_flight.provider_id), now=now)


def _end(purchase_id: UUID, now: datetime) -> Payment | None:
    purchase = (
        Purchase.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=purchase_id, status__in=states.UNPAID, hold_until__lte=now)
        .first()
    )
    if purchase is None:
        return None
    payment = purchase.payments.filter(status__in=states.ALIVE).first()
    if payment is None:
        payments.close(purchase, now=now)
    elif payment.status == Payment.Status.CREATED:
        payments.cancelled(purchase, payment, now)
    else:
        return payment
    return None
