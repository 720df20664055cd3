"""Tickets: a signed-in user's one-use pass into a room's socket, for clients that have no cookie there.

A ticket lives for a minute, is spent by its first use, and is kept only under a hash. It carries who its user
is, so that a storm of reconnects costs no query, and is worthless once its user is signed out or banned.
"""

import secrets
from collections.abc import Sequence
from uuid import UUID

from commerce import errors
from streams import passes

LIFE_SECONDS = 60


class BadTicket(errors.Unauthenticated):
    message = "The ticket is unknown, spent, expired or for another show. Get a new one."


def issue(*, held: passes.Pass) -> str:
    """Return a fresh ticket of 256 random bits; raises Unavailable when Redis is down."""
    token = secrets.token_urlsafe(32)
    passes.keep_once(token, held, seconds=LIFE_SECONDS)
    return token


def redeem_all(asked: Sequence[tuple[str, UUID]]) -> list[passes.Pass | BadTicket]:
    """Spend tickets, each for a show, and return what each says, or that it is no good.

    Raises Unavailable when Redis is down.
    """
    held = passes.spend_all([token for token, _ in asked])
    return [
        each if each is not None and each.stream == stream_id else BadTicket()
        for each, (_, stream_id) in zip(held, asked, strict=True)
    ]
