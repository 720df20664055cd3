"""Charging, looking, capturing, cancelling."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import stripe
from stripe import params

from commerce.gateway import connection, plainly, values
from commerce.gateway.answers import Intent
from commerce.gateway.failures import Refused, Unavailable, UnknownOutcome, translate, translated
from commerce.money import Money


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
        return _created(wanted, key)
    except stripe.CardError as error:
        # Declined, and the answer does not say which intent: it carries our id.
        return _made_after_all(payment_id, customer, error)
    except stripe.StripeError as error:
        failure = translate(error)
        if isinstance(failure, UnknownOutcome) and (error.http_status or 0) >= 500:
            # The key answers with this error from now on, though the charge may have been made.
            return _made_after_all(payment_id, customer, error)
        raise failure from error


def _created(wanted: params.PaymentIntentCreateParams, key: str) -> Intent:
    try:
        return plainly.create(wanted, key=key)
    except stripe.CardError as error:
        declined = plainly.of_error(error)
        if declined is None:
            raise
        return declined


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
        return plainly.retrieve(intent_id)


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
                return plainly.of_object(one)
    return None


def intents_since(since: datetime) -> Iterator[Intent]:
    """Yield the intents made since a time, newest first, page by page. Raises Unavailable, Refused, also in
    the middle.
    """
    wanted: params.PaymentIntentListParams = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    with translated(reading=True):
        for one in connection.client().payment_intents.list(wanted).auto_paging_iter():
            yield plainly.of_object(one)


def capture(intent_id: str) -> Intent:
    """Take the money that a card has promised; return the intent as it is then, as it may have ended before.

    It is taken once by itself, so that no key is needed, which would repeat an error for a day. An intent
    that is still `held` could not be captured. Raises Unavailable, UnknownOutcome, Refused.
    """
    try:
        return plainly.of_object(connection.client().payment_intents.capture(intent_id))
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
        return plainly.of_object(connection.client().payment_intents.cancel(intent_id, wanted))
    except stripe.InvalidRequestError as error:
        if error.code != "payment_intent_unexpected_state":
            raise translate(error) from error
        return retrieve(intent_id)
    except stripe.StripeError as error:
        raise translate(error) from error
