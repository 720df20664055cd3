"""Charging a purchase's card, once per attempt however often it is asked.

There are three phases, so that no lock is held while the provider is asked: the attempt is written down, the
provider is asked under the attempt's own key, and `payments.apply` takes in the answer. A crash between any
two of them is healed by asking again: the same key gets the same answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from commerce import errors, faults, gateway, households, ids, outbox
from commerce.models import Card
from commerce.money import Money
from orders import checkout, holds, moves, quotes, states, transactions
from orders.models import Payment, Purchase
from orders.settling import payments
from streams.moderation import standing

log = structlog.get_logger(__name__)

# One attempt asks the provider twice at most; before that, somebody may still be waiting for an answer.
MAX_ATTEMPTS = payments.MAX_ATTEMPTS
RETRY_WITHIN = timedelta(minutes=30)  # Of the decline.
LEAST_HOLD = timedelta(seconds=30)  # In less a card is not charged and a bank not answered.
ASKED_AGAIN_AFTER = timedelta(seconds=2 * settings.STRIPE_TIMEOUT_SECONDS)


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
    attempt = transactions.run(lambda: _begin(purchase_id, now), lock_timeout_ms=transactions.PATIENT_MS)
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
        payments.apply(intent=intent, now=now)
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
        hold_until = min(now + timedelta(seconds=settings.HOLD_SECONDS), payments.held_at_most(purchase))
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
        _write_down(purchase, card, number, now)
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


def _begin(purchase_id: UUID, now: datetime) -> Attempt | None:
    purchase = _locked(purchase_id)
    if purchase.status != Purchase.Status.ACCEPTED:
        return None
    if purchase.hold_until <= now:
        # Too late to charge: expiry finds out what became of it. Holds are shorter than the 24 hours in which
        # the provider knows a key (https://docs.stripe.com/api/idempotent_requests): none is charged anew.
        return None
    earlier = list(purchase.payments.select_related("card"))
    payment = next((each for each in earlier if each.status in states.ALIVE), None)
    if payment is None:
        first = True
        sent = {"status": Payment.Status.SENT, "sent_at": now, "checked_at": now}
        payment = _write_down(purchase, purchase.card, len(earlier) + 1, now, **sent)
    elif payment.status == Payment.Status.CREATED:
        first = True
        payment = moves.payment(
            payment, new=Payment.Status.SENT, now=now, sent_at=payment.sent_at or now, checked_at=now
        )
    else:
        first = False
        if payment.checked_at is not None and now - payment.checked_at < ASKED_AGAIN_AFTER:
            return None
        Payment.objects.filter(pk=payment.pk).update(checked_at=now)
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


def _write_down(purchase: Purchase, card: Card, number: int, now: datetime, **more: Any) -> Payment:
    return Payment.objects.create(
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


def _locked(purchase_id: UUID, *, buyer_id: UUID | None = None) -> Purchase:
    found = (
        Purchase.objects.select_for_update(of=("self",), no_key=True)
        .select_related("card__user__customer")
        .filter(pk=purchase_id)
    )
    purchase = found.filter(buyer_id=buyer_id).first() if buyer_id else found.first()
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
