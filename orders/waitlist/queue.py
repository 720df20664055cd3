"""Units that come back, and the line for them: every unit that returns goes through here.

Whoever joins a line and whoever hands out its units take the line's lock, the first shared, the second alone:
so nobody joins unseen between the look at the line and the unit's way back to the stock. Then come turns by
id, offers by id, what `meanwhile` locks, and stock by variant id, as everywhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from catalog import preorders
from catalog.models import Price, PriceFloor, Product, Stock
from catalog.shelf import stock
from commerce import outbox
from orders import transactions
from orders.models import WaitlistEntry
from orders.waitlist import turns, waiting
from orders.waitlist.turns import Waiter
from streams import announce, offers
from streams.models import Offer, OfferBuyer, Stream

CANDIDATES = 500  # Of the front of each line that are looked at, at most.

Status = WaitlistEntry.Status


def returned(
    *,
    units: Mapping[UUID, int],
    of_offers: Mapping[UUID, int],
    now: datetime,
    all_stock: bool = False,
    meanwhile: Callable[[], object] | None = None,
) -> list[UUID]:
    """Give units per variant, and units per offer, to the next in line, and what nobody waits for back to
    stock and offers; inside the caller's transaction. Returns the entries whose turn it is.

    `meanwhile` is called with the offers locked and the stock not yet: there a purchase takes back what it
    counted for its buyer, household and coupon. With `all_stock` the stock of all units is locked, also of
    those that the next in line gets and that leave it as it is. Raises UnknownOffer.
    """
    with transaction.atomic():
        lock(units)
        front = waiting_for(units, of_offers=of_offers, now=now)
        chosen = _choose(front, stock=units, of_offers=of_offers, now=now)
        _hand_out(chosen, units=units, of_offers=of_offers, now=now, all_stock=all_stock, meanwhile=meanwhile)
    return [one.id for one in chosen]


def give_back(*, units: Mapping[UUID, int], now: datetime) -> None:
    """Give units that were taken from the stock to the next in line or back to it, inside the caller's
    transaction, and have it told.
    """
    returned(units=units, of_offers={}, now=now)


def serve(*, variant_ids: Iterable[UUID], offer_ids: Iterable[UUID], now: datetime) -> list[UUID]:
    """Give the next in line what can be had anyhow: units that a merchant or a host has added.

    Cheap when nobody waits, and safe to repeat. Returns the entries whose turn it is. Raises Busy.
    """
    # Asked after every purchase; nearly always there is nothing left, and the lines need not be looked at.
    there = Stock.objects.filter(pk__in=list(variant_ids), available__gt=0)
    stocked = set(there.values_list("pk", flat=True))
    quotas = set(Offer.objects.filter(pk__in=list(offer_ids), left__gt=0).values_list("pk", flat=True))
    if not stocked and not quotas:
        return []
    concerned = Q(variant_id__in=stocked) | Q(offer_id__in=quotas)
    in_quota = Q(offer=None) | Q(offer__left__gte=F("quantity"))
    ready = _fit(WaitlistEntry.objects.filter(concerned), now).filter(
        in_quota, variant__stock__available__gte=F("quantity")
    )
    variants = sorted(set(ready.values_list("variant_id", flat=True)))
    return transactions.run(lambda: _serve(variants, now)) if variants else []


def given_up(rows: Iterable[WaitlistEntry], *, now: datetime) -> None:
    """Give the units of ended turns on, inside the caller's transaction, which has the lines' locks."""
    units: Counter[UUID] = Counter()
    of_offers: Counter[UUID] = Counter()
    for row in rows:
        units[row.variant_id] += row.quantity
        if row.offer_id is not None:
            of_offers[row.offer_id] += row.quantity
    if units:
        returned(units=units, of_offers=of_offers, now=now)


def lock(variant_ids: Iterable[UUID], *, shared: bool = False) -> None:
    """Hold the lines of variants until the transaction ends: alone, or with others who join.

    A lock of the stock's row would do it, too, but thousands join while it is wanted by everybody else.
    """
    how = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        for variant_id in sorted(set(variant_ids)):
            cursor.execute(f"SELECT {how}(hashtextextended(%s, 0))", [f"line:{variant_id}"])


# An offer that sells, or would if units came back.
SELLS = Q(offer__status=Offer.Status.OPEN) | Q(offer__reason=Offer.Reason.SOLD_OUT)


def _fit(entries: QuerySet[WaitlistEntry], now: datetime) -> QuerySet[WaitlistEntry]:
    """Those who wait for what may be sold now: goods for sale, an offer whose window runs at a price that the
    merchant still takes, a live show.
    """
    priced = Price.objects.filter(variant=OuterRef("variant"), valid_to=None)
    floors = PriceFloor.objects.filter(variant=OuterRef("variant"), currency=OuterRef("offer__currency"))
    in_currency = Exists(priced.filter(currency=OuterRef("offer__currency")))
    above = Exists(floors.filter(amount__gt=OuterRef("offer__amount")))
    in_window = SELLS & Q(offer__opens_at__lte=now, offer__closes_at__gt=now)
    return entries.filter(
        Q(offer=None) | in_window & in_currency & ~above,
        Exists(priced),
        status=Status.WAITING,
        stream__status=Stream.Status.LIVE,
        variant__is_active=True,
        variant__product__status=Product.Status.APPROVED,
        variant__merchant__is_active=True,
    )


def waiting_for(units: Mapping[UUID, int], *, of_offers: Mapping[UUID, int], now: datetime) -> list[Waiter]:
    """Return the front of each variant's line: enough of those who fit for so many units."""
    most = {pk: min(CANDIDATES, 50 + each) for pk, each in units.items()}
    return waiting.front(units, of_offers=of_offers, most=most, now=now)


