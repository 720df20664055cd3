"""Charging a purchase's card, once per attempt however often it is asked.

There are three phases, so that no lock is held while the provider is asked: the attempt is written down, the
provider is asked under the attempt's own key, and `payments.apply` takes in the answer. A crash between any
two of them is healed by asking again: the same key gets the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from commerce import errors, faults, gateway, households, ids, outbox
from commerce.models import Card
from commerce.money import Money
from orders import checkout, holds, moves, quotes, states, transactions
from orders.models import Payment, Purchase
from orders.settling import answers, payments, together
from streams.moderation import standing

log = structlog.get_logger(__name__)

# One attempt asks the provider twice at most; before that, somebody may still be waiting for an answer.
MAX_ATTEMPTS = answers.MAX_ATTEMPTS
RETRY_WITHIN = timedelta(minutes=30)  # Of the decline.
LEAST_HOLD = timedelta(seconds=30)  # In less a card is not charged and a bank not answered.
ASKED_AGAIN_AFTER = timedelta(seconds=2 * settings.STRIPE_TIMEOUT_SECONDS)

AT_ONCE = 64  # Charges that are begun, and answers that are applied, in one transaction.
# Seconds that the first one waits for others: of what a charge takes a part, and most of its cost is shared.
BEGUN_WITHIN = 0.02
APPLIED_WITHIN = 0.05


class UnknownPurchase(errors.NotFound):
    message = "You have no such purchase."


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


class RetryTooLate(errors.Conflict):
    """A declined purchase stays retryable for a while only, because its price was agreed then."""

    code = "RETRY_TOO_LATE"
    message = "This purchase has been over for too long. Buy it anew at the price of today."


class TooManyAttempts(errors.Conflict):
    """One purchase is no place to try out many cards."""

    code = "TOO_MANY_ATTEMPTS"
    message = "This purchase was declined too often. Buy it anew."


def charge(*, purchase_id: UUID, now: datetime) -> None:
    """Ask the provider to charge an accepted purchase, or what became of it, and apply the answer.

    Does nothing when there is nothing to charge, or when somebody asked within ASKED_AGAIN_AFTER. An outcome
    that stays unknown, or a provider that is away, leaves the payment for the next call. While the provider
    is left alone nothing is written either: the purchase waits as it is.
    """
    if gateway.is_resting():
        return
    attempt = _begun.one((purchase_id, now))
    if attempt is None:
        return
    faults.reach("settle.before_send")
    try:
        intent = _ask(attempt)
    except gateway.Unavailable as error:
        log.warning("payment.provider_away", payment=str(attempt.payment_id), error=str(error))
        _settle(attempt, Payment.Status.CREATED if attempt.first else None, now)
    except gateway.UnknownOutcome as error:
        log.warning("payment.unknown", payment=str(attempt.payment_id), error=str(error))
        _settle(attempt, Payment.Status.UNKNOWN, now)
    except gateway.Refused as error:
        log.error("payment.refused", payment=str(attempt.payment_id), error=str(error), code=error.code)
        if attempt.first:
            payments.refuse(payment_id=attempt.payment_id, code=str(error.code or "refused"), now=now)
        else:
            # An earlier request under this key may have been carried out.
            _settle(attempt, Payment.Status.UNKNOWN, now)
    else:
        faults.reach("settle.after_send")
        _applied.one((intent, now))
        faults.reach("settle.after_apply")


def check(*, payment_id: UUID, now: datetime) -> None:
    """Ask the provider what became of a payment it knows, and apply the answer."""
    provider_id = (
        Payment.objects.filter(pk=payment_id, status__in=states.IN_FLIGHT)
        .values_list("provider_id", flat=True)
        .first()
    )
    if provider_id is None:
        return
    Payment.objects.filter(pk=payment_id).update(checked_at=now)
    payments.apply(intent=gateway.retrieve(provider_id), now=now)


def retry(*, purchase_id: UUID, buyer_id: UUID, card_id: UUID | None, now: datetime) -> Purchase:
    """Try a declined purchase again with another card (or the default one): a new attempt with a key of its
    own.

    The units are taken again, unless they are still kept for it. A purchase whose charge is under way is
    returned as it is. Raises UnknownPurchase, IllegalMove, TooManyAttempts, RetryTooLate, Banned,
    NotForSale, UnknownCard, CardRequired, HouseholdLimit, CouponSpent, OutOfStock, what `offers.take`
    raises, Busy.
    """

    def again() -> Purchase:
        purchase = _locked(purchase_id, buyer_id=buyer_id)
        if purchase.status in states.UNPAID:
            return purchase
        if purchase.status != Purchase.Status.DECLINED:
            raise moves.IllegalMove(status=purchase.status, wanted=Purchase.Status.ACCEPTED)
        number = purchase.payments.count() + 1
        if number > MAX_ATTEMPTS:
            raise TooManyAttempts(attempts=number - 1)
        hold_until = min(now + timedelta(seconds=settings.HOLD_SECONDS), answers.held_at_most(purchase))
        if now > purchase.updated_at + RETRY_WITHIN or hold_until < now + LEAST_HOLD:
            raise RetryTooLate
        if purchase.stream_id is not None:
            standing.check_not_banned(stream_id=purchase.stream_id, user_id=buyer_id, now=now)
        quotes.check_for_sale(purchase_id=purchase.id)
        card = checkout.card_to_charge(buyer_id=buyer_id, card_id=card_id)
        homes = purchase.households
        if homes:
            # The limit is that of the card that pays; the declined one has its share back.
            homes = households.keys(address=purchase.ship_to, fingerprint=card.fingerprint)
        if purchase.grace_until is not None:
            # Until the sweep gives them back under this lock they are hers, also a moment too late.
            holds.recount(purchase=purchase, households=homes)
        else:
            purchase.households = homes
            holds.retake(purchase=purchase, now=now)
        _new(purchase, card, number, now).save(force_insert=True)
        outbox.record(
            name="purchase.accepted",
            payload={"purchases": [str(purchase.id)]},
            key=f"purchase.accepted:{purchase.id}:{number}",
        )
        return moves.purchase(
            purchase,
            new=Purchase.Status.ACCEPTED,
            reason="another card",
            now=now,
            card=card,
            households=homes,
            hold_until=hold_until,
            grace_until=None,
        )

    return transactions.run(again)


def _begin_all(wanted: Sequence[tuple[UUID, datetime]]) -> list[together.Outcome[Attempt | None]]:
    """Write attempts down as sent, in one transaction; those whose purchase is locked are left to be done
    alone.
    """
    patience = transactions.PATIENT_MS if len(wanted) == 1 else transactions.LOCK_TIMEOUT_MS
    return transactions.run(lambda: _written_down(wanted), lock_timeout_ms=patience)


def _written_down(wanted: Sequence[tuple[UUID, datetime]]) -> list[together.Outcome[Attempt | None]]:
    in_company = len(wanted) > 1
    found = _for_update(skip_locked=in_company).filter(pk__in=[purchase_id for purchase_id, _ in wanted])
    purchases = {row.pk: row for row in found.order_by("id")}
    earlier: dict[UUID, list[Payment]] = {}
    for payment in Payment.objects.filter(purchase__in=list(purchases)).select_related("card"):
        earlier.setdefault(payment.purchase_id, []).append(payment)
    attempts: list[together.Outcome[Attempt | None]] = []
    fresh: list[Payment] = []
    again: list[Payment] = []
    for purchase_id, now in wanted:
        purchase = purchases.pop(purchase_id, None)
        if purchase is None:
            attempts.append(together.ALONE if in_company else UnknownPurchase())
            continue
        begun = _begin(purchase, earlier.get(purchase_id, ()), now)
        if begun is None:
            attempts.append(None)
            continue
        payment, first = begun
        if payment._state.adding:
            fresh.append(payment)
        elif not first:
            again.append(payment)
        attempts.append(_attempt(purchase, payment, first=first))
    if fresh:
        Payment.objects.bulk_create(fresh)
    if again:
        latest = max(now for _, now in wanted)
        Payment.objects.filter(pk__in=[each.pk for each in again]).update(checked_at=latest)
    return attempts


def _begin(purchase: Purchase, earlier: Sequence[Payment], now: datetime) -> tuple[Payment, bool] | None:
    """Return the payment that asks for a locked purchase now, and whether it is the first to; None when
    nothing is to be asked. One that is new is not written yet.
    """
    if purchase.status != Purchase.Status.ACCEPTED:
        return None
    if purchase.hold_until <= now:
        # Too late to charge: expiry finds out what became of it. Holds are shorter than the 24 hours in which
        # the provider knows a key (https://docs.stripe.com/api/idempotent_requests): none is charged anew.
        return None
    payment = next((each for each in earlier if each.status in states.ALIVE), None)
    if payment is None:
        sent = {"status": Payment.Status.SENT, "sent_at": now, "checked_at": now}
        return _new(purchase, purchase.card, len(earlier) + 1, now, **sent), True
    if payment.status == Payment.Status.CREATED:
        sent_at = payment.sent_at or now
        return moves.payment(payment, new=Payment.Status.SENT, now=now, sent_at=sent_at, checked_at=now), True
    if payment.checked_at is not None and now - payment.checked_at < ASKED_AGAIN_AFTER:
        return None
    return payment, False


def _attempt(purchase: Purchase, payment: Payment, *, first: bool) -> Attempt:
    return Attempt(
        payment_id=payment.id,
        purchase_id=purchase.id,
        provider_id=payment.provider_id,
        amount=Money(payment.amount, payment.currency),
        card=payment.card.provider_id,
        customer=payment.customer,
        capture_later=purchase.pay_at_shipping,
        first=first,
    )


def _ask(attempt: Attempt) -> gateway.Intent:
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


def _settle(attempt: Attempt, new: str | None, now: datetime) -> None:
    """Note that no answer came; `created` lets expiry end what never reached the provider."""
    if new is None:
        return

    def note() -> None:
        payment = Payment.objects.select_for_update().get(pk=attempt.payment_id)
        if payment.status == Payment.Status.SENT:
            moves.payment(payment, new=new, now=now)

    transactions.run(note, lock_timeout_ms=transactions.PATIENT_MS)


def _new(purchase: Purchase, card: Card, number: int, now: datetime, **more: Any) -> Payment:
    """Return an attempt that is to be written down."""
    return Payment(
        id=ids.new(),
        purchase=purchase,
        number=number,
        card=card,
        amount=purchase.amount,
        currency=purchase.currency,
        customer=card.user.customer.provider_id,
        created_at=now,
        **more,
    )


def _for_update(*, skip_locked: bool = False) -> QuerySet[Purchase]:
    found = Purchase.objects.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)
    return found.select_related("card__user__customer")


def _locked(purchase_id: UUID, *, buyer_id: UUID) -> Purchase:
    purchase = _for_update().filter(pk=purchase_id, buyer_id=buyer_id).first()
    if purchase is None:
        raise UnknownPurchase
    return purchase


def remind(*, purchase_id: UUID) -> None:
    """Have the buyer told again what her bank asks of her, if it does."""
    with transaction.atomic():
        if Purchase.objects.filter(pk=purchase_id, status=Purchase.Status.ACTION_REQUIRED).exists():
            outbox.record(name="action.asked", payload={"purchase": str(purchase_id)})


def action(*, purchase_id: UUID) -> tuple[Purchase, gateway.Intent] | None:
    """Return a purchase that waits for its buyer's bank with the intent as the provider has it now; None when
    the bank asks nothing (any more). Raises Unavailable, Refused.

    The intent holds the client secret, which is neither stored nor logged.
    """
    payment = (
        Payment.objects.filter(
            purchase_id=purchase_id,
            status=Payment.Status.ACTION_REQUIRED,
            purchase__status=Purchase.Status.ACTION_REQUIRED,
        )
        .select_related("purchase")
        .first()
    )
    if payment is None or payment.provider_id is None:
        return None
    intent = gateway.retrieve(payment.provider_id)
    if intent.status != "requires_action" or not intent.client_secret:
        return None
    return payment.purchase, intent


# What threads that charge at the same time write down together, before the provider is asked and after.
_begun = together.Together[tuple[UUID, datetime], Attempt | None](
    _begin_all, name="charges begun", most=AT_ONCE, gather_seconds=BEGUN_WITHIN
)
_applied = together.Together[tuple[gateway.Intent, datetime], Purchase | None](
    payments.apply_all, name="answers applied", most=AT_ONCE, gather_seconds=APPLIED_WITHIN
)
