"""Who takes part: a merchant, a host, and a crowd with saved cards. All but one have signed up before."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, hashers
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from commerce import gateway
from commerce.models import Address, Card, Customer, Host, Merchant, User
from tests import apikeys

PAYS, DECLINES, ASKS = "pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"
COMMISSION_BP = 2_000  # A fifth of the live price is whole cents, so there is nothing to round.
TALKERS = 4
CALLERS = 8  # Calls to the provider at once.


@dataclass(frozen=True)
class Person:
    """A buyer who has signed up before, known by her session's cookie."""

    name: str
    session: str


@dataclass(frozen=True)
class People:
    """Who takes part and what they come in with."""

    api_key: str
    host_email: str
    host_password: str
    buyers: list[Person]
    decliners: list[Person]  # Their cards save and then refuse to pay.
    askers: list[Person]  # Their banks want to see them first.
    talkers: list[Person]  # They chat, and buy nothing.


def gather(*, buyers: int, decliners: int, askers: int) -> People:
    """Make everybody."""
    merchant = Merchant.objects.create(
        name="Atelier Sol", slug="atelier-sol", host_commission_bp=COMMISSION_BP
    )
    _, api_key = apikeys.key(merchant)
    password = secrets.token_urlsafe(12)
    user = User.objects.create_user("host@scene.example", password, name="Mira")
    Host.objects.create(user=user, name="Mira", slug="mira")
    return People(
        api_key=api_key,
        host_email=user.email,
        host_password=password,
        buyers=_crowd("Buyer", buyers, PAYS),
        decliners=_crowd("Unlucky", decliners, DECLINES),
        askers=_crowd("Careful", askers, ASKS),
        talkers=_crowd("Talker", TALKERS, PAYS),
    )


def _crowd(name: str, count: int, card: str) -> list[Person]:
    # Nobody of them types a password, so nobody's is hashed, which is slow on purpose.
    locked = hashers.make_password(None)
    users = User.objects.bulk_create(
        User(email=f"{name.lower()}{n}@scene.example", name=f"{name} {n}", password=locked)
        for n in range(1, count + 1)
    )
    Address.objects.bulk_create(
        Address(
            user=user, name=user.name, line1="1 Mill Lane", city="York", postal_code="YO1 7HH", country="GB",
            is_default=True,
        )
        for user in users
    )  # fmt: skip
    with ThreadPoolExecutor(max_workers=CALLERS) as pool:
        # They have saved them over weeks; the limit of the provider is for the play.
        settings.STRIPE_CALLS_PER_SECOND = 0
        saved = list(pool.map(lambda user: _saved(user, card), users))
    Customer.objects.bulk_create(Customer(user=user, provider_id=customer) for user, customer, _ in saved)
    Card.objects.bulk_create(
        Card(
            user=user,
            provider_id=kept.id,
            brand=kept.brand,
            last4=kept.last4,
            exp_month=kept.exp_month,
            exp_year=kept.exp_year,
            is_default=True,
        )
        for user, _, kept in saved
    )
    return [Person(user.name, key) for user, key in zip(users, _sessions(users), strict=True)]


def _saved(user: User, card: str) -> tuple[User, str, gateway.Card]:
    customer = gateway.ensure_customer(user_id=user.id, email=user.email, name=user.name)
    return user, customer, gateway.attach(customer=customer, card_id=card)


def _sessions(users: list[User]) -> list[str]:
    store, until = SessionStore(), timezone.now() + timedelta(hours=2)
    rows = [
        Session(
            session_key=secrets.token_hex(16),
            expire_date=until,
            session_data=store.encode(
                {
                    SESSION_KEY: str(user.pk),
                    BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
                    HASH_SESSION_KEY: user.get_session_auth_hash(),
                }
            ),
        )
        for user in users
    ]
    Session.objects.bulk_create(rows)
    return [row.session_key for row in rows]
