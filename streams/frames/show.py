"""What everybody is told of a show: its items, offers, stock and numbers."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from streams.frames.base import Count, Instant, Money, Told


class MerchantRef(Told):
    id: UUID
    name: str


class ProductRef(Told):
    id: UUID
    title: str
    image: str | None
    merchant: MerchantRef
    description: str


class Variant(Told):
    """The sellable unit."""

    id: UUID
    title: str
    options: dict[str, str]
    price: Money
    left: Count
    release_at: Annotated[Instant | None, Meta(description="A pre-order until then; null: it ships now.")]
    opens_at: Annotated[
        Instant | None, Meta(description="It can be ordered from then on; null: at any time.")
    ]


class Item(Told):
    """A product in the showcase. `price` is the lowest of its variants; null: none can be sold."""

    id: UUID
    position: Count
    product: ProductRef
    price: Money | None
    variants: list[Variant]


class OfferBody(Told):
    """A live-only price. Count down to `starts_at` and `ends_at` with the clock offset of `time.sync`; no
    ticks are sent, and an announced offer sells from `starts_at` on, whether `offer.started` has come or not.

    `reference` is the lowest price of the 30 days before, to be struck through; null: strike nothing through.
    """

    id: UUID
    item: UUID
    product: UUID
    variant: UUID | None
    price: Money
    reference: Money | None
    quota: Count
    left: Count
    per_buyer: Count
    per_household: Count | None
    grace_seconds: Annotated[
        Count, Meta(description="Units of a declined card are kept so long for another.")
    ]
    takes_coupons: bool
    waits: Annotated[bool, Meta(description="Whether one has to go through its waiting room.")]
    starts_at: Instant
    ends_at: Instant
    status: Literal["announced", "open", "ended"]


class Unpinned(Told):
    id: UUID


class Showcase(Told):
    items: list[Item]


class OfferEnded(Told):
    id: UUID
    reason: Literal["time", "sold_out", "host", "floor"]


class SoldOut(Told):
    variant: UUID


class StockLeft(Told):
    """Advisory: the purchase decides."""

    variant: UUID
    left: Count


class OfferProgress(Told):
    """Advisory: the purchase decides."""

    id: UUID
    left: Count
    quota: Count


class Viewers(Told):
    n: Count


class Reactions(Told):
    """Totals of the show so far, by kind."""

    counts: dict[str, Count]


class StreamStatus(Told):
    status: Literal["scheduled", "live", "ended", "cancelled"]
    live_at: Instant | None


class HostRef(Told):
    id: UUID
    name: str
    avatar: str


class StreamCohosts(Told):
    """Who hosts the show together with its host, the first to agree first."""

    cohosts: list[HostRef]


class StreamRef(Told):
    id: UUID
    slug: str
    title: str
    description: str
    status: Literal["scheduled", "live", "ended", "cancelled"]
    host: HostRef
    cohosts: list[HostRef]
    video_url: str
    poster_url: str
    starts_at: Instant
    live_at: Instant | None
