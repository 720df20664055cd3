"""Holds for carts: units that left the stock for one shopper's cart, until a published end.

Only where the merchant's policy says so; without one the first to pay is the first served. The end is set
when the first units of a variant are held, and nothing that is done to the line moves it. Callers have locked
the shopper's cart: after it come the holds by id, then waitlist and stock by variant id.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import F

from catalog.models import Variant
from catalog.shelf import stock
from commerce import ids
from orders.carts import bodies
from orders.models import Cart, CartHold, CartHolder
from orders.waitlist import queue
from streams import announce


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change of holds takes out of the stock, and what it gives back before, per variant."""

    taken: dict[UUID, int] = field(default_factory=dict)
    given: dict[UUID, int] = field(default_factory=dict)

    def __or__(self, other: "Moved") -> "Moved":
        return Moved({**self.taken, **other.taken}, {**self.given, **other.given})

    def net(self, variant_id: UUID) -> int:
        """Return how many units the stock has less (above 0) or more (below 0), should nobody be in line."""
        return self.taken.get(variant_id, 0) - self.given.get(variant_id, 0)

    def settle(self, *, now: datetime) -> None:
        """Move the units, all or none: last in the transaction, because everybody wants these rows.

        What is given goes to those in line before it can be taken. Raises stock.OutOfStock.
        """
        if self.given:
            # All rows in the order of their ids, whichever way their units go.
            both = {*self.taken, *self.given}
            queue.returned(
                units=self.given,
                of_offers={},
                now=now,
                meanwhile=partial(stock.lock, both, skip_locked=False),
            )
        stock.take(units=self.taken, now=now)
        announce.stock_moved(variants=self.taken)


def hold(*, buyer_id: UUID, units: Mapping[UUID, int], now: datetime) -> Moved:
    """Hold at least so many units of each variant whose merchant holds for this shopper.

    Returns what has to be settled. A hold that runs keeps its end; one that is over is given back, and what
    is held anew queues like everybody else.
    """
    terms = _terms(buyer_id, units, now)
    if not terms:
        return Moved()
    kept = _locked(buyer_id, units)
    taken: dict[UUID, int] = {}
    given: dict[UUID, int] = {}
    tallied: dict[UUID, int] = {}
    for variant_id in sorted(terms):
        merchant_id, until = terms[variant_id]
        running = kept.get(variant_id)
        if running is not None and running.until <= now:
            # What came back is offered to those who wait before it can be held anew.
            _lapse([running], now)
            given[variant_id] = running.quantity
            running = None
        more = units[variant_id] - (running.quantity if running else 0)
        if more <= 0:
            continue
        if running is None:
            CartHold.objects.create(
                id=ids.new(),
                buyer_id=buyer_id,
                merchant_id=merchant_id,
                variant_id=variant_id,
                quantity=more,
                until=until,
                created_at=now,
            )
        else:
            CartHold.objects.filter(pk=running.pk).update(quantity=F("quantity") + more)
        taken[variant_id] = more
        tallied[merchant_id] = tallied.get(merchant_id, 0) + more
    _tally(buyer_id, tallied, now)
    return Moved(taken, given)


def adjust(*, buyer_id: UUID, units: Mapping[UUID, int], now: datetime) -> Moved:
    """Hold no more than so many units of each variant; returns what has to be settled."""
    given: dict[UUID, int] = {}
    for variant_id, running in _locked(buyer_id, units).items():
        most = units[variant_id]
        if running.quantity <= most:
            continue
        given[variant_id] = running.quantity - most
        if most:
            CartHold.objects.filter(pk=running.pk).update(quantity=most)
        else:
            running.delete()
    return Moved(given=given)


def release(*, buyer_id: UUID, variant_ids: Iterable[UUID], now: datetime) -> Moved:
    """Hold nothing of these variants any more; returns what has to be settled."""
    return adjust(buyer_id=buyer_id, units=dict.fromkeys(variant_ids, 0), now=now)


