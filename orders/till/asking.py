"""What a buyer asks of the till, and what it gives."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
import orjson

from commerce import errors
from commerce.money import Money

MAX_LINES = 20
MAX_QUANTITY = 99
MAX_SAFE = 2**53 - 1
MOST_SENT = 200  # Lines of one request; the same variant may be named more than once.


class NothingWanted(errors.Invalid):
    code = "NOTHING_WANTED"
    message = "Say what to buy: at least one line."


class TooManyLines(errors.Invalid):
    code = "TOO_MANY_LINES"
    message = f"At most {MAX_LINES} different things can be bought at once."


class BadQuantity(errors.Invalid):
    code = "BAD_QUANTITY"
    message = f"The quantity has to be between 1 and {MAX_QUANTITY}."

    def __init__(self, *, variant: str, quantity: int) -> None:
        # Not every client reads larger numbers as they are.
        super().__init__(variant=variant, quantity=max(-MAX_SAFE, min(quantity, MAX_SAFE)))


class Wanted(NamedTuple):
    """Units of a variant somebody wants, at an offer's price or at the list price."""

    variant_id: UUID
    quantity: int
    offer_id: UUID | None = None


class Asked(msgspec.Struct, frozen=True):
    """One press of the button. `seen` is the (epoch, offset) of the last room event the client had."""

    buyer_id: UUID
    key: UUID
    lines: tuple[Wanted, ...]
    expect_total: Money
    card_id: UUID | None
    stream_id: UUID | None
    coupon_id: UUID | None
    seen: tuple[str, int] | None
    fingerprint: str

    @property
    def offers(self) -> set[UUID]:
        """The offers at whose prices it is asked for."""
        return {line.offer_id for line in self.lines if line.offer_id is not None}


class Press(msgspec.Struct, frozen=True):
    """What is asked, when it reached us by the process's steady clock, and what was said at the door.

    Who was `refused` there gets that, unless the key is known: a repetition is no press.
    """

    asked: Asked
    at: float | None = None
    refused: errors.Refusal | None = None


class Receipt(msgspec.Struct, frozen=True):
    """An accepted purchase: its id and its body as JSON. `replayed`: this key had bought it before."""

    purchase_id: UUID
    body: str
    replayed: bool


Outcome = Receipt | Exception


def ask(
    *,
    buyer_id: UUID,
    key: UUID,
    lines: Sequence[Wanted],
    expect_total: Money,
    card_id: UUID | None = None,
    stream_id: UUID | None = None,
    coupon_id: UUID | None = None,
    seen: tuple[str, int] | None = None,
) -> Asked:
    """Return what is asked, in the form that makes a repetition recognisable.

    Raises NothingWanted, TooManyLines, BadQuantity.
    """
    wanted = merged(lines)
    # Not `seen`: a retry on a new socket may have seen more of the show and still be the same purchase.
    asked = [[list(one) for one in wanted], expect_total.as_dict(), card_id, stream_id]
    if coupon_id is not None:
        asked.append(coupon_id)
    fingerprint = hashlib.sha256(orjson.dumps(asked)).hexdigest()
    return Asked(buyer_id, key, wanted, expect_total, card_id, stream_id, coupon_id, seen, fingerprint)


def wonder(
    *,
    buyer_id: UUID,
    lines: Sequence[Wanted],
    stream_id: UUID | None = None,
    coupon_id: UUID | None = None,
) -> Asked:
    """Return what somebody asks the price of; it is no purchase. Raises what `ask` raises."""
    return Asked(buyer_id, UUID(int=0), merged(lines), Money(0, ""), None, stream_id, coupon_id, None, "")


def check_count(lines: Sequence[object]) -> None:
    """Raise TooManyLines where there are so many that they need not be looked at."""
    if len(lines) > MOST_SENT:
        raise TooManyLines(limit=MAX_LINES)


def merged(wanted: Sequence[Wanted]) -> tuple[Wanted, ...]:
    """Return one line per variant and offer, in a fixed order, with the quantities added up.

    Raises NothingWanted, TooManyLines, BadQuantity.
    """
    check_count(wanted)
    if len(wanted) == 1:
        (one,) = wanted
        if 1 <= one.quantity <= MAX_QUANTITY:
            return (one,)
    sums: dict[tuple[UUID, UUID | None], int] = {}
    for one in wanted:
        if not 1 <= one.quantity <= MAX_QUANTITY:
            raise BadQuantity(variant=str(one.variant_id), quantity=one.quantity)
        kind = one.variant_id, one.offer_id
        sums[kind] = sums.get(kind, 0) + one.quantity
    if not sums:
        raise NothingWanted
    if len(sums) > MAX_LINES:
        raise TooManyLines(limit=MAX_LINES)
    for (variant_id, _), quantity in sums.items():
        if quantity > MAX_QUANTITY:
            raise BadQuantity(variant=str(variant_id), quantity=quantity)
    ordered = sorted(sums, key=lambda kind: (kind[0], kind[1] is not None, kind[1] or kind[0]))
    return tuple(Wanted(variant_id, sums[variant_id, offer_id], offer_id) for variant_id, offer_id in ordered)
