"""Coupons: money off one merchant's goods in one show, claimed in the room. Alone writes Coupon; claims them.

The quota counts claims. Claiming writes the claim first, then takes one off the coupon's row, whose condition
and CHECK hold the quota; how often a claim is used is counted by the till (`grants.spend`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet

from commerce import errors, money, outbox
from commerce.models import Merchant
from commerce.money import Money
from streams import announce, bodies, queries, sweeping
from streams.models import Coupon, CouponClaim, Stream
from streams.moderation import standing
from streams.offers.rules import SECONDS

MAX_QUOTA = 1_000_000
MAX_USES = 99
PERCENT_BP = range(100, 9_001)
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{2,39}")


class UnknownCoupon(errors.NotFound):
    code = "UNKNOWN_COUPON"
    message = "There is no such coupon in this show."


class UnknownMerchant(errors.NotFound):
    message = "Nothing of this merchant is in the showcase."


class BadCoupon(errors.Invalid):
    message = "The coupon is not valid."


class CodeTaken(errors.Conflict):
    code = "COUPON_CODE_TAKEN"
    message = "This show has a coupon with this code already."


class CouponEnded(errors.Conflict):
    code = "COUPON_ENDED"
    message = "The coupon is over."


class CouponGone(errors.Conflict):
    code = "COUPON_GONE"
    message = "All of these coupons are claimed."


@dataclass(frozen=True, slots=True)
class New:
    """What a host asks for: `percent_bp` basis points off, or `amount_off` in the merchant's minor units."""

    merchant_id: UUID
    code: str
    percent_bp: int | None
    amount_off: int | None
    min_amount: int
    quota: int
    per_buyer: int
    seconds: int


def create(*, host_id: UUID, stream_id: UUID, new: New, now: datetime) -> Coupon:
    """Open a coupon in a live show for a merchant with goods in its showcase, and tell the room.

    Raises UnknownShow, StreamNotLive, UnknownMerchant, CodeTaken, BadCoupon.
    """
    code = new.code.strip().upper()
    _check(new, code)
    with transaction.atomic():
        queries.live_show(host_id=host_id, stream_id=stream_id)
        showcase = queries.showcase(stream_id=stream_id)
        sold = showcase.filter(product__merchant_id=new.merchant_id).values("product__merchant_id")
        merchant = Merchant.objects.filter(pk__in=sold, is_active=True).first()
        if merchant is None:
            raise UnknownMerchant
        coupon = Coupon(
            stream_id=stream_id,
            merchant=merchant,
            code=code,
            percent_bp=new.percent_bp,
            amount_off=new.amount_off,
            currency=merchant.currency,
            min_amount=new.min_amount,
            quota=new.quota,
            left=new.quota,
            per_buyer=new.per_buyer,
            opens_at=now,
            closes_at=now + timedelta(seconds=new.seconds),
        )
        try:
            with transaction.atomic():
                coupon.save(force_insert=True)
        except IntegrityError as error:
            if "coupon_code_once" in str(error):
                raise CodeTaken(code=code) from None
            raise
        announce.tell_room(stream_id=stream_id, t="coupon.opened", d=body(coupon))
    return coupon


def end(*, host_id: UUID, coupon_id: UUID, now: datetime) -> Coupon:
    """End a coupon by its host's hand, also for those who claimed it, and tell the room.

    One that has ended stays so. Raises UnknownCoupon.
    """
    with transaction.atomic():
        coupon = _locked().filter(pk=coupon_id, stream__host_id=host_id).first()
        if coupon is None:
            raise UnknownCoupon
        _end(coupon, reason="host", at=now)
    return coupon


def end_all(*, stream_id: UUID, now: datetime) -> None:
    """End every coupon of a show that is being ended, inside the caller's transaction."""
    for coupon in _locked().filter(stream_id=stream_id, status=Coupon.Status.OPEN).order_by("pk"):
        _end(coupon, reason="host" if now < coupon.closes_at else "time", at=now)


def close_due(*, now: datetime) -> int:
    """End the coupons whose time is over, tell their rooms, and return how many there were."""
    due = Coupon.objects.filter(status=Coupon.Status.OPEN, closes_at__lte=now).order_by("closes_at")
    return sweeping.each("coupons.close", list(due.values_list("pk", flat=True)), lambda pk: _close(pk, now))


def claim(*, stream_id: UUID, user_id: UUID, coupon_id: UUID, now: datetime) -> CouponClaim:
    """Claim a coupon of a live show for a user, tell her and the room; a second claim is the first.

    Raises Banned, UnknownCoupon, StreamNotLive, CouponEnded, CouponGone.
    """
    standing.check_not_banned(stream_id=stream_id, user_id=user_id, now=now)
    coupon = Coupon.objects.select_related("stream").filter(pk=coupon_id, stream_id=stream_id).first()
    if coupon is None:
        raise UnknownCoupon
    with transaction.atomic():
        if _insert(coupon, user_id=user_id, now=now):
            # Refused, the claim goes with the transaction.
            if coupon.stream.status != Stream.Status.LIVE:
                raise queries.StreamNotLive(status=coupon.stream.status)
            if not _take_one(coupon_id, now):
                coupon.refresh_from_db()
                over = coupon.status == Coupon.Status.ENDED or now >= coupon.closes_at
                raise CouponEnded(coupon=str(coupon_id)) if over else CouponGone(coupon=str(coupon_id))
            coupon.refresh_from_db()
            _tell_claimed(coupon, user_id)
    return CouponClaim.objects.select_related("coupon__merchant").get(coupon_id=coupon_id, buyer_id=user_id)


