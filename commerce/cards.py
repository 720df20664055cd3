"""Saved cards. A card is typed into the provider's form and kept there; here is what its owner may see.

The provider is asked outside transactions. What it says is then written under the lock of the user's customer
row, so that however often the same answer arrives, the cards and the one default come out the same.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from commerce import errors, gateway, outbox
from commerce.models import Card, Customer, User

log = structlog.get_logger(__name__)


class CardNotFound(errors.NotFound):
    """This user has no such card."""

    message = "There is no such card."


class CardNotSaved(errors.Conflict):
    """The card form was not finished, or is not this user's."""

    code = "CARD_NOT_SAVED"
    message = "The card was not saved. Fill in the form again."


class NoCardForm(errors.Conflict):
    """The provider will not keep a card for this user, as when it does not take her e-mail address."""

    code = "NO_CARD_FORM"
    message = "The payment provider does not take a card for this account."


class TooManyCards(errors.Conflict):
    """The user keeps as many cards as are allowed."""

    code = "TOO_MANY_CARDS"
    message = "You cannot keep more cards. Remove one first."


MAX_CARDS = 20


@dataclass(frozen=True, slots=True)
class Form:
    """An open card form: the simulator's page, or the key with which Stripe's own is mounted."""

    client_secret: str = field(repr=False)
    sheet_url: str | None = field(repr=False)
    publishable_key: str | None


def of(user_id: UUID) -> list[Card]:
    """Return the user's cards, the one that pays first."""
    return list(Card.objects.filter(user_id=user_id, removed_at=None).order_by("-is_default", "-id"))


def open_form(*, user_id: UUID, now: datetime) -> Form:
    """Let the user type a card into the provider's form; raises TooManyCards, NoCardForm, Unavailable."""
    if Card.objects.filter(user_id=user_id, removed_at=None).count() >= MAX_CARDS:
        raise TooManyCards
    try:
        setup = _setup(user_id, now)
    except gateway.Refused as error:
        log.error("card.form_refused", user=str(user_id), error=str(error), code=error.code)
        raise NoCardForm from error
    if setup.client_secret is None:
        raise errors.Unavailable
    publishable = None if setup.sheet_url else settings.STRIPE_PUBLISHABLE_KEY
    return Form(setup.client_secret, setup.sheet_url, publishable)


def _setup(user_id: UUID, now: datetime) -> gateway.Setup:
    try:
        return gateway.setup(customer=_customer(user_id))
    except gateway.Missing:
        # Another account at the provider, as after a change of keys: what was kept there is out of reach.
        return gateway.setup(customer=_new_customer(user_id, now))


def add(*, user_id: UUID, setup_id: str, now: datetime) -> list[Card]:
    """Keep the card of a finished form, let it pay from now on, and return the user's cards. Safe to repeat.

    Raises CardNotSaved for a form that is not finished or not this user's, Unavailable.
    """
    customer = Customer.objects.filter(user_id=user_id).first()
    if customer is None:
        raise CardNotSaved
    try:
        setup = gateway.retrieve_setup(setup_id)
        if setup.customer != customer.provider_id or setup.card is None:
            raise CardNotSaved
        card = gateway.card(customer=customer.provider_id, card_id=setup.card)
    except gateway.Refused:
        raise CardNotSaved from None
    with transaction.atomic():
        _locked(user_id)
        _keep(user_id, card)
        _settle_default(user_id, pays=card.id)
    return of(user_id)


def sync(*, user_id: UUID, now: datetime) -> list[Card]:
    """Bring the user's cards in line with the provider's and return them; raises Unavailable."""
    customer = Customer.objects.filter(user_id=user_id).first()
    if customer is None:
        return []
    told = gateway.cards(customer=customer.provider_id)
    with transaction.atomic():
        _locked(user_id)
        for card in told:
            _keep(user_id, card)
        gone = Card.objects.filter(user_id=user_id, removed_at=None)
        gone.exclude(provider_id__in=[card.id for card in told]).update(removed_at=now, is_default=False)
        _settle_default(user_id)
        removed = Card.objects.filter(provider_id__in=[card.id for card in told]).exclude(removed_at=None)
        for card_id in removed.values_list("id", flat=True):
            outbox.record(name="card.removed", payload={"card": str(card_id)})
    return of(user_id)


