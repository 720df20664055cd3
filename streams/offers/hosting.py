"""What a host does with offers in her show: announce, open, extend, end."""

from datetime import datetime, timedelta
from typing import Unpack
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from commerce import money
from commerce.money import Money
from streams import announce as telling
from streams import bodies, goods, queries
from streams.models import Offer, ShowcaseItem
from streams.offers import clock, floor, quota, references, rows, rules
from streams.offers.rules import Asked

_DAY = timedelta(seconds=rules.SECONDS[-1])


def open(  # offers.open() reads as what it does
    *, host_id: UUID, stream_id: UUID, now: datetime, **asked: Unpack[Asked]
) -> Offer:
    """Open an offer on a live show's item and tell the room.

    Raises UnknownShow, StreamNotLive, UnknownItem, NotOfProduct, NotForSale, PriceAboveList, PriceBelowFloor,
    ReferenceNotProven, OfferAlreadyOpen, OfferAnnounced, BadOffer.
    """
    rules.check(asked)
    with transaction.atomic():
        offer = _made(host_id, stream_id, asked, opens_at=now, now=now)
        offer.status = Offer.Status.OPEN
        _insert(offer)
        telling.tell_room(stream_id=stream_id, t="offer.started", d=bodies.offer(offer))
    return offer


def announce(
    *, host_id: UUID, stream_id: UUID, opens_at: datetime, now: datetime, **asked: Unpack[Asked]
) -> Offer:
    """Tell a live show's room of an offer that opens by the clock, 5 seconds to a day ahead.

    Raises what `open` raises.
    """
    rules.check(asked)
    if not rules.SECONDS.start <= (opens_at - now).total_seconds() <= rules.SECONDS[-1]:
        wrong = f"{rules.SECONDS.start} to {rules.SECONDS[-1]} seconds ahead"
        raise rules.BadOffer(errors={"opens_in": wrong})
    with transaction.atomic():
        offer = _made(host_id, stream_id, asked, opens_at=opens_at, now=now)
        offer.status = Offer.Status.ANNOUNCED
        _insert(offer)
        telling.tell_room(stream_id=stream_id, t="offer.announced", d=bodies.offer(offer))
    return offer


def open_now(*, host_id: UUID, offer_id: UUID, now: datetime) -> Offer:
    """Open an announced offer before its time, for as long as was announced; one that is open stays so.

    Raises UnknownOffer, StreamNotLive, OfferEnded, OfferAlreadyOpen, PriceBelowFloor (it rose meanwhile).
    """
    with transaction.atomic():
        offer = rows.of_host(host_id=host_id, offer_id=offer_id)
        queries.live_show(host_id=host_id, stream_id=offer.stream_id)
        if offer.status == Offer.Status.ENDED or now >= offer.closes_at:
            raise rules.OfferEnded(reason=offer.reason or Offer.Reason.TIME)
        if offer.status == Offer.Status.ANNOUNCED:
            price = Money(offer.amount, offer.currency)
            floor.check(product_id=offer.item.product_id, variant_id=offer.variant_id, price=price)
            clock.end_due(now=now, item_id=offer.item_id)
            rows.begin(offer, at=min(now, offer.opens_at))
    return offer


def extend(*, host_id: UUID, offer_id: UUID, seconds: int, now: datetime) -> Offer:
    """Let an offer run `seconds` longer and tell the room.

    Raises UnknownOffer, OfferEnded, OfferAnnounced (another one opens before that), BadOffer.
    """
    if seconds not in rules.SECONDS:
        raise rules.BadOffer(errors={"seconds": f"between {rules.SECONDS.start} and {rules.SECONDS[-1]}"})
    with transaction.atomic():
        offer = rows.of_host(host_id=host_id, offer_id=offer_id)
        if offer.status == Offer.Status.ENDED or now >= offer.closes_at:
            raise rules.OfferEnded(reason=offer.reason or Offer.Reason.TIME)
        closes_at = offer.closes_at + timedelta(seconds=seconds)
        if closes_at - max(now, offer.opens_at) > _DAY:
            raise rules.BadOffer("An offer may run for a day at most.", errors={"seconds": "too long"})
        _check_announced(offer.item_id, before=closes_at, but=offer.id)
        offer.closes_at = closes_at
        rows.save(offer, "closes_at")
        telling.tell_room(stream_id=offer.stream_id, t="offer.updated", d=bodies.offer(offer))
    return offer