def running(*, stream_id: UUID) -> QuerySet[Coupon]:
    """Return a show's open coupons, the first to open first."""
    mine = Coupon.objects.filter(stream_id=stream_id, status=Coupon.Status.OPEN)
    return mine.select_related("merchant").order_by("opens_at", "id")


def claims(*, stream_id: UUID, user_id: UUID) -> QuerySet[CouponClaim]:
    """Return what a user has claimed in a show, the latest first."""
    hers = CouponClaim.objects.filter(coupon__stream_id=stream_id, buyer_id=user_id)
    return hers.select_related("coupon__merchant").order_by("-id")


def body(coupon: Coupon) -> dict[str, Any]:
    """Return the body of a coupon."""
    return {
        "id": str(coupon.id),
        "merchant": {"id": str(coupon.merchant_id), "name": coupon.merchant.name},
        "code": coupon.code,
        "percent_bp": coupon.percent_bp,
        "amount_off": _money(coupon.amount_off, coupon.currency),
        "min_amount": _money(coupon.min_amount or None, coupon.currency),
        "quota": coupon.quota,
        "left": coupon.left,
        "per_buyer": coupon.per_buyer,
        "starts_at": bodies.unix_ms(coupon.opens_at),
        "ends_at": bodies.unix_ms(coupon.closes_at),
        "status": coupon.status,
    }


def claim_body(claimed: CouponClaim) -> dict[str, Any]:
    """Return the body of a claim, with its coupon."""
    return {
        "coupon": body(claimed.coupon),
        "used": claimed.used,
        "cap": claimed.cap,
        "claimed_at": bodies.unix_ms(claimed.claimed_at),
    }


def tell_used(pairs: Iterable[tuple[UUID, UUID]]) -> None:
    """Tell buyers how often they have used what they claimed, by (coupon, buyer), with the change."""
    wanted = set(pairs)
    found = CouponClaim.objects.select_related("coupon__merchant").filter(
        coupon__in={coupon_id for coupon_id, _ in wanted}, buyer__in={buyer_id for _, buyer_id in wanted}
    )
    outbox.record_all(
        ("user.told", {"user": str(hers.buyer_id), "t": "coupon.claimed", "d": claim_body(hers)}, None)
        for hers in found
        if (hers.coupon_id, hers.buyer_id) in wanted
    )


def _check(new: New, code: str) -> None:
    wrong: dict[str, str] = {}
    if not _CODE.fullmatch(code):
        wrong["code"] = "3 to 40 letters, digits and hyphens"
    if (new.percent_bp is None) == (new.amount_off is None):
        wrong["percent_bp"] = wrong["amount_off"] = "one of the two"
    elif new.percent_bp is not None and new.percent_bp not in PERCENT_BP:
        wrong["percent_bp"] = f"between {PERCENT_BP.start} and {PERCENT_BP[-1]}"
    elif new.amount_off is not None and not 1 <= new.amount_off <= money.MAX_AMOUNT:
        wrong["amount_off"] = f"between 1 and {money.MAX_AMOUNT}"
    if not 0 <= new.min_amount <= money.MAX_AMOUNT:
        wrong["min_amount"] = f"between 0 and {money.MAX_AMOUNT}"
    if not 1 <= new.quota <= MAX_QUOTA:
        wrong["quota"] = f"between 1 and {MAX_QUOTA}"
    if not 1 <= new.per_buyer <= MAX_USES:
        wrong["per_buyer"] = f"between 1 and {MAX_USES}"
    if new.seconds not in SECONDS:
        wrong["seconds"] = f"between {SECONDS.start} and {SECONDS[-1]}"
    if wrong:
        raise BadCoupon(errors=wrong)


def _locked(*, skip_locked: bool = False) -> QuerySet[Coupon]:
    return Coupon.objects.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)


def _end(coupon: Coupon, *, reason: str, at: datetime) -> bool:
    if coupon.status == Coupon.Status.ENDED:
        return False
    coupon.status = Coupon.Status.ENDED
    coupon.closes_at = max(min(at, coupon.closes_at), coupon.opens_at + timedelta(milliseconds=1))
    coupon.version += 1
    coupon.save(update_fields=["status", "closes_at", "version"])
    announce.tell_room(
        stream_id=coupon.stream_id, t="coupon.ended", d={"id": str(coupon.id), "reason": reason}
    )
    return True


def _close(coupon_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        coupon = _locked(skip_locked=True).filter(pk=coupon_id).first()
        return coupon is not None and _end(coupon, reason="time", at=coupon.closes_at)


def _insert(coupon: Coupon, *, user_id: UUID, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO streams_couponclaim (coupon_id, buyer_id, used, cap, claimed_at)"
            " VALUES (%s, %s, 0, %s, %s) ON CONFLICT (coupon_id, buyer_id) DO NOTHING",
            [coupon.id, user_id, coupon.per_buyer, now],
        )
        return bool(cursor.rowcount == 1)


def _take_one(coupon_id: UUID, now: datetime) -> bool:
    """Take one off what may still be claimed; False when nothing is left or the time is over."""
    sells = Coupon.objects.filter(
        pk=coupon_id, status=Coupon.Status.OPEN, opens_at__lte=now, closes_at__gt=now, left__gt=0
    )
    return bool(sells.update(left=F("left") - 1, version=F("version") + 1))


def _tell_claimed(coupon: Coupon, user_id: UUID) -> None:
    announce.state(
        stream_id=coupon.stream_id,
        t="coupon.updated",
        k=f"coupon:{coupon.id}",
        n=coupon.version,
        d={"id": str(coupon.id), "left": coupon.left, "quota": coupon.quota},
    )
    tell_used([(coupon.id, user_id)])


def _money(amount: int | None, currency: str) -> dict[str, Any] | None:
    return Money(amount, currency).as_dict() if amount is not None else None
