"""Bodies of the socket commands that the trade answers."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from streams.frames import Body, Count, Money, Position, Quantity


class CartAdd(Body):
    """Put units of a variant into the cart."""

    variant: UUID
    quantity: Quantity = 1


class CartUpdate(Body):
    """Set the units of a variant in the cart that has this version."""

    version: Count
    variant: UUID
    quantity: Quantity


class CartRemove(Body):
    """Take a variant out of the cart that has this version."""

    version: Count
    variant: UUID


class PurchaseLine(Body):
    """Units of a variant, at an offer's price or at the list price."""

    variant: UUID
    quantity: Annotated[int, Meta(description="Units, 1 to 99.")]
    offer: UUID | None = None


class PurchaseCreate(Body):
    """Buy. The envelope's `key` makes a repetition harmless; `expect_total` is what the buyer was shown."""

    lines: list[PurchaseLine]
    expect_total: Money
    card: UUID | None = None
    coupon: UUID | None = None
    seen: Position | None = None


class PurchaseStatus(Body):
    """Ask for a purchase by its id or by the key it was bought with."""

    purchase: UUID | None = None
    key: UUID | None = None
