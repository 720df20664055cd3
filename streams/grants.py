"""Units of offers, and uses of coupons, granted to many buyers in one transaction: what the till counts.

A batch locks the offers it is about, decides in memory, and writes what it granted in a few statements. Every
other way to take or return units of an offer locks its row too, so the numbers read here stay true until the
batch is written; the tables' CHECKs stand behind them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import connection
from django.db.models import F

from streams import announce, coupons
from streams.models import Coupon, CouponClaim, Offer


@dataclass(slots=True)
class Deal:
    """An offer under lock; `left` is counted down as it is sold."""

    id: UUID
    stream_id: UUID
    product_id: UUID
    variant_id: UUID | None
    amount: int
    currency: str
    list_amount: int
    reference_amount: int | None
    left: int
    per_buyer: int
    per_household: int | None
    takes_coupons: bool
    status: str
    reason: str
    opens_at: datetime
    closes_at: datetime

    @property
    def sold_out(self) -> bool:
        """Whether its last unit is gone."""
        return self.status == Offer.Status.ENDED and self.reason == Offer.Reason.SOLD_OUT


@dataclass(slots=True)
class Claim:
    """A coupon that a buyer has claimed, under lock."""

    merchant_id: UUID
    stream_id: UUID
    percent_bp: int | None
    amount_off: int | None
    currency: str
    min_amount: int
    opens_at: datetime
    closes_at: datetime
    open: bool
    used: int
    cap: int


def lock_offers(offer_ids: Collection[UUID], *, skip_locked: bool) -> dict[UUID, Deal]:
    """Lock offers in the order of their ids and return them.

    With `skip_locked` without those that somebody else keeps locked.
    """
    return _offers(offer_ids, f"FOR NO KEY UPDATE OF o {'SKIP LOCKED' if skip_locked else ''}")


def offers(offer_ids: Collection[UUID]) -> dict[UUID, Deal]:
    """Return offers as they are now, without a lock: not to sell by."""
    return _offers(offer_ids, "")


def _offers(offer_ids: Collection[UUID], lock: str) -> dict[UUID, Deal]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT o.id, o.stream_id, i.product_id, o.variant_id, o.amount, o.currency, o.list_amount,
                   o.reference_amount, o."left", o.per_buyer, o.per_household, o.takes_coupons, o.status,
                   o.reason, o.opens_at, o.closes_at
              FROM streams_offer o JOIN streams_showcaseitem i ON i.id = o.item_id
             WHERE o.id = ANY(%s::uuid[]) ORDER BY o.id
             {lock}
            """,
            [_texts(offer_ids)],
        )
        return {row[0]: Deal(*row) for row in cursor.fetchall()}


