"""Purchases that were not paid in time: their units go back, unless a charge is in flight.

Most have no charge in flight; they end in batches, a few statements each. A charge in flight is ended at the
provider first; what the provider then says, decides. So units are never both given back and paid for.
"""

import time
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet

from commerce import faults, gateway
from orders import holds, moves, rounds, states, transactions
from orders.models import Order, Payment, Purchase
from orders.settling import attempts, payments

log = structlog.get_logger(__name__)

BATCH = 200
SECONDS = 20  # One sweep at most; the next one goes on.

IN_FLIGHT = states.ALIVE - {Payment.Status.CREATED}  # The provider may know of these.
REASON = "not paid in time"
GRACE_OVER = "no other card in time"


def sweep(*, now: datetime, until: float | None = None) -> int:
    """End the purchases whose hold time is over and that have no charge in flight, and the graces of declined
    ones; returns how many.

    Goes on until none is left, for SECONDS or `until` (of the steady clock). Raises Unavailable.
    """
    until = time.monotonic() + SECONDS if until is None else until

    def end_some(batch: Collection[UUID]) -> list[UUID]:
        ended = transactions.run(lambda: _end(batch, now), lock_timeout_ms=transactions.PATIENT_MS)
        faults.reach("expiry.committed")
        return ended

    def let_some_go(batch: Collection[UUID]) -> list[UUID]:
        return transactions.run(lambda: _let_go(batch, now), lock_timeout_ms=transactions.PATIENT_MS)

    return rounds.batches(
        kind="expired",
        find=lambda without: due(now=now, limit=BATCH, without=without),
        end_some=end_some,
        now=now,
        until=until,
    ) + rounds.batches(
        kind="graces",
        find=lambda without: _graces_over(now, without),
        end_some=let_some_go,
        now=now,
        until=until,
    )


def due(*, now: datetime, limit: int, without: Collection[str | UUID] = ()) -> list[UUID]:
    """Return purchases whose hold time is over without a charge in flight, oldest first."""
    sent = Payment.objects.filter(status__in=IN_FLIGHT)
    over = _over(now, without).exclude(payments__in=sent)
    return list(over.order_by("hold_until").values_list("id", flat=True)[:limit])


def in_flight(*, now: datetime, limit: int, without: Collection[str | UUID] = ()) -> list[UUID]:
    """Return purchases whose hold time is over with a charge in flight, oldest first, less those just asked
    about at the provider.
    """
    sent = Payment.objects.filter(_unasked(now), status__in=IN_FLIGHT)
    over = _over(now, without).filter(payments__in=sent)
    return list(over.order_by("hold_until").values_list("id", flat=True)[:limit])


def expire(*, purchase_id: UUID, now: datetime) -> None:
    """End a purchase whose hold time is over; one that is locked is left for the next sweep.

    Raises what the gateway raises; then a charge may be in flight, and the units stay held.
    """
    if transactions.run(lambda: _end([purchase_id], now), lock_timeout_ms=transactions.PATIENT_MS):
        return
    sent = Payment.objects.filter(
        status__in=IN_FLIGHT,
        purchase=purchase_id,
        purchase__status__in=states.UNPAID,
        purchase__hold_until__lte=now,
    )
    payment = sent.first()
    # Whoever writes down that it was asked, asks: two sweeps at once ask once.
    if payment is None:
        return
    unasked = Payment.objects.filter(_unasked(now), pk=payment.pk, status__in=IN_FLIGHT)
    if not unasked.update(checked_at=now):
        return
    provider_id = payment.provider_id
    if provider_id is None:
        # Sent, and nothing heard. It is not asked for again, which might charge the buyer now.
        found = gateway.find(payment_id=payment.id, customer=payment.customer)
        if found is None:
            log.warning("payment.never_arrived", payment=str(payment.id))
            payments.give_up(payment_id=payment.id, now=now)
            return
        provider_id = found.id
    payments.apply(intent=gateway.cancel(provider_id), now=now)


def _over(now: datetime, without: Collection[str | UUID]) -> QuerySet[Purchase]:
    return Purchase.objects.filter(status__in=states.UNPAID, hold_until__lte=now).exclude(pk__in=without)


def _unasked(now: datetime) -> Q:
    return Q(checked_at=None) | Q(checked_at__lt=now - attempts.ASKED_AGAIN_AFTER)


def _end(purchase_ids: Collection[UUID], now: datetime) -> list[UUID]:
    """End those of the purchases that are free, over and not being charged; returns which."""
    free = Purchase.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    locked = list(
        free.filter(pk__in=purchase_ids, status__in=states.UNPAID, hold_until__lte=now).order_by("id")
    )
    # A charge begins under the purchase's lock. Only a statement after that lock sees one begun before it.
    under_way = Payment.objects.filter(purchase__in=locked, status__in=IN_FLIGHT)
    sent = set(under_way.values_list("purchase_id", flat=True))
    ended = [purchase for purchase in locked if purchase.pk not in sent]
    if not ended:
        return []
    Payment.objects.filter(purchase__in=ended, status=Payment.Status.CREATED).update(
        status=Payment.Status.CANCELLED, finished_at=now
    )
    moves.purchases(ended, new=Purchase.Status.EXPIRED, reason=REASON, now=now)
    moves.orders(
        list(Order.objects.filter(purchase__in=ended).order_by("id")), new=Order.Status.CANCELLED, now=now
    )
    # Last: what everybody wants is locked for a moment only.
    holds.release_all(purchases=ended, now=now)
    faults.reach("expiry.written")
    return [purchase.pk for purchase in ended]


def _graces_over(now: datetime, without: Collection[str]) -> list[UUID]:
    over = Purchase.objects.filter(grace_until__lte=now).exclude(pk__in=without)
    return list(over.order_by("grace_until").values_list("id", flat=True)[:BATCH])


def _let_go(purchase_ids: Collection[UUID], now: datetime) -> list[UUID]:
    """Give back what those declined purchases keep that are free and whose grace is over; returns which.

    A retry takes them under the same lock, so each gets the units or gives them back, and never both.
    """
    free = Purchase.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    locked = list(free.filter(pk__in=purchase_ids, grace_until__lte=now).order_by("id"))
    if not locked:
        return []
    Purchase.objects.filter(pk__in=[row.pk for row in locked]).update(grace_until=None)
    moves.notes(locked, reason=GRACE_OVER, now=now)
    holds.release_all(purchases=locked, now=now)
    return [row.pk for row in locked]