def end(*, host_id: UUID, offer_id: UUID, now: datetime) -> Offer:
    """End an open or announced offer by its host's hand and tell the room; one that has ended stays so.

    One that is sold out ends for good: units that come back open it no more. Raises UnknownOffer.
    """
    with transaction.atomic():
        offer = rows.of_host(host_id=host_id, offer_id=offer_id)
        if offer.status != Offer.Status.ENDED or quota.may_sell_again(offer, now=now):
            rows.stop(offer, now=now)
    return offer


def end_all(*, stream_id: UUID, now: datetime) -> None:
    """End every offer of a show that is being ended, inside the caller's transaction.

    Sold-out offers whose window still runs are locked too: a purchase that gives units back at this moment
    then waits, sees that the show is over, and does not reopen its offer.
    """
    concerned = Offer.objects.select_for_update(of=("self",), no_key=True).filter(
        ~Q(status=Offer.Status.ENDED) | Q(closes_at__gt=now), stream_id=stream_id
    )
    for offer in concerned.order_by("pk"):
        if offer.status != Offer.Status.ENDED:
            rows.stop(offer, now=now)


def is_taken(item: ShowcaseItem) -> bool:
    """Say whether an offer for the item is open or announced."""
    return item.offers.exclude(status=Offer.Status.ENDED).exists()


def _made(host_id: UUID, stream_id: UUID, asked: Asked, *, opens_at: datetime, now: datetime) -> Offer:
    """Lock the show, check what is asked for against its goods, and return the offer, not saved yet."""
    queries.live_show(host_id=host_id, stream_id=stream_id)
    item = queries.item(stream_id=stream_id, item_id=asked["item_id"])
    variant_id, amount = asked.get("variant_id"), asked["amount"]
    listed = goods.list_price(product_id=item.product_id, variant_id=variant_id)
    if amount > listed.amount:
        raise rules.PriceAboveList(list_price=listed.as_dict())
    if amount % money.step(listed.currency):
        raise rules.BadOffer(errors={"amount": f"a multiple of {money.step(listed.currency)}"})
    price = Money(amount, listed.currency)
    floor.check(product_id=item.product_id, variant_id=variant_id, price=price)
    closes_at = opens_at + timedelta(seconds=asked["seconds"])
    clock.end_due(now=now, item_id=item.id)
    _check_announced(item.id, before=closes_at)
    if Offer.objects.filter(item=item, status=Offer.Status.OPEN, closes_at__gt=opens_at).exists():
        raise rules.OfferAlreadyOpen
    offer = Offer(
        stream_id=stream_id,
        item=item,
        variant_id=variant_id,
        amount=amount,
        list_amount=listed.amount,
        currency=listed.currency,
        quota=asked["quota"],
        left=asked["quota"],
        per_buyer=asked.get("per_buyer", 1),
        per_household=asked.get("per_household"),
        tries_per_minute=asked.get("tries_per_minute"),
        admits_per_second=asked.get("admits_per_second"),
        turn_seconds=asked.get("turn_seconds", 120),
        grace_seconds=asked.get("grace_seconds", 0),
        takes_coupons=asked.get("takes_coupons", False),
        announced_at=now,
        opens_at=opens_at,
        closes_at=closes_at,
    )
    offer.reference_amount = references.of(offer, at=now)
    wished = asked.get("reference")
    if wished is not None and wished != offer.reference_amount:
        proven = offer.reference_amount
        raise rules.ReferenceNotProven(
            proven=Money(proven, offer.currency).as_dict() if proven is not None else None
        )
    return offer


def _check_announced(item_id: UUID, *, before: datetime, but: UUID | None = None) -> None:
    announced = Offer.objects.filter(item_id=item_id, status=Offer.Status.ANNOUNCED, opens_at__lt=before)
    if (announced if but is None else announced.exclude(pk=but)).exists():
        raise rules.OfferAnnounced


def _insert(offer: Offer) -> None:
    try:
        with transaction.atomic():
            offer.save(force_insert=True)
    except IntegrityError as error:
        if "offer_one_open_per_item" in str(error):
            raise rules.OfferAlreadyOpen from None
        if "offer_one_announced_per_item" in str(error):
            raise rules.OfferAnnounced from None
        raise
