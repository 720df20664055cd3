"""Attempts to charge: written down before the provider is asked, many in one transaction, and what came of
it taken in.

A crash between any two steps is healed by asking again: the same key gets the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from commerce import errors, faults, gateway, ids
from commerce.money import Money
from orders import moves, states, transactions
from orders.models import Payment, Purchase
from orders.settling import payments
from orders.settling.outcomes import ALONE, Outcome

log = structlog.get_logger(__name__)
Status = Payment.Status

# One attempt asks the provider twice at most; before that, somebody may still be waiting for an answer.
ASKED_AGAIN_AFTER = timedelta(seconds=2 * settings.STRIPE_TIMEOUT_SECONDS)


class UnknownPurchase(errors.NotFound):
    message = "You have no such purchase."


class NobodyThere(Exception):
    """The buyer is not known to the provider, so her card cannot be charged."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the provider is asked, read under the lock and used without it."""

    payment_id: UUID
    purchase_id: UUID
    provider_id: str | None
    amount: Money
    card: str
    customer: str
    capture_later: bool  # A pre-order's money is only promised until it is shipped.
    first: bool  # This call moved it to `sent`, so nobody asked before.


@dataclass(frozen=True, slots=True)
class Unanswered:
    """That the provider gave no answer: as what the payment is noted, or with which code it was refused."""

    status: str | None = None
    refused: str | None = None


Said = gateway.Intent | Unanswered


@dataclass(frozen=True, slots=True)
class _Bought:
    id: UUID
    status: str
    hold_until: datetime
    amount: int
    currency: str
    pay_at_shipping: bool
    card_id: UUID
    card: str
    customer: str | None


@dataclass(frozen=True, slots=True)
class _Earlier:
    purchase_id: UUID
    id: UUID
    status: str
    provider_id: str | None
    amount: int
    currency: str
    customer: str
    checked_at: datetime | None
    card: str


def begin_all(wanted: Sequence[tuple[UUID, datetime]], *, alone: bool) -> list[Outcome[Attempt | None]]:
    """Write attempts down as sent, in one transaction; returns for each purchase what is to be asked, None
    when nothing is, or what is wrong with it.

    In company those whose purchase is locked are left to be done alone; alone the lock is waited for.
    """
    patience = transactions.PATIENT_MS if alone else transactions.LOCK_TIMEOUT_MS
    return transactions.run(lambda: _written_down(wanted, alone), lock_timeout_ms=patience)


def ask(attempt: Attempt) -> Said:
    """Ask the provider, under the attempt's own key, and say what came of it; no database is needed."""
    faults.reach("settle.before_send")
    try:
        intent = _asked(attempt)
    except gateway.Unavailable as error:
        log.warning("payment.provider_away", payment=str(attempt.payment_id), error=str(error))
        return Unanswered(Status.CREATED if attempt.first else None)
    except gateway.UnknownOutcome as error:
        log.warning("payment.unknown", payment=str(attempt.payment_id), error=str(error))
        return Unanswered(Status.UNKNOWN)
    except gateway.Refused as error:
        log.error("payment.refused", payment=str(attempt.payment_id), error=str(error), code=error.code)
        if attempt.first:
            return Unanswered(refused=str(error.code or "refused"))
        # An earlier request under this key may have been carried out.
        return Unanswered(Status.UNKNOWN)
    faults.reach("settle.after_send")
    return intent


def take_in(attempt: Attempt, said: Said, now: datetime) -> None:
    """Make true what came of one attempt; raises what `payments.apply` raises."""
    if isinstance(said, Unanswered):
        if said.refused is not None:
            payments.refuse(payment_id=attempt.payment_id, code=said.refused, now=now)
        else:
            note([(attempt, said)])
    else:
        payments.apply(intent=said, now=now)
        faults.reach("settle.after_apply")


def note(unanswered: Sequence[tuple[Attempt, Unanswered]]) -> None:
    """Note that no answer came; `created` lets expiry end what never reached the provider."""
    noted = [(attempt.payment_id, said.status) for attempt, said in unanswered if said.status is not None]
    if noted:
        transactions.run(lambda: moves.unanswered(dict(noted)), lock_timeout_ms=transactions.PATIENT_MS)


def _asked(attempt: Attempt) -> gateway.Intent:
    if attempt.provider_id is not None:
        return gateway.retrieve(attempt.provider_id)
    return gateway.charge(
        key=str(attempt.payment_id),
        amount=attempt.amount,
        customer=attempt.customer,
        card=attempt.card,
        payment_id=attempt.payment_id,
        purchase_id=attempt.purchase_id,
        capture_later=attempt.capture_later,
    )