def there(offer_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these offers exist."""
    return set(Offer.objects.filter(pk__in=offer_ids).values_list("pk", flat=True)) if offer_ids else set()


def claims_there(pairs: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Return which of these (coupon, buyer) are claims."""
    if not pairs:
        return set()
    found = CouponClaim.objects.filter(
        coupon__in={coupon_id for coupon_id, _ in pairs}, buyer__in={buyer_id for _, buyer_id in pairs}
    )
    return set(found.values_list("coupon_id", "buyer_id")) & set(pairs)


def units_had(buyers: Collection[UUID], *, offers: Collection[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Return the units that buyers have of locked offers, by (offer, buyer)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT offer_id, buyer_id, units FROM streams_offerbuyer"
            " WHERE offer_id = ANY(%s::uuid[]) AND buyer_id = ANY(%s::uuid[])",
            [_texts(offers), _texts(buyers)],
        )
        return {(offer_id, buyer_id): units for offer_id, buyer_id, units in cursor.fetchall()}


def households_had(keys: Collection[str], *, offers: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    """Return the units that households have of locked offers, by (offer, key of the household)."""
    if not offers or not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT offer_id, key, units FROM streams_offerhousehold"
            " WHERE offer_id = ANY(%s::uuid[]) AND key = ANY(%s)",
            [_texts(offers), list(keys)],
        )
        return {(offer_id, key): units for offer_id, key, units in cursor.fetchall()}


def lock_claims(pairs: Collection[tuple[UUID, UUID]], *, skip_locked: bool) -> dict[tuple[UUID, UUID], Claim]:
    """Lock the claims of these (coupon, buyer) in the order of their ids and return those there are.

    With `skip_locked` without those that somebody else keeps locked.
    """
    return _claims(pairs, f"FOR NO KEY UPDATE OF c {'SKIP LOCKED' if skip_locked else ''}")


def claims(pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Claim]:
    """Return the claims of these (coupon, buyer) as they are now, without a lock: not to sell by."""
    return _claims(pairs, "")


def _claims(pairs: Collection[tuple[UUID, UUID]], lock: str) -> dict[tuple[UUID, UUID], Claim]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.coupon_id, c.buyer_id, k.merchant_id, k.stream_id, k.percent_bp, k.amount_off,
                   k.currency, k.min_amount, k.opens_at, k.closes_at, k.status = 'open', c.used, c.cap
              FROM streams_couponclaim c JOIN streams_coupon k ON k.id = c.coupon_id
             WHERE (c.coupon_id, c.buyer_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
             ORDER BY c.id {lock}
            """,
            [[str(coupon) for coupon, _ in pairs], [str(buyer) for _, buyer in pairs]],
        )
        return {(row[0], row[1]): Claim(*row[2:]) for row in cursor.fetchall()}


def take(
    *,
    units: Mapping[UUID, int],
    buyers: Mapping[tuple[UUID, UUID], int],
    households: Mapping[tuple[UUID, str], int],
    deals: Mapping[UUID, Deal],
    now: datetime,
) -> None:
    """Write what was granted of locked offers; one whose last unit went has ended, and its room is told.

    `units` per offer come off what is left; `buyers` and `households` are what each now has in all.
    """
    with connection.cursor() as cursor:
        if buyers:
            cursor.execute(
                """
                INSERT INTO streams_offerbuyer AS had (offer_id, buyer_id, units, cap)
                SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[])
                ON CONFLICT (offer_id, buyer_id) DO UPDATE SET units = EXCLUDED.units
                """,
                [
                    [str(offer_id) for offer_id, _ in buyers],
                    [str(buyer_id) for _, buyer_id in buyers],
                    list(buyers.values()),
                    [deals[offer_id].per_buyer for offer_id, _ in buyers],
                ],
            )
        if households:
            cursor.execute(
                """
                INSERT INTO streams_offerhousehold AS had (offer_id, key, units, cap)
                SELECT * FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::int[])
                ON CONFLICT (offer_id, key) DO UPDATE SET units = EXCLUDED.units
                """,
                [
                    [str(offer_id) for offer_id, _ in households],
                    [key for _, key in households],
                    list(households.values()),
                    [deals[offer_id].per_household for offer_id, _ in households],
                ],
            )
        if units:
            cursor.execute(
                """
                UPDATE streams_offer SET "left" = "left" - sold.units, version = version + 1,
                       status = CASE WHEN "left" > sold.units THEN status ELSE 'ended' END,
                       reason = CASE WHEN "left" > sold.units THEN reason ELSE 'sold_out' END,
                       ended_at = CASE WHEN "left" > sold.units THEN ended_at ELSE %s END
                  FROM unnest(%s::uuid[], %s::int[]) AS sold (id, units)
                 WHERE streams_offer.id = sold.id
                """,
                [now, _texts(units), [units[offer_id] for offer_id in sorted(units)]],
            )
    for offer_id in sorted(units):
        if deals[offer_id].sold_out:
            body = {"id": str(offer_id), "reason": str(Offer.Reason.SOLD_OUT)}
            announce.tell_room(stream_id=deals[offer_id].stream_id, t="offer.ended", d=body)


def spend(uses: Mapping[tuple[UUID, UUID], int]) -> None:
    """Count uses of locked claims, by (coupon, buyer)."""
    if not uses:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE streams_couponclaim SET used = used + spent.uses
              FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS spent (coupon_id, buyer_id, uses)
             WHERE streams_couponclaim.coupon_id = spent.coupon_id
               AND streams_couponclaim.buyer_id = spent.buyer_id
            """,
            [[str(coupon) for coupon, _ in uses], [str(buyer) for _, buyer in uses], list(uses.values())],
        )
    coupons.tell_used(uses)


