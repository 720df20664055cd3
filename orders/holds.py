"""Holds: units promised to a purchase. Taken with it, kept when it is paid, given back when it is not.

Locks are taken in one order everywhere: the purchase, the buyer's cart, her turns, offers by id with what is
counted of them, claimed coupons, then stock by variant id.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

from catalog.shelf import stock
from orders.carts import contents
from orders.models import Hold, OrderLine, Purchase
from orders.till.refusals import CouponSpent, HouseholdLimit
from orders.waitlist import places, queue
from streams import announce, grants, offers
from streams.models import Offer


def take(
    *,
    buyer_id: UUID,
    held: Iterable[Hold],
    now: datetime,
    spared: Mapping[UUID, int] | None = None,
    hers: Mapping[UUID | None, Mapping[UUID, int]] | None = None,
) -> None:
    """Take the units of these holds from offers and stock, inside the caller's transaction.

    Units that were held for the buyer's cart (`spared`, by variant), and those of her turn in a line (`hers`,
    by offer and variant), left stock and offer before. Raises what `offers.take` raises (OfferEnded,
    OfferSoldOut, CustomerLimit) and `stock.OutOfStock`.
    """
    held = list(held)
    of_offers, of_stock = _units(held)
    turned = {offer_id: Counter(units) for offer_id, units in (hers or {}).items()}
    for offer_id in sorted(of_offers):
        set_aside = turned.get(offer_id, Counter()).total()
        if set_aside:
            offers.count(offer_id=offer_id, buyer_id=buyer_id, units=set_aside)
        if of_offers[offer_id] > set_aside:
            units = of_offers[offer_id] - set_aside
            offers.take(offer_id=offer_id, buyer_id=buyer_id, units=units, now=now)
    of_stock -= sum(turned.values(), Counter(spared or {}))
    try:
        stock.take(units=of_stock, now=now)
    except stock.OutOfStock as short:
        raise _of_line(short, held) from None
    announce.stock_moved(variants=of_stock, offers=of_offers)


def keep(*, purchases: Collection[Purchase], now: datetime) -> None:
    """Turn paid purchases' holds into sold units, without touching the stock row everybody wants."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_hold SET status = 'taken', updated_at = %s
             WHERE purchase_id = ANY(%s::uuid[]) AND status = 'held'
            """,
            [now, [purchase.pk for purchase in purchases]],
        )


def release(*, purchase: Purchase, now: datetime, all_stock: bool = False) -> None:
    """Give a purchase's held units back; see `release_all`."""
    release_all(purchases=[purchase], now=now, all_stock=all_stock)


def release_all(*, purchases: Collection[Purchase], now: datetime, all_stock: bool = False) -> None:
    """Give purchases' held units to the next in line, or back to offers and stock; nothing happens when they
    are back already.

    The caller has locked the purchases, and asks this last: what everybody wants is locked in it. With
    `all_stock` so is the stock of what goes to the next in line, for a caller who goes on with it.
    """
    ours = {purchase.pk: purchase for purchase in purchases}
    held = list(Hold.objects.filter(purchase__in=ours, status=Hold.Status.HELD).select_related("line"))
    if not held:
        return
    Hold.objects.filter(pk__in=[hold.pk for hold in held]).update(status=Hold.Status.RELEASED, updated_at=now)
    of_offers, of_stock = _units(held)
    buyers: Counter[tuple[UUID, UUID]] = Counter()
    homes: Counter[tuple[UUID, str]] = Counter()
    for line, purchase_id in {hold.line: hold.purchase_id for hold in held}.items():
        if line.offer_id is not None:
            buyers[line.offer_id, ours[purchase_id].buyer_id] += line.quantity
            homes.update({(line.offer_id, key): line.quantity for key in ours[purchase_id].households})
    claims = Counter(
        (coupon_id, ours[pk].buyer_id)
        for pk in {hold.purchase_id for hold in held}
        if (coupon_id := ours[pk].coupon_id)
    )
    queue.returned(
        units=of_stock,
        of_offers=of_offers,
        now=now,
        all_stock=all_stock,
        meanwhile=lambda: grants.give_back(buyers=buyers, households=homes, claims=claims),
    )


