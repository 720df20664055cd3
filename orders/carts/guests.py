"""Carts of people who are not signed in, kept under an unguessable token and merged when they come in.

Nothing is held for them. Whoever knows the token has the cart; only its hash is kept here. A guest's cart is
locked before the cart it is merged into.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from commerce import throttles
from orders import quotes, transactions
from orders.carts import bodies, contents
from orders.models import GUEST_LINES, GuestCart

NEW_PER_NETWORK, WINDOW_SECONDS = 60, 600


class Line(NamedTuple):
    """Units of a variant, and the show they were added in."""

    variant_id: UUID
    quantity: int
    stream_id: UUID | None


class Kept(NamedTuple):
    """A guest's cart after a change, and the token that names it: the one sent, or a new one."""

    token: str | None
    body: bodies.Body


def read(*, token: str | None, stream_id: UUID | None, now: datetime) -> bodies.Body:
    """Return the cart of that token, an empty one when there is none."""
    return _body(_found(token), stream_id, now)


def add(
    *,
    token: str | None,
    variant_id: UUID,
    quantity: int,
    stream_id: UUID | None,
    network: str,
    now: datetime,
    version: int | None = None,
) -> Kept:
    """Add units of a variant; the first ones make a cart with a token of its own.

    Raises CartConflict, BadQuantity, UnknownVariant, NotForSale, TooManyLines, TooOften, Busy, Unavailable.
    """
    contents.check_quantity(variant_id, quantity)
    contents.check_for_sale([variant_id])
    _admit(token, network)

    def work() -> Kept:
        row = _at(token, version, stream_id, now)
        lines = _lines(row)
        at = next((number for number, line in enumerate(lines) if line.variant_id == variant_id), None)
        if at is None:
            if len(lines) >= GUEST_LINES:
                raise quotes.TooManyLines(limit=GUEST_LINES)
            lines.append(Line(variant_id, quantity, stream_id))
        else:
            old = lines[at]
            contents.check_quantity(variant_id, old.quantity + quantity)
            lines[at] = Line(variant_id, old.quantity + quantity, stream_id or old.stream_id)
        return _write(row, token, lines, stream_id, now)

    return transactions.run(work)


def update(
    *,
    token: str | None,
    version: int,
    variant_id: UUID,
    quantity: int,
    stream_id: UUID | None,
    now: datetime,
) -> Kept:
    """Set the units of a variant; raises CartConflict, NotInCart, BadQuantity, Busy, Unavailable."""
    contents.check_quantity(variant_id, quantity)

    def work() -> Kept:
        row = _at(token, version, stream_id, now)
        lines = _lines(row)
        for number, line in enumerate(lines):
            if line.variant_id == variant_id:
                lines[number] = line._replace(quantity=quantity)
                return _write(row, token, lines, stream_id, now)
        raise contents.NotInCart

    return transactions.run(work)


def remove(
    *,
    token: str | None,
    version: int,
    variant_id: UUID,
    stream_id: UUID | None,
    now: datetime,
) -> Kept:
    """Take a variant out; raises CartConflict, NotInCart, Busy, Unavailable."""

    def work() -> Kept:
        row = _at(token, version, stream_id, now)
        lines = _lines(row)
        left = [line for line in lines if line.variant_id != variant_id]
        if len(left) == len(lines):
            raise contents.NotInCart
        return _write(row, token, left, stream_id, now)

    return transactions.run(work)


def replace(
    *,
    token: str | None,
    version: int,
    lines: Sequence[tuple[UUID, int]],
    stream_id: UUID | None,
    network: str,
    now: datetime,
) -> Kept:
    """Make the cart have exactly these units.

    Raises CartConflict, BadQuantity, UnknownVariant, NotForSale, TooManyLines, TooOften, Busy, Unavailable.
    """
    wanted = quotes.merged([quotes.Wanted(*line) for line in lines]) if lines else []
    if wanted:
        _admit(token, network)

    def work() -> Kept:
        row = _at(token, version, stream_id, now)
        kept = {line.variant_id: line for line in _lines(row)}
        contents.check_for_sale([one.variant_id for one in wanted if one.variant_id not in kept])
        old = [
            kept[one.variant_id]._replace(quantity=one.quantity) for one in wanted if one.variant_id in kept
        ]
        new = [Line(one.variant_id, one.quantity, stream_id) for one in wanted if one.variant_id not in kept]
        if row is None and not new:
            return Kept(token, _body(None, stream_id, now))
        return _write(row, token, old + new, stream_id, now)

    return transactions.run(work)


def merge(*, token: str | None, buyer_id: UUID, now: datetime) -> bool:
    """Move the cart of that token into the buyer's own, once; False when there is none (any more).

    Raises Busy, Unavailable; then the guest's cart is as it was.
    """
    if _found(token) is None:
        return False

    def work() -> bool:
        row = _locked(token)
        if row is None:
            return False
        lines = [line for line in _lines(row) if 1 <= line.quantity <= quotes.MAX_QUANTITY]
        row.delete()
        if lines:
            contents.merge(buyer_id=buyer_id, lines=lines, now=now)
        return bool(lines)

    return transactions.run(work)


def _admit(token: str | None, network: str) -> None:
    # Anybody may have a cart without saying who she is, so nobody may have any number of them.
    if _found(token) is None:
        throttles.spend(what="guest-cart", who=network, limit=NEW_PER_NETWORK, seconds=WINDOW_SECONDS)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _found(token: str | None) -> GuestCart | None:
    return GuestCart.objects.filter(pk=_hash(token)).first() if token else None


def _locked(token: str | None) -> GuestCart | None:
    if not token:
        return None
    return GuestCart.objects.select_for_update().filter(pk=_hash(token)).first()


def _at(token: str | None, version: int | None, stream_id: UUID | None, now: datetime) -> GuestCart | None:
    row = _locked(token)
    if version is not None and version != (row.version if row else 0):
        raise contents.CartConflict(cart=_body(row, stream_id, now))
    return row


def _lines(row: GuestCart | None) -> list[Line]:
    return [
        Line(UUID(each["variant"]), each["quantity"], UUID(each["stream"]) if each["stream"] else None)
        for each in (row.lines if row else [])
    ]


def _write(
    row: GuestCart | None,
    token: str | None,
    lines: Sequence[Line],
    stream_id: UUID | None,
    now: datetime,
) -> Kept:
    if row is None:
        token = secrets.token_urlsafe(32)
        row = GuestCart(token_hash=_hash(token), created_at=now)
    row.version += 1
    row.lines = [
        {
            "variant": str(line.variant_id),
            "quantity": line.quantity,
            "stream": str(line.stream_id) if line.stream_id else None,
        }
        for line in lines
    ]
    row.updated_at = now
    row.save()
    return Kept(token, _body(row, stream_id, now))


def _body(row: GuestCart | None, stream_id: UUID | None, now: datetime) -> bodies.Body:
    lines = [bodies.Line(line.variant_id, line.quantity) for line in _lines(row)]
    return bodies.of_guest(version=row.version if row else 0, lines=lines, stream_id=stream_id, now=now)
