"""Holds: units promised to a purchase. Taken with it, kept when it is paid, given back when it is not.

Locks are taken in one order everywhere: the purchase, the buyer's cart, offers by id, their buyers' rows,
then stock by variant id.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from catalog import stock
from orders.models import Hold, Purchase
from streams import announce, offers


def take(*, buyer_id: UUID, held: Iterable[Hold], now: datetime) -> None:
    """Take the units of these holds from offers and stock, inside the caller's transaction.

    Raises what `offers.take` raises (OfferEnded, OfferSoldOut, CustomerLimit) and `stock.OutOfStock`.
    """
    of_offers, of_stock = _units(held)
    for offer_id in sorted(of_offers):
        offers.take(offer_id=offer_id, buyer_id=buyer_id, units=of_offers[offer_id], now=now)
    stock.take(units=of_stock, now=now)
    announce.stock_moved(variants=of_stock, offers=of_offers)


def keep(*, purchase: Purchase, now: datetime) -> None:
    """Turn a paid purchase's holds into sold units, without touching the stock row everybody wants."""
    Hold.objects.filter(purchase=purchase, status=Hold.Status.HELD).update(
        status=Hold.Status.TAKEN, updated_at=now
    )


def release(*, purchase: Purchase, now: datetime) -> None:
    """Give a purchase's held units back to offers and stock; nothing happens when they are back already.

    The caller has locked the purchase.
    """
    held = list(Hold.objects.filter(purchase=purchase, status=Hold.Status.HELD))
    if not held:
        return
    of_offers, of_stock = _units(held)
    for offer_id in sorted(of_offers):
        offers.give_back(offer_id=offer_id, buyer_id=purchase.buyer_id, units=of_offers[offer_id], now=now)
    stock.give_back(units=of_stock, now=now)
    Hold.objects.filter(purchase=purchase, status=Hold.Status.HELD).update(
        status=Hold.Status.RELEASED, updated_at=now
    )
    announce.stock_moved(variants=of_stock, offers=of_offers)


def retake(*, purchase: Purchase, now: datetime) -> None:
    """Take a purchase's released units again, all of them.

    Raises like `take`. The caller has locked the purchase.
    """
    released = list(Hold.objects.filter(purchase=purchase, status=Hold.Status.RELEASED))
    take(buyer_id=purchase.buyer_id, held=released, now=now)
    Hold.objects.filter(purchase=purchase, status=Hold.Status.RELEASED).update(
        status=Hold.Status.HELD, updated_at=now
    )


def _units(held: Iterable[Hold]) -> tuple[Counter[UUID], Counter[UUID]]:
    of_offers: Counter[UUID] = Counter()
    of_stock: Counter[UUID] = Counter()
    for hold in held:
        of_stock[hold.variant_id] += hold.quantity
        if hold.offer_id is not None:
            of_offers[hold.offer_id] += hold.quantity
    return of_offers, of_stock
