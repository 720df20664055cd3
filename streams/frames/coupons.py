"""Frames of coupons: money off one merchant's goods, claimed in the room."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from streams.frames.base import Body, Count, Instant, Money, Told


class CouponMerchant(Told):
    """Whose goods a coupon is for."""

    id: UUID
    name: str


class CouponBody(Told):
    """A coupon as everybody sees it: either `percent_bp` (basis points off) or `amount_off`.

    `left` is how many more shoppers may claim it; who has claimed it may use it `per_buyer` times until
    `ends_at`. `min_amount` is asked of the goods it is for, before the discount.
    """

    id: UUID
    merchant: CouponMerchant
    code: str
    percent_bp: Annotated[int, Meta(ge=1, le=10_000)] | None
    amount_off: Money | None
    min_amount: Money | None
    quota: Count
    left: Count
    per_buyer: Count
    starts_at: Instant
    ends_at: Instant
    status: Literal["open", "ended"]


class CouponLeft(Told):
    """How many more may claim it. Advisory: the claim decides."""

    id: UUID
    left: Count
    quota: Count


class CouponEnded(Told):
    id: UUID
    reason: Literal["time", "host"]


class CouponClaim(Told):
    """A coupon of one's own: used `used` times of `cap`."""

    coupon: CouponBody
    used: Count
    cap: Count
    claimed_at: Instant


class ClaimCoupon(Body):
    """Claim a coupon of the show. Again is the same claim."""

    coupon: UUID
