"""Charging, looking, capturing, cancelling."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import stripe
from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import Intent, IntentStatus
from commerce.gateway.failures import Refused, Unavailable, UnknownOutcome, translate, translated
from commerce.money import Money

_INTENTS: dict[str, IntentStatus] = {
    "requires_payment_method": "declined",
    "requires_confirmation": "processing",
    "processing": "processing",
    "requires_action": "requires_action",
    "requires_capture": "held",
    "succeeded": "succeeded",
    "canceled": "cancelled",
}


def charge(
    *,
    key: str,
    amount: Money,
    customer: str,
    card: str,
    payment_id: UUID,
    purchase_id: UUID,
    description: str = "",
    capture_later: bool = False,
) -> Intent:
    """Charge a saved card while its owner is here. A declined card is an answer, not an error.

    With `capture_later` the card only promises the money, for seven days, until `capture` takes it
    (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method). The same key with the same values has
    one effect and one answer for 24 hours. Raises Unavailable, UnknownOutcome, Refused.
    """
    wanted: params.PaymentIntentCreateParams = {
        "amount": amount.amount,
        "currency": amount.currency.lower(),
        "customer": customer,
        "payment_method": card,
        "confirm": True,
        "allowed_payment_method_types": ["card"],
        "metadata": {"payment_id": str(payment_id), "purchase_id": str(purchase_id)},
    }
    if capture_later:
        wanted["capture_method"] = "manual"
    if description:
        wanted["description"] = description
    try:
        return _intent(connection.client().payment_intents.create(wanted, {"idempotency_key": key}))
    except stripe.CardError as error:
        if error.error is not None and error.error.payment_intent is not None:
            return _intent(error.error.payment_intent)
        # Declined, and the answer does not say which intent: it carries our id.
        return _made_after_all(payment_id, customer, error)
    except stripe.StripeError as error:
        failure = translate(error)
        if isinstance(failure, UnknownOutcome) and (error.http_status or 0) >= 500:
            # The key answers with this error from now on, though the charge may have been made.
            return _made_after_all(payment_id, customer, error)
        raise failure from error


def _made_after_all(payment_id: UUID, customer: str, error: stripe.StripeError) -> Intent:
    try:
        found = find(payment_id=payment_id, customer=customer)
    except (Unavailable, Refused):
        found = None
    if found is None:
        raise UnknownOutcome from error
    return found


def retrieve(intent_id: str) -> Intent:
    """Return an intent as it is now. Raises Unavailable, Refused (Missing)."""
    with translated(reading=True):
        return _intent(connection.client().payment_intents.retrieve(intent_id))


def find(*, payment_id: UUID, customer: str, since: datetime | None = None) -> Intent | None:
    """Return the intent that carries our payment id, newest of the customer's first; None when there is none.

    None is no promise that a request still under way will not make one. Raises Unavailable, Refused.
    """
    wanted: params.PaymentIntentListParams = {"customer": customer, "limit": 100}
    if since is not None:
        wanted["created"] = {"gte": int(since.timestamp())}
    with translated(reading=True):
        for one in connection.client().payment_intents.list(wanted).auto_paging_iter():
            if values.ours(one.metadata, "payment_id") == payment_id:
                return _intent(one)
    return None


def intents_since(since: datetime) -> Iterator[Intent]:
    """Yield the intents made since a time, newest first, page by page. Raises Unavailable, Refused, also in
    the middle.
    """
    wanted: params.PaymentIntentListParams = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    with translated(reading=True):
        for one in connection.client().payment_intents.list(wanted).auto_paging_iter():
            yield _intent(one)


def capture(intent_id: str) -> Intent:
    """Take the money that a card has promised; return the intent as it is then, as it may have ended before.

    It is taken once by itself, so that no key is needed, which would repeat an error for a day. An intent
    that is still `held` could not be captured. Raises Unavailable, UnknownOutcome, Refused.
    """
    try:
        return _intent(connection.client().payment_intents.capture(intent_id))
    except (stripe.InvalidRequestError, stripe.CardError):
        return retrieve(intent_id)
    except stripe.StripeError as error:
        raise translate(error) from error


def cancel(intent_id: str, *, reason: str | None = None) -> Intent:
    """Cancel an intent unless it has ended, and return what it is then: it may have succeeded before.

    Raises Unavailable, UnknownOutcome, Refused.
    """
    wanted: params.PaymentIntentCancelParams = {}
    if reason is not None:
        wanted["cancellation_reason"] = reason
    try:
        return _intent(connection.client().payment_intents.cancel(intent_id, wanted))
    except stripe.InvalidRequestError as error:
        if error.code != "payment_intent_unexpected_state":
            raise translate(error) from error
        told = error.error.payment_intent if error.error is not None else None
        return _intent(told) if told is not None else retrieve(intent_id)
    except stripe.StripeError as error:
        raise translate(error) from error


def _intent(one: stripe.PaymentIntent) -> Intent:
    currency = one.currency.upper()
    error = one.last_payment_error
    status = _INTENTS.get(one.status, "processing")
    declined = status == "declined" and error is not None
    return Intent(
        id=one.id,
        status=status,
        amount=Money(one.amount, currency),
        received=Money(one.amount_received, currency),
        payment_id=values.ours(one.metadata, "payment_id"),
        purchase_id=values.ours(one.metadata, "purchase_id"),
        charge_id=values.id_of(one.latest_charge),
        decline_code=(error.decline_code or error.code) if declined and error is not None else None,
        message=error.message if declined and error is not None else None,
        livemode=one.livemode,
        client_secret=one.client_secret,
        sheet_url=connection.sheet_url("3ds", one.client_secret) if status == "requires_action" else None,
    )