def _texts(ids: Iterable[UUID]) -> list[str]:
    return [str(each) for each in sorted(ids)]


def give_back(
    *,
    buyers: Mapping[tuple[UUID, UUID], int],
    households: Mapping[tuple[UUID, str], int],
    claims: Mapping[tuple[UUID, UUID], int],
) -> None:
    """Take back what was counted of locked offers for buyers and households, and uses of claimed coupons.

    By (offer, buyer), (offer, key of the household) and (coupon, buyer). Raises ValueError when a buyer never
    had so many.
    """
    with connection.cursor() as cursor:
        if buyers:
            pairs = sorted(buyers)
            cursor.execute(
                """
                UPDATE streams_offerbuyer AS had SET units = had.units - back.units
                  FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS back (offer_id, buyer_id, units)
                 WHERE had.offer_id = back.offer_id AND had.buyer_id = back.buyer_id
                   AND had.units >= back.units
                """,
                [
                    [str(one) for one, _ in pairs],
                    [str(one) for _, one in pairs],
                    [buyers[one] for one in pairs],
                ],
            )
            if cursor.rowcount != len(pairs):
                raise ValueError(f"some of {len(pairs)} buyers do not have the units that they give back")
        if households:
            cursor.execute(
                """
                UPDATE streams_offerhousehold AS had SET units = had.units - back.units
                  FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS back (offer_id, key, units)
                 WHERE had.offer_id = back.offer_id AND had.key = back.key AND had.units >= back.units
                """,
                [
                    [str(offer_id) for offer_id, _ in households],
                    [key for _, key in households],
                    list(households.values()),
                ],
            )
        if claims:
            # In the order of their ids, as everywhere.
            cursor.execute(
                """
                UPDATE streams_couponclaim AS had SET used = had.used - back.uses
                  FROM (SELECT c.id, b.uses
                          FROM streams_couponclaim c
                          JOIN unnest(%s::uuid[], %s::uuid[], %s::int[]) AS b (coupon_id, buyer_id, uses)
                            ON b.coupon_id = c.coupon_id AND b.buyer_id = c.buyer_id
                         WHERE c.used >= b.uses ORDER BY c.id FOR NO KEY UPDATE OF c) AS back
                 WHERE had.id = back.id
                """,
                [
                    [str(coupon_id) for coupon_id, _ in claims],
                    [str(buyer_id) for _, buyer_id in claims],
                    list(claims.values()),
                ],
            )


def count_households(*, offer_id: UUID, keys: Collection[str], units: int, cap: int) -> bool:
    """Add units to those that households have of a locked offer, `cap` at most; False when one would have
    too many.
    """
    if units > cap:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO streams_offerhousehold AS had (offer_id, key, units, cap)
            SELECT %s, key, %s, %s FROM unnest(%s::text[]) AS home (key) ORDER BY key
            ON CONFLICT (offer_id, key) DO UPDATE SET units = had.units + EXCLUDED.units
             WHERE had.units + EXCLUDED.units <= had.cap
            """,
            [offer_id, units, cap, sorted(keys)],
        )
        return bool(cursor.rowcount == len(keys))


def spend_again(*, coupon_id: UUID, buyer_id: UUID, now: datetime) -> Literal["over", "used_up"] | None:
    """Count a use that was given back; returns why not, when the coupon is over or she has used it up."""
    running = Coupon.objects.filter(pk=coupon_id, status=Coupon.Status.OPEN, closes_at__gt=now)
    rows = CouponClaim.objects.filter(coupon_id=coupon_id, buyer_id=buyer_id, used__lt=F("cap"))
    if not running.exists():
        return "over"
    return None if rows.update(used=F("used") + 1) else "used_up"