def _written_down(wanted: Sequence[tuple[UUID, datetime]], alone: bool) -> list[Outcome[Attempt | None]]:
    bought = _locked([purchase_id for purchase_id, _ in wanted], skip_locked=not alone)
    earlier = _earlier(list(bought))
    outcomes: list[Outcome[Attempt | None]] = []
    fresh: list[tuple[Attempt, int, UUID, datetime]] = []
    first: dict[UUID, datetime] = {}
    again: list[UUID] = []
    for purchase_id, now in wanted:
        # Of one that is wanted twice the second finds nothing, and is left to be looked at alone.
        one = bought.pop(purchase_id, None)
        if one is None:
            outcomes.append(UnknownPurchase() if alone else ALONE)
            continue
        if not _is_to_be_asked(one, now):
            outcomes.append(None)
            continue
        before = earlier.get(purchase_id, [])
        alive = next((each for each in before if each.status in states.ALIVE), None)
        if alive is None:
            if one.customer is None:
                outcomes.append(NobodyThere(str(purchase_id)))
                continue
            attempt = _attempt(one, None, ids.new(), first=True)
            fresh.append((attempt, len(before) + 1, one.card_id, now))
        elif alive.status == Status.CREATED:
            attempt = _attempt(one, alive, alive.id, first=True)
            first[alive.id] = now
        elif alive.checked_at is not None and now - alive.checked_at < ASKED_AGAIN_AFTER:
            outcomes.append(None)
            continue
        else:
            attempt = _attempt(one, alive, alive.id, first=False)
            again.append(alive.id)
        outcomes.append(attempt)
    _write(fresh)
    if first:
        moves.sent(first)
    if again:
        latest = max(now for _, now in wanted)
        Payment.objects.filter(pk__in=again).update(checked_at=latest)
    return outcomes


def _is_to_be_asked(one: _Bought, now: datetime) -> bool:
    # Too late to charge: expiry finds out what became of it. Holds are shorter than the 24 hours in which the
    # provider knows a key (https://docs.stripe.com/api/idempotent_requests): none is charged anew.
    return one.status == Purchase.Status.ACCEPTED and one.hold_until > now


def _attempt(one: _Bought, alive: _Earlier | None, payment_id: UUID, *, first: bool) -> Attempt:
    asked = alive or one
    return Attempt(
        payment_id=payment_id,
        purchase_id=one.id,
        provider_id=alive.provider_id if alive is not None else None,
        amount=Money(asked.amount, asked.currency),
        card=asked.card,
        customer=asked.customer or "",
        capture_later=one.pay_at_shipping,
        first=first,
    )


def _locked(purchase_ids: Sequence[UUID], *, skip_locked: bool) -> dict[UUID, _Bought]:
    """Return purchases locked, in the order of their ids; without those that somebody else has locked."""
    # Locked before they are joined: whose card changed while it was waited for is found with the new one.
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH purchase AS (
                SELECT id, status, hold_until, amount, currency, pay_at_shipping, card_id
                  FROM orders_purchase WHERE id = ANY(%s::uuid[])
                 ORDER BY id FOR NO KEY UPDATE {"SKIP LOCKED" if skip_locked else ""}
            )
            SELECT purchase.id, purchase.status, purchase.hold_until, purchase.amount, purchase.currency,
                   purchase.pay_at_shipping, purchase.card_id, card.provider_id, customer.provider_id
              FROM purchase
              JOIN commerce_card card ON card.id = purchase.card_id
              LEFT JOIN commerce_customer customer ON customer.user_id = card.user_id
            """,
            [list(purchase_ids)],
        )
        return {row[0]: _Bought(*row) for row in cursor.fetchall()}


def _earlier(purchase_ids: Sequence[UUID]) -> dict[UUID, list[_Earlier]]:
    """Return the payments of locked purchases."""
    found: dict[UUID, list[_Earlier]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT payment.purchase_id, payment.id, payment.status, payment.provider_id, payment.amount,
                   payment.currency, payment.customer, payment.checked_at, card.provider_id
              FROM orders_payment payment JOIN commerce_card card ON card.id = payment.card_id
             WHERE payment.purchase_id = ANY(%s::uuid[])
            """,
            [list(purchase_ids)],
        )
        for row in cursor.fetchall():
            found.setdefault(row[0], []).append(_Earlier(*row))
    return found


def _write(fresh: Sequence[tuple[Attempt, int, UUID, datetime]]) -> None:
    """Write down first attempts (with number, card and moment) as sent, in one statement."""
    if not fresh:
        return
    rows = [
        (
            attempt.payment_id,
            attempt.purchase_id,
            number,
            card_id,
            attempt.amount.amount,
            attempt.amount.currency,
            attempt.customer,
            now,
        )
        for attempt, number, card_id, now in fresh
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO orders_payment (id, purchase_id, number, card_id, amount, currency, customer, status,
                        charge_id, decline_code, message, refunded_amount, created_at, sent_at, checked_at)
            SELECT id, purchase_id, number, card_id, amount, currency, customer, 'sent',
                   '', '', '', 0, now, now, now
              FROM unnest(%s::uuid[], %s::uuid[], %s::smallint[], %s::uuid[], %s::int[], %s::text[],
                          %s::text[], %s::timestamptz[])
                AS attempt (id, purchase_id, number, card_id, amount, currency, customer, now)
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )
