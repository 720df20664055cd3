"""Bodies about drops: the line for what is sold out, and the waiting room before an offer's door."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from streams.frames.base import Count, Epoch, Instant, Money, Quantity, Told

Number = Annotated[int, Meta(ge=1, description="Place of a person, hers for good.")]


class Place(Told):
    """A shopper's place in a line: for units of a variant, at an offer's price or (null) the list price.

    In her turn (`offered`) the units are hers at `price` until `until`, whatever ends before: she buys them
    with `purchase.create`.
    """

    id: UUID
    stream: str | None
    variant: UUID
    offer: UUID | None
    quantity: Quantity
    status: Literal["waiting", "offered", "bought", "lapsed", "left"]
    number: Number
    ahead: Annotated[int, Meta(ge=0, description="How many wait before her now.")]
    price: Money | None
    until: Instant | None


class Lapsed(Place):
    """A place that is over without her doing."""

    reason: Literal["turn_over", "offer_ended", "show_ended"]


class Places(Told):
    """Every line in which one stands in this show."""

    places: list[Place]


class Line(Told):
    """A line as it is: at most `number - first` people are ahead of who waits with that number."""

    variant: UUID
    waiting: Count
    first: Number


class RoomPlace(Told):
    """A place in an offer's waiting room. Before it opens nobody has a number: they are drawn then.

    In another `epoch` numbers mean nothing: enter again. With `until`, one may buy until then.
    """

    offer: UUID
    epoch: Epoch
    number: Number | None
    waiting: Count
    admitted: Annotated[int, Meta(ge=0, description="Numbers up to this one have been let in.")]
    opens_at: Instant
    until: Instant | None


class RoomMoved(Told):
    """Who may buy by now: numbers up to `admitted`; at most `number - admitted - 1` people are ahead."""

    offer: UUID
    epoch: Epoch
    waiting: Count
    admitted: Count
    opens_at: Instant


class RoomDrawn(Told):
    """The number that was drawn for this shopper when the offer opened."""

    offer: UUID
    epoch: Epoch
    number: Number


class RoomAdmitted(Told):
    """One may buy until then."""

    offer: UUID
    epoch: Epoch
    until: Instant
