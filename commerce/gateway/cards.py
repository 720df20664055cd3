"""Customers and their saved cards. Card numbers go from the buyer's browser to the provider and never come
here.
"""

import hashlib
from uuid import UUID, uuid4

import stripe
from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import Card, Setup
from commerce.gateway.failures import Missing, UnknownOutcome, translate, translated


def ensure_customer(*, user_id: UUID, email: str, name: str) -> str:
    """Create the customer of a user and return its id, to be kept.

    Asked again within 24 hours with the same values it is the same one. Raises Unavailable, UnknownOutcome,
    Refused.
    """
    wanted: params.CustomerCreateParams = {"email": email, "metadata": {"user_id": str(user_id)}}
    if name:
        wanted["name"] = name
    # The values belong to the key: a changed address must not make the provider refuse it.
    digest = hashlib.sha256(f"{email}\n{name}".encode()).hexdigest()[:16]
    try:
        return _create(wanted, f"customer-{user_id}-{digest}")
    except stripe.StripeError as error:
        failure = translate(error)
        if not isinstance(failure, UnknownOutcome) or (error.http_status or 0) < 500:
            raise failure from error
    # The key answers with this error for a day, though she may have been made. A second one does no harm.
    found = _customer_of(user_id, email)
    with translated():
        return found or _create(wanted, f"customer-{user_id}-{uuid4()}")


def _create(wanted: params.CustomerCreateParams, key: str) -> str:
    return connection.client().customers.create(wanted, {"idempotency_key": key}).id


def _customer_of(user_id: UUID, email: str) -> str | None:
    with translated(reading=True):
        for one in connection.client().customers.list({"email": email, "limit": 100}).auto_paging_iter():
            if values.ours(one.metadata, "user_id") == user_id:
                return one.id
    return None


def setup(*, customer: str) -> Setup:
    """Begin to save a card: the buyer's page finishes it with the client secret. Raises Unavailable,
    Refused.
    """
    wanted: params.SetupIntentCreateParams = {
        "customer": customer,
        "usage": "off_session",
        "allowed_payment_method_types": ["card"],
    }
    # A second one does no harm, so a lost answer is simply asked for again.
    with translated(reading=True):
        return _setup(connection.client().setup_intents.create(wanted))


def retrieve_setup(setup_id: str) -> Setup:
    """Return how far the saving of a card is. Raises Unavailable, Refused (Missing)."""
    with translated(reading=True):
        return _setup(connection.client().setup_intents.retrieve(setup_id))


def card(*, customer: str, card_id: str) -> Card:
    """Return one saved card. Raises Unavailable, Missing when it is not this customer's, Refused."""
    with translated(reading=True):
        found = _card(connection.client().payment_methods.retrieve(card_id))
    if found.customer != customer:
        raise Missing("No such card of this customer.", code="resource_missing", param="card_id")
    return found


def cards(*, customer: str) -> list[Card]:
    """Return the saved cards of a customer, newest first. Raises Unavailable, Refused."""
    wanted: params.CustomerPaymentMethodListParams = {"type": "card", "limit": 100}
    with translated(reading=True):
        listed = connection.client().customers.payment_methods.list(customer, wanted)
        return [_card(one) for one in listed.auto_paging_iter()]


def attach(*, customer: str, card_id: str) -> Card:
    """Save a card without a page, as seeds do with test cards. Raises Declined, Unavailable,
    UnknownOutcome, Refused.
    """
    with translated():
        return _card(connection.client().payment_methods.attach(card_id, {"customer": customer}))


def detach(*, customer: str, card_id: str) -> None:
    """Remove a card of this customer for good; one that is gone already is left at that.

    Raises Unavailable, UnknownOutcome, Missing when it is another customer's, Refused.
    """
    with translated(reading=True):
        found = _card(connection.client().payment_methods.retrieve(card_id))
    if found.customer is None:
        return
    if found.customer != customer:
        raise Missing("No such card of this customer.", code="resource_missing", param="card_id")
    with translated():
        connection.client().payment_methods.detach(card_id)


def _setup(one: stripe.SetupIntent) -> Setup:
    succeeded = one.status == "succeeded"
    return Setup(
        id=one.id,
        succeeded=succeeded,
        customer=one.customer if isinstance(one.customer, str) else None,
        card=one.payment_method if succeeded and isinstance(one.payment_method, str) else None,
        livemode=one.livemode,
        client_secret=one.client_secret,
        sheet_url=connection.sheet_url("setup", one.client_secret),
    )


def _card(one: stripe.PaymentMethod) -> Card:
    if one.card is None:
        raise Missing("This payment method is not a card.", code="resource_missing", param="card_id")
    return Card(
        id=one.id,
        customer=one.customer if isinstance(one.customer, str) else None,
        brand=one.card.brand,
        last4=one.card.last4,
        exp_month=one.card.exp_month,
        exp_year=one.card.exp_year,
        fingerprint=one.card.fingerprint or "",
    )