def make_default(*, user_id: UUID, card_id: UUID) -> list[Card]:
    """Let this card pay from now on and return the user's cards; raises CardNotFound."""
    with transaction.atomic():
        card = _among(_locked(user_id), card_id)
        _settle_default(user_id, pays=card.provider_id)
    return of(user_id)


def remove(*, user_id: UUID, card_id: UUID, now: datetime) -> None:
    """Forget a card; the newest remaining one pays. The provider is told afterwards. Raises CardNotFound."""
    with transaction.atomic():
        card = _among(_locked(user_id), card_id)
        Card.objects.filter(id=card.id).update(removed_at=now, is_default=False)
        _settle_default(user_id)
        outbox.record(name="card.removed", payload={"card": str(card.id)}, key=f"card.removed:{card.id}")


def detach(*, card_id: UUID) -> None:
    """Have the provider forget a card that was removed here; raises Unavailable."""
    card = Card.objects.select_related("user__customer").exclude(removed_at=None).get(id=card_id)
    with contextlib.suppress(gateway.Missing):  # Gone there, or of an account we no longer have.
        gateway.detach(customer=card.user.customer.provider_id, card_id=card.provider_id)


def _customer(user_id: UUID) -> str:
    known = Customer.objects.filter(user_id=user_id).first()
    if known is not None:
        return known.provider_id
    # Two first forms at once: the customer of the first to be kept stands, the other one is never used.
    made = _make_customer(user_id)
    return Customer.objects.get_or_create(user_id=user_id, defaults={"provider_id": made})[0].provider_id


def _new_customer(user_id: UUID, now: datetime) -> str:
    made = _make_customer(user_id)
    with transaction.atomic():
        _locked(user_id)
        Customer.objects.filter(user_id=user_id).update(provider_id=made)
        Card.objects.filter(user_id=user_id, removed_at=None).update(removed_at=now, is_default=False)
    return made


def _make_customer(user_id: UUID) -> str:
    user = User.objects.get(id=user_id)
    return gateway.ensure_customer(user_id=user.id, email=user.email, name=user.name)


def _keep(user_id: UUID, card: gateway.Card) -> None:
    facts = {
        "brand": card.brand[:20],
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint[:64],
    }
    # A card that was removed here stays removed, even when the provider has not been told yet.
    Card.objects.update_or_create(user_id=user_id, provider_id=card.id, defaults=facts)


def _settle_default(user_id: UUID, pays: str | None = None) -> None:
    """Let the card with this provider id pay; without one, leave it as it is or choose the newest."""
    kept = list(Card.objects.filter(user_id=user_id, removed_at=None).order_by("-id"))
    wanted = next((one for one in kept if one.provider_id == pays), None)
    if wanted is None and any(one.is_default for one in kept):
        return
    wanted = wanted or next(iter(kept), None)
    if wanted is not None:
        Card.objects.filter(user_id=user_id).exclude(id=wanted.id).update(is_default=False)
        Card.objects.filter(id=wanted.id).update(is_default=True)


def _locked(user_id: UUID) -> list[Card]:
    # The customer row is the lock: two cards added at once would otherwise both become the one that pays.
    list(Customer.objects.select_for_update(no_key=True).filter(user_id=user_id))
    return list(Card.objects.filter(user_id=user_id, removed_at=None))


def _among(kept: Sequence[Card], card_id: UUID) -> Card:
    for card in kept:
        if card.id == card_id:
            return card
    raise CardNotFound