def moved_into_purchase(*, buyer_id: UUID, variant_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many units of each variant a purchase of this buyer need not take from the stock again."""
    held = CartHold.objects.filter(buyer_id=buyer_id, variant_id__in=variant_ids)
    return dict(held.values_list("variant_id", "quantity"))


def consume(*, buyer_id: UUID, units: Mapping[UUID, int]) -> dict[UUID, int]:
    """Move held units into a purchase of the same buyer, inside its transaction; the rest stays held.

    Returns how many units of each variant the purchase need not take from the stock.
    """
    if not moved_into_purchase(buyer_id=buyer_id, variant_ids=units.keys()):
        return {}
    list(Cart.objects.select_for_update(no_key=True).filter(pk=buyer_id))
    moved: dict[UUID, int] = {}
    for variant_id, running in _locked(buyer_id, units).items():
        moved[variant_id] = min(units[variant_id], running.quantity)
        if moved[variant_id] == running.quantity:
            running.delete()
        else:
            CartHold.objects.filter(pk=running.pk).update(quantity=F("quantity") - moved[variant_id])
    return {variant_id: count for variant_id, count in moved.items() if count}


def due(*, now: datetime, limit: int, without: Collection[UUID] = ()) -> list[UUID]:
    """Return the shoppers of the holds that are over, oldest first, less those `without`."""
    over = CartHold.objects.filter(until__lte=now).exclude(buyer_id__in=without)
    return list(dict.fromkeys(over.order_by("until").values_list("buyer_id", flat=True)[:limit]))


def lapse(*, buyer_ids: Collection[UUID], now: datetime) -> list[UUID]:
    """Give back what these shoppers' carts held until now or before; returns whose carts were touched.

    A cart that somebody is changing is left for the next time. Its lines stay.
    """
    carts = Cart.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=buyer_ids)
    free = [cart.buyer_id for cart in carts.order_by("pk")]
    over = list(CartHold.objects.select_for_update().filter(buyer_id__in=free, until__lte=now).order_by("id"))
    if not over:
        return []
    touched = sorted({each.buyer_id for each in over})
    _lapse(over, now)
    Cart.objects.filter(pk__in=touched).update(version=F("version") + 1, updated_at=now)
    units: dict[UUID, int] = {}
    for each in over:
        units[each.variant_id] = units.get(each.variant_id, 0) + each.quantity
    queue.give_back(units=units, now=now)
    return touched


def warn(*, now: datetime, ahead: timedelta, limit: int) -> dict[UUID, list[CartHold]]:
    """Mark the holds that end within `ahead` as warned, once each; returns them by shopper."""
    ending = (
        CartHold.objects.select_for_update(skip_locked=True)
        .filter(warned_at=None, until__gt=now, until__lte=now + ahead)
        .order_by("until")[:limit]
    )
    warned: dict[UUID, list[CartHold]] = {}
    for each in ending:
        warned.setdefault(each.buyer_id, []).append(each)
    CartHold.objects.filter(pk__in=[each.pk for some in warned.values() for each in some]).update(
        warned_at=now
    )
    return warned


def _terms(buyer_id: UUID, units: Collection[UUID], now: datetime) -> dict[UUID, tuple[UUID, datetime]]:
    """Merchant and end of what would be held from now on, for the variants that are held for her."""
    owners = dict(Variant.objects.filter(pk__in=units).values_list("id", "merchant_id"))
    seconds = bodies.hold_seconds(buyer_id=buyer_id, variants=owners)
    return {pk: (owners[pk], now + timedelta(seconds=each)) for pk, each in seconds.items()}


def _locked(buyer_id: UUID, variant_ids: Collection[UUID]) -> dict[UUID, CartHold]:
    rows = CartHold.objects.select_for_update().filter(buyer_id=buyer_id, variant_id__in=list(variant_ids))
    return {row.variant_id: row for row in rows.order_by("id")}


def _lapse(over: Collection[CartHold], now: datetime) -> None:
    lost: dict[tuple[UUID, UUID], int] = {}
    for each in over:
        pair = each.buyer_id, each.merchant_id
        lost[pair] = lost.get(pair, 0) + each.quantity
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_cartholder AS row SET lapsed = row.lapsed + lost.units, last_at = %s"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS lost (buyer_id, merchant_id, units)"
            " WHERE row.buyer_id = lost.buyer_id AND row.merchant_id = lost.merchant_id",
            [
                now,
                [str(buyer) for buyer, _ in lost],
                [str(merchant) for _, merchant in lost],
                [*lost.values()],
            ],
        )
    CartHold.objects.filter(pk__in=[each.pk for each in over]).delete()


def _tally(buyer_id: UUID, held: Mapping[UUID, int], now: datetime) -> None:
    if not held:
        return
    CartHolder.objects.bulk_create(
        [CartHolder(merchant_id=each, buyer_id=buyer_id, last_at=now) for each in held], ignore_conflicts=True
    )
    for merchant_id in sorted(held):
        CartHolder.objects.filter(merchant_id=merchant_id, buyer_id=buyer_id).update(
            held=F("held") + held[merchant_id], last_at=now
        )
