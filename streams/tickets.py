"""Tickets: a signed-in user's one-use pass into a room's socket, for clients that have no cookie there.

A ticket lives for a minute, is spent by its first use, and is kept only as a hash. It carries who its user
is, so that a storm of reconnects costs no query.
"""

import hashlib
import secrets
from uuid import UUID

import msgspec
from redis.exceptions import RedisError

from commerce import errors, redis_client

LIFE_SECONDS = 60


class BadTicket(errors.Unauthenticated):
    message = "The ticket is unknown, spent, expired or for another show. Get a new one."


class Ticket(msgspec.Struct, frozen=True):
    """Whom a ticket lets in, and where."""

    user: UUID
    stream: UUID
    name: str
    role: str


def issue(*, user_id: UUID, stream_id: UUID, name: str, role: str) -> str:
    """Return a fresh ticket of 256 random bits; raises Unavailable when Redis is down."""
    token = secrets.token_urlsafe(32)
    ticket = Ticket(user_id, stream_id, name, role)
    try:
        redis_client.sync().set(_key(token), msgspec.json.encode(ticket), ex=LIFE_SECONDS)
    except RedisError:
        raise errors.Unavailable from None
    return token


def redeem(*, token: str, stream_id: UUID) -> Ticket:
    """Spend a ticket and return what it says; raises BadTicket, Unavailable when Redis is down."""
    try:
        held = redis_client.sync().getdel(_key(token))
    except RedisError:
        raise errors.Unavailable from None
    if not isinstance(held, bytes):
        raise BadTicket
    ticket = msgspec.json.decode(held, type=Ticket)
    if ticket.stream != stream_id:
        raise BadTicket
    return ticket


def _key(token: str) -> str:
    return f"lc:t:{hashlib.sha256(token.encode()).hexdigest()}"