def retake(*, purchase: Purchase, now: datetime) -> None:
    """Take a purchase's released units again, all of them.

    Raises like `take`, HouseholdLimit, CouponSpent. The caller has locked the purchase. What the buyer has
    put in her cart again meanwhile is what she buys now.
    """
    released = _of(purchase, Hold.Status.RELEASED)
    of_offers, of_stock = _units(released)
    in_cart: Counter[UUID] = Counter()
    for line in {hold.line for hold in released}:
        in_cart[line.variant_id] += line.quantity
    spared = contents.bought(
        buyer_id=purchase.buyer_id, lines=in_cart, units=of_stock, stream_id=purchase.stream_id, now=now
    )
    hers = _turns(purchase.buyer_id, released, spared, now)
    for offer in Offer.objects.select_for_update(no_key=True).filter(pk__in=of_offers).order_by("pk"):
        cap, units = offer.per_household, of_offers[offer.id]
        if cap is not None and not grants.count_households(
            offer_id=offer.id, keys=purchase.households, units=units, cap=cap
        ):
            raise HouseholdLimit(offer=str(offer.id), per_household=cap)
    coupon_id = purchase.coupon_id
    if coupon_id is not None and (
        reason := grants.spend_again(coupon_id=coupon_id, buyer_id=purchase.buyer_id, now=now)
    ):
        raise CouponSpent(reason, coupon=coupon_id)
    # Last, because everybody wants the stock.
    take(buyer_id=purchase.buyer_id, held=released, now=now, spared=spared, hers=hers)
    Hold.objects.filter(purchase=purchase, status=Hold.Status.RELEASED).update(
        status=Hold.Status.HELD, updated_at=now
    )


def recount(*, purchase: Purchase, households: Collection[str]) -> None:
    """Count what a purchase still holds for these households in place of its own. Raises HouseholdLimit.

    The caller has locked the purchase.
    """
    gone, fresh = set(purchase.households) - {*households}, {*households} - set(purchase.households)
    if not gone and not fresh:
        return
    of_offers, _ = _units(_of(purchase, Hold.Status.HELD))
    back: Counter[tuple[UUID, str]] = Counter()
    for offer in Offer.objects.select_for_update(no_key=True).filter(pk__in=of_offers).order_by("pk"):
        cap, units = offer.per_household, of_offers[offer.id]
        if cap is None:
            continue
        if not grants.count_households(offer_id=offer.id, keys=fresh, units=units, cap=cap):
            raise HouseholdLimit(offer=str(offer.id), per_household=cap)
        back.update({(offer.id, key): units for key in gone})
    grants.give_back(buyers={}, households=back, claims={})


def _turns(
    buyer_id: UUID, held: Iterable[Hold], spared: Mapping[UUID, int], now: datetime
) -> dict[UUID | None, dict[UUID, int]]:
    """Use the buyer's turns for what she buys and her cart did not hold; units by offer and variant."""
    spare, wanted = Counter(spared), Counter[tuple[UUID, UUID | None]]()
    # To bundles' parts first: nobody is in line for a part by buying the bundle.
    for hold in sorted(held, key=lambda each: each.variant_id == each.line.variant_id):
        units = min(hold.quantity, spare[hold.variant_id])
        spare[hold.variant_id] -= units
        if hold.variant_id == hold.line.variant_id:
            wanted[hold.variant_id, hold.line.offer_id] += hold.quantity - units
    found: dict[UUID | None, dict[UUID, int]] = {}
    used = places.take_turns(buyer_id=buyer_id, wanted=+wanted, now=now)
    for (variant_id, offer_id), units in used.items():
        found.setdefault(offer_id, {})[variant_id] = units
    return found


def _of_line(short: stock.OutOfStock, held: Iterable[Hold]) -> stock.OutOfStock:
    """Name the line that was bought: of a bundle's parts its buyer has never heard."""
    part = UUID(short.data["variant"])
    for hold in held:
        if hold.variant_id == part and hold.line.variant_id != part:
            whole = short.data["left"] // (hold.quantity // hold.line.quantity)
            return stock.OutOfStock(variant=hold.line.variant_id, left=whole, part=part)
    return short


def _of(purchase: Purchase, status: Hold.Status) -> list[Hold]:
    return list(Hold.objects.filter(purchase=purchase, status=status).select_related("line"))


def _units(held: Iterable[Hold]) -> tuple[Counter[UUID], Counter[UUID]]:
    """Units per offer and per variant: of an offer a line's, once, though a bundle's parts are held."""
    of_offers: Counter[UUID] = Counter()
    of_stock: Counter[UUID] = Counter()
    lines_: dict[UUID, OrderLine] = {}
    for hold in held:
        of_stock[hold.variant_id] += hold.quantity
        lines_[hold.line_id] = hold.line
    for line in lines_.values():
        if line.offer_id is not None:
            of_offers[line.offer_id] += line.quantity
    return of_offers, of_stock
