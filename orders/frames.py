"""Bodies of the socket commands that the trade answers."""

from uuid import UUID

from streams.frames import Body, Count, Money, Position, Units


class CartAdd(Body):
    """Put units of a variant into the cart."""

    variant: UUID
    quantity: Units = 1


class CartUpdate(Body):
    """Set the units of a variant in the cart that has this version."""

    version: Count
    variant: UUID
    quantity: Units


class CartRemove(Body):
    """Take a variant out of the cart that has this version."""

    version: Count
    variant: UUID


class PurchaseLine(Body):
    """Units of a variant, at an offer's price or at the list price."""

    variant: UUID
    quantity: Units
    offer: UUID | None = None


class PurchaseCreate(Body):
    """Buy. The envelope's `key` makes a repetition harmless; `expect_total` is what the buyer was shown."""

    lines: list[PurchaseLine]
    expect_total: Money
    card: UUID | None = None
    coupon: UUID | None = None
    seen: Position | None = None


class PurchaseQuote(Body):
    """Ask what these lines would cost now, with shipping and tax to one's default address."""

    lines: list[PurchaseLine]
    coupon: UUID | None = None


class PurchaseStatus(Body):
    """Ask for a purchase by its id or by the key it was bought with."""

    purchase: UUID | None = None
    key: UUID | None = None
