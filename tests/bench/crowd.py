"""Many users with a session each, and buyers with a card and an address."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from commerce.models import Address, Card, User

_numbers = count(1)


def users(n: int) -> list[User]:
    """Return so many new users."""
    return User.objects.bulk_create(
        User(email=f"crowd{next(_numbers)}@example.com", name="Noa", password="!") for _ in range(n)
    )


def buyers(n: int) -> list[User]:
    """Return so many new users with a card, which the provider does not know, and an address."""
    made = users(n)
    Address.objects.bulk_create(
        Address(
            user=user,
            name=user.name,
            line1=f"Lindenweg {number}",
            city="Bremen",
            postal_code="28195",
            country="DE",
            is_default=True,
        )
        for number, user in enumerate(made)
    )
    Card.objects.bulk_create(
        Card(
            user=user,
            provider_id=f"pm_{user.id.hex}",
            brand="visa",
            last4="4242",
            exp_month=12,
            exp_year=2034,
            is_default=True,
        )
        for user in made
    )
    return made


def cookies(of: Sequence[User]) -> list[str]:
    """Return the Cookie headers of these users, one session each."""
    until = timezone.now() + timedelta(hours=1)
    sessions = []
    for user in of:
        session = SessionStore()
        kept = {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
        key = f"{user.pk.hex}crowd"
        sessions.append(Session(session_key=key, session_data=session.encode(kept), expire_date=until))
    Session.objects.bulk_create(sessions)
    return [f"{settings.SESSION_COOKIE_NAME}={session.session_key}" for session in sessions]
