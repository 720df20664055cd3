"""What a connection is told of itself: the welcome, the snapshot, and what goes wrong."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from streams.frames.base import Count, Epoch, Instant, Offset, Position, Role, Told
from streams.frames.buying import Cart, Purchase
from streams.frames.coupons import CouponBody, CouponClaim
from streams.frames.drops import Place, RoomPlace
from streams.frames.show import Item, OfferBody, StreamRef
from streams.frames.talk import ChatMessage, LineDecision, Restraint, Right, Waiting


class Me(Told):
    """Who one is in the show. `held` are lines of one's own that nobody else sees yet; `waiting` is for those
    who keep order."""

    id: UUID
    name: str
    role: Role
    rights: list[Right] = []
    follows: bool = False
    restraints: list[Restraint] = []
    held: list[LineDecision] = []
    waiting: Waiting | None = None


class Limits(Told):
    chat_per_10s: Count
    max_frame: Count


class Lanes(Told):
    """Where the lanes stand; null: an anonymous viewer has no lane of her own."""

    s: Position
    u: Position | None


class Recovered(Told):
    """Lane s: true, what was missed follows; false, a snapshot does. Lane u: true, nothing was missed; false,
    all of it is told as it is now, in the snapshot or behind the welcome."""

    s: bool
    u: bool


class Welcome(Told):
    conn: str
    recovered: Recovered
    position: Lanes
    heartbeat_ms: Count
    expires_at: Instant
    server_ms: Instant
    limits: Limits


class Snapshot(Told):
    """The whole current state, at the place that the envelope names."""

    stream: StreamRef
    pinned: UUID | None
    items: list[Item]
    offers: list[OfferBody]
    coupons: list[CouponBody]
    viewers: Count
    chat: list[ChatMessage]
    slow_s: Count
    me: Me | None
    u: Annotated[Position | None, Meta(description="Where lane u stood when cart and purchases were read.")]
    cart: Cart | None
    purchases: list[Purchase]
    claims: list[CouponClaim]
    sold_out: Annotated[
        list[OfferBody],
        Meta(description="Offers that are sold out while their time runs: one may line up at their price."),
    ] = []
    waitlist: list[Place] = []
    rooms: list[RoomPlace] = []
    followers_only: bool = False
    pinned_line: ChatMessage | None = None


class Error(Told):
    """A refusal. `temporary`: the same command may be sent again after `retry_ms`."""

    code: Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]*$")]
    message: str
    temporary: bool
    retry_ms: Count | UnsetType = UNSET
    fields: dict[str, str] | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET


class Reconnect(Told):
    """The server is going: wait random(0, spread_ms), connect anew, resume."""

    spread_ms: Count
    resume: bool


class AuthExpiring(Told):
    expires_at: Instant


class Lost(Told):
    """Continuity of a lane is lost; a snapshot follows, at this place or a later one."""

    lane: Literal["s", "u"]
    epoch: Epoch
    offset: Offset


class Ping(Told):
    pass


class Clock(Told):
    """Reply to time.sync."""

    c: Count
    server_ms: Instant


class Nothing(Told):
    """An empty reply."""


class Renewed(Told):
    """Reply to auth.refresh."""

    expires_at: Instant
