"""Charging a purchase's card, once per attempt however often it is asked.

There are three phases, so that no lock is held while the provider is asked: the attempt is written down, the
provider is asked under the attempt's own key, and `payments.apply` takes in the answer. A crash between any
two of them is healed by asking again: the same key gets the same answer.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from commerce import errors, gateway, households, ids, outbox
from commerce.models import Card
from orders import checkout, holds, moves, quotes, states, transactions
from orders.models import Payment, Purchase
from orders.settling import answers, attempts, payments
from orders.settling.attempts import UnknownPurchase
from orders.settling.outcomes import ALONE
from streams.moderation import standing

MAX_ATTEMPTS = answers.MAX_ATTEMPTS
RETRY_WITHIN = timedelta(minutes=30)  # Of the decline.
LEAST_HOLD = timedelta(seconds=30)  # In less a card is not charged and a bank not answered.


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

    Does nothing when there is nothing to charge, or when somebody asked within `attempts.ASKED_AGAIN_AFTER`.
    An outcome that stays unknown, or a provider that is away, leaves the payment for the next call. While the
    provider is left alone nothing is written either: the purchase waits as it is.
    """
    if gateway.is_resting():
        return
    (attempt,) = attempts.begin_all([(purchase_id, now)], alone=True)
    if isinstance(attempt, Exception):
        raise attempt
    assert attempt is not ALONE, "alone is alone"
    if attempt is not None:
        attempts.take_in(attempt, attempts.ask(attempt), now)


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
        if purchase.erased_at is not None:
            raise RetryTooLate  # Nobody knows where it would go.
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


def _new(purchase: Purchase, card: Card, number: int, now: datetime) -> Payment:
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
    )


def _locked(purchase_id: UUID, *, buyer_id: UUID) -> Purchase:
    found = Purchase.objects.select_for_update(of=("self",), no_key=True)
    purchase = found.filter(pk=purchase_id, buyer_id=buyer_id).first()
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