def _serve(variant_ids: list[UUID], now: datetime) -> list[UUID]:
    lock(variant_ids)
    there = dict(Stock.objects.filter(pk__in=variant_ids).values_list("pk", "available"))
    candidates = waiting_for(there, of_offers={}, now=now)
    _lock_offers(candidates, {})
    rows = Stock.objects.select_for_update(no_key=True).filter(pk__in=variant_ids).order_by("pk")
    available = {row.pk: row.available for row in rows}
    chosen = _choose(candidates, stock=available, of_offers={}, now=now)
    _hand_out(chosen, units={}, of_offers={}, now=now)
    return [one.id for one in chosen]


def _lock_offers(candidates: Iterable[Waiter], of_offers: Mapping[UUID, int]) -> list[Offer]:
    concerned = {*of_offers, *(one.offer_id for one in candidates if one.offer_id)}
    if not concerned:
        return []
    rows = Offer.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=concerned)
    return list(rows.order_by("pk"))


def _choose(
    candidates: list[Waiter], *, stock: Mapping[UUID, int], of_offers: Mapping[UUID, int], now: datetime
) -> list[Waiter]:
    if not candidates:
        return []
    locked = _lock_offers(candidates, of_offers)
    left = {
        each.id: each.left + of_offers.get(each.id, 0)
        for each in locked
        if offers.may_sell_again(each, now=now)
    }
    return turns.next_turns(candidates, stock=stock, offers=left, rooms=_rooms(candidates, locked))


def _rooms(candidates: Iterable[Waiter], locked: Iterable[Offer]) -> dict[tuple[UUID, UUID], int]:
    """How many more of each locked offer those who wait for it may have, beside what they have in turns."""
    buyers = sorted({one.buyer_id for one in candidates if one.offer_id is not None})
    caps = {each.id: each.per_buyer for each in locked}
    had = OfferBuyer.objects.filter(offer__in=caps, buyer__in=buyers)
    rooms = {(row.offer_id, row.buyer_id): row.cap - row.units for row in had}
    turned = waiting.in_turn(sorted(caps), buyers)
    return {
        (one.offer_id, one.buyer_id): rooms.get((one.offer_id, one.buyer_id), caps[one.offer_id])
        - turned.get((one.offer_id, one.buyer_id), 0)
        for one in candidates
        if one.offer_id in caps
    }


def _hand_out(
    chosen: list[Waiter],
    *,
    units: Mapping[UUID, int],
    of_offers: Mapping[UUID, int],
    now: datetime,
    all_stock: bool = False,
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Write the turns down, and what stock and offers have more, or less, in all."""
    offers_gain, stock_gain = Counter(of_offers), Counter(units)
    for one in chosen:
        stock_gain[one.variant_id] -= one.quantity
        if one.offer_id is not None:
            offers_gain[one.offer_id] -= one.quantity
    for offer_id in sorted(offers_gain):
        if (gain := offers_gain[offer_id]) > 0:
            offers.put_back(offer_id=offer_id, units=gain, now=now)
        elif gain < 0:
            offers.set_aside(offer_id=offer_id, units=-gain, now=now)
    if meanwhile is not None:
        meanwhile()
    # Before the stock, because everybody wants its rows.
    if chosen:
        _begin(chosen, now)
    if all_stock:
        stock.lock(units.keys(), skip_locked=False)
    stock.take(units={pk: -gain for pk, gain in stock_gain.items() if gain < 0}, now=now)
    stock.give_back(units={pk: gain for pk, gain in stock_gain.items() if gain > 0}, now=now)
    announce.stock_moved(
        variants=[pk for pk, gain in stock_gain.items() if gain],
        offers=[pk for pk, gain in offers_gain.items() if gain],
    )


def _begin(chosen: list[Waiter], now: datetime) -> None:
    """Begin these turns and tell their owners, in a few statements however many there are.

    Of a pre-order that cannot be bought yet a turn's time is counted from when it can.
    """
    found = WaitlistEntry.objects.select_related("stream", "offer", "variant").filter(
        pk__in=[one.id for one in chosen]
    )
    rows = list(found.order_by("id"))
    ends: dict[datetime, list[UUID]] = {}
    for row in rows:
        seconds = row.offer.turn_seconds if row.offer else settings.WAITLIST_TURN_SECONDS
        begins = max(now, preorders.opens_at(row.variant.release_at) or now)
        row.status, row.turn_until, row.updated_at = Status.OFFERED, begins + timedelta(seconds=seconds), now
        ends.setdefault(row.turn_until, []).append(row.id)
    for until, each in ends.items():
        found.filter(pk__in=each).update(status=Status.OFFERED, turn_until=until, updated_at=now)
    announce.tell_users(
        (row.buyer_id, "waitlist.turn", body, f"waitlist.turn:{row.id}")
        for row, body in zip(rows, waiting.rendered(rows), strict=True)
    )
    # Who has a turn need not stand in the offer's waiting room.
    outbox.record_all(
        (
            "turn.begun",
            {"user": str(row.buyer_id), "offer": str(row.offer_id), "until": row.turn_until.isoformat()},
            f"turn.begun:{row.id}",
        )
        for row in rows
        if row.turn_until and row.offer and row.offer.admits_per_second is not None
    )
