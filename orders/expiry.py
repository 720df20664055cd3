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
    """End a purchase whose hold time is over; one that is locked is left for the next sweep.

    Raises what the gateway raises; then a charge may be in flight, and the units stay held.
    """
    in_flight = transactions.run(lambda: _end(purchase_id, now))
    if in_flight is None:
        return
    Payment.objects.filter(pk=in_flight.pk).update(checked_at=now)
    provider_id = in_flight.provider_id
    if provider_id is None:
        # Sent, and nothing heard. It is not asked for again, which might charge the buyer now.
        customer = in_flight.card.user.customer.provider_id
        found = gateway.find(payment_id=in_flight.id, customer=customer)
        if found is None:
            log.warning("payment.never_arrived", payment=str(in_flight.id))
            payments.give_up(payment_id=in_flight.id, now=now)
            return
        provider_id = found.id
    payments.apply(intent=gateway.cancel(provider_id), now=now)


def _end(purchase_id: UUID, now: datetime) -> Payment | None:
    purchase = (
        Purchase.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=purchase_id, status__in=states.UNPAID, hold_until__lte=now)
        .first()
    )
    if purchase is None:
        return None
    alive = purchase.payments.filter(status__in=states.ALIVE).select_related("card__user__customer")
    payment = alive.first()
    if payment is None:
        payments.close(purchase, now=now)
    elif payment.status == Payment.Status.CREATED:
        payments.cancelled(purchase, payment, now)
    else:
        return payment
    return None
