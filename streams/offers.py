"""Offers: a live-only price with a quota, a limit per buyer and a window. Alone writes Offer and OfferBuyer.

Locks: a host's verb locks the show, then the offer. A purchase locks the offer, then its buyer's row, and
never the show, so neither waits for the other in a circle. The window is judged by `now`, whatever the sweep
has done so far.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from catalog.models import Variant
from commerce import errors
from streams import announce, bodies, goods, queries
from streams.models import Offer, OfferBuyer, ShowcaseItem, Stream

SECONDS = range(5, 24 * 3600 + 1)
MAX_QUOTA = 1_000_000
MAX_PER_BUYER = 99


class UnknownOffer(errors.NotFound):
    message = "There is no such offer."


class OfferMismatch(errors.Conflict):
    code = "OFFER_MISMATCH"
    message = "This offer is not for this product."


class OfferNotStarted(errors.Conflict):
    code = "OFFER_NOT_STARTED"
    message = "The offer has not started yet."
    temporary = True
    retry_ms = 1000


class OfferEnded(errors.Conflict):
    code = "OFFER_ENDED"
    message = "The offer has ended."


class OfferSoldOut(errors.Conflict):
    code = "OUT_OF_STOCK"
    message = "Sold out: somebody was faster."


class CustomerLimit(errors.Conflict):
    code = "CUSTOMER_LIMIT"
    message = "You have as many of this offer as one buyer may have."


class OfferAlreadyOpen(errors.Conflict):
    code = "OFFER_ALREADY_OPEN"
    message = "An offer for this product is running. End it first."


class PriceAboveList(errors.Invalid):
    code = "PRICE_ABOVE_LIST"
    message = "A live price may not be above the list price."


class BadOffer(errors.Invalid):
    message = "The offer is not valid."


@dataclass(frozen=True, slots=True)
class Quote:
    """What one unit costs under an offer, in minor units, and how many one buyer may have."""

    amount: int
    currency: str
    offer: Offer
    per_buyer: int


def open(  # offers.open() reads as what it does
    *,
    host_id: UUID,
    stream_id: UUID,
    item_id: UUID,
    amount: int,
    quota: int,
    seconds: int,
    now: datetime,
    per_buyer: int = 1,
    variant_id: UUID | None = None,
) -> Offer:
    """Open an offer at `amount` minor units for `seconds` on a live show's item and tell the room.

    Raises UnknownShow, StreamNotLive, UnknownItem, NotOfProduct, NotForSale, PriceAboveList,
    OfferAlreadyOpen, BadOffer.
    """
    _check_numbers(amount=amount, quota=quota, seconds=seconds, per_buyer=per_buyer)
    with transaction.atomic():
        queries.live_show(host_id=host_id, stream_id=stream_id)
        item = queries.item(stream_id=stream_id, item_id=item_id)
        reference = goods.list_price(product_id=item.product_id, variant_id=variant_id)
        if amount > reference.amount:
            raise PriceAboveList(list_price=reference.as_dict())
        _end_due(now=now, item_id=item_id)
        offer = Offer(
            stream_id=stream_id,
            item=item,
            variant_id=variant_id,
            amount=amount,
            list_amount=reference.amount,
            currency=reference.currency,
            quota=quota,
            left=quota,
            per_buyer=per_buyer,
            opens_at=now,
            closes_at=now + timedelta(seconds=seconds),
        )
        try:
            with transaction.atomic():
                offer.save(force_insert=True)
        except IntegrityError as error:
            if "offer_one_open_per_item" in str(error):
                raise OfferAlreadyOpen from None
            raise
        announce.tell_room(stream_id=stream_id, t="offer.started", d=bodies.offer(offer))
    return offer


def extend(*, host_id: UUID, offer_id: UUID, seconds: int, now: datetime) -> Offer:
    """Let an open offer run `seconds` longer and tell the room; raises UnknownOffer, OfferEnded, BadOffer."""
    if seconds not in SECONDS:
        raise BadOffer(errors={"seconds": f"between {SECONDS.start} and {SECONDS[-1]}"})
    with transaction.atomic():
        offer = _of_host(host_id=host_id, offer_id=offer_id)
        if offer.status != Offer.Status.OPEN or now >= offer.closes_at:
            raise OfferEnded(reason=offer.reason or Offer.Reason.TIME)
        closes_at = offer.closes_at + timedelta(seconds=seconds)
        if closes_at - now > timedelta(seconds=SECONDS[-1]):
            raise BadOffer("An offer may run for a day at most.", errors={"seconds": "too long"})
        offer.closes_at = closes_at
        _save(offer, "closes_at")
        announce.tell_room(stream_id=offer.stream_id, t="offer.updated", d=bodies.offer(offer))
    return offer


def end(*, host_id: UUID, offer_id: UUID, now: datetime) -> Offer:
    """End an offer by its host's hand and tell the room; one that has ended stays so. Raises UnknownOffer."""
    with transaction.atomic():
        offer = _of_host(host_id=host_id, offer_id=offer_id)
        if offer.status == Offer.Status.OPEN:
            _end(offer, reason=Offer.Reason.HOST, at=now)
    return offer


def end_all(*, stream_id: UUID, now: datetime) -> None:
    """End every open offer of a show that is being ended, inside the caller's transaction.

    Sold-out offers whose window still runs are locked too: a purchase that gives units back at this moment
    then waits, sees that the show is over, and does not reopen its offer.
    """
    concerned = Offer.objects.select_for_update(of=("self",), no_key=True).filter(
        Q(status=Offer.Status.OPEN) | Q(closes_at__gt=now), stream_id=stream_id
    )
    for offer in concerned.order_by("pk"):
        if offer.status == Offer.Status.OPEN:
            in_time = now < offer.closes_at
            _end(
                offer,
                reason=Offer.Reason.HOST if in_time else Offer.Reason.TIME,
                at=now if in_time else offer.closes_at,
            )


def close_due(*, now: datetime) -> int:
    """End the open offers whose window is over, tell their rooms, and return how many there were."""
    with transaction.atomic():
        return _end_due(now=now)


def quote(*, offer_id: UUID, stream_id: UUID, variant_id: UUID, now: datetime) -> Quote:
    """Return the price of a variant under an offer of this show, in minor units.

    Raises OfferMismatch (unknown, of another show, or for another variant), OfferNotStarted, OfferEnded,
    OfferSoldOut.
    """
    offer = Offer.objects.select_related("item").filter(pk=offer_id, stream_id=stream_id).first()
    if offer is None:
        raise OfferMismatch
    if offer.variant_id is not None:
        if offer.variant_id != variant_id:
            raise OfferMismatch
    elif not Variant.objects.filter(pk=variant_id, product_id=offer.item.product_id).exists():
        raise OfferMismatch
    _check_window(offer, now)
    return Quote(amount=offer.amount, currency=offer.currency, offer=offer, per_buyer=offer.per_buyer)


def take(*, offer_id: UUID, buyer_id: UUID, units: int, now: datetime) -> Offer:
    """Take units of an offer for a buyer, inside the caller's transaction; the last unit ends the offer.

    Several offers are taken in the order of their ids. Raises UnknownOffer, OfferNotStarted, OfferEnded,
    OfferSoldOut, CustomerLimit.
    """
    offer = _locked(offer_id)
    _check_window(offer, now)
    if units > offer.left:
        raise OfferSoldOut(offer=str(offer.id), left=offer.left)
    if not _grant(offer=offer, buyer_id=buyer_id, units=units):
        raise CustomerLimit(offer=str(offer.id), per_buyer=offer.per_buyer)
    offer.left -= units
    if offer.left == 0:
        _end(offer, reason=Offer.Reason.SOLD_OUT, at=now)
    else:
        _save(offer, "left")
    return offer


def give_back(*, offer_id: UUID, buyer_id: UUID, units: int, now: datetime) -> Offer:
    """Return units that a buyer had taken, inside the caller's transaction.

    Raises UnknownOffer; ValueError when the buyer never had so many.
    """
    _locked(offer_id)
    uncount(offer_id=offer_id, buyer_id=buyer_id, units=units)
    return put_back(offer_id=offer_id, units=units, now=now)


def uncount(*, offer_id: UUID, buyer_id: UUID, units: int) -> None:
    """Take units off those that a buyer has of a locked offer; ValueError when she never had so many."""
    had = OfferBuyer.objects.filter(offer_id=offer_id, buyer_id=buyer_id, units__gte=units)
    if units < 1 or not had.update(units=F("units") - units):
        raise ValueError(f"buyer {buyer_id} does not have {units} units of offer {offer_id}")


def put_back(*, offer_id: UUID, units: int, now: datetime) -> Offer:
    """Let units of an offer be sold again that nobody has any more, inside the caller's transaction.

    An offer that had sold out opens again while its window and its show still run, and the room is told.
    Raises UnknownOffer.
    """
    offer = _locked(offer_id)
    offer.left += units
    _save(offer, "left")
    if may_sell_again(offer, now=now) and offer.status == Offer.Status.ENDED:
        _reopen(offer)
    return offer


def set_aside(*, offer_id: UUID, units: int, now: datetime) -> Offer:
    """Take units of an offer for nobody yet, inside the caller's transaction: they are held for a shopper in
    line. The last unit ends the offer.

    Raises UnknownOffer, OfferSoldOut.
    """
    offer = _locked(offer_id)
    if units > offer.left:
        raise OfferSoldOut(offer=str(offer.id), left=offer.left)
    offer.left -= units
    if offer.left == 0 and offer.status == Offer.Status.OPEN:
        _end(offer, reason=Offer.Reason.SOLD_OUT, at=now)
    else:
        _save(offer, "left")
    return offer


def may_sell_again(offer: Offer, *, now: datetime) -> bool:
    """Say whether an offer sells, or would if units came back: its window and its show run."""
    return (
        (offer.status == Offer.Status.OPEN or offer.reason == Offer.Reason.SOLD_OUT)
        and offer.opens_at <= now < offer.closes_at
        and Stream.objects.filter(pk=offer.stream_id, status=Stream.Status.LIVE).exists()
    )


def _check_numbers(*, amount: int, quota: int, seconds: int, per_buyer: int) -> None:
    wrong = {
        **({} if amount > 0 else {"amount": "above zero"}),
        **({} if 1 <= quota <= MAX_QUOTA else {"quota": f"between 1 and {MAX_QUOTA}"}),
        **({} if seconds in SECONDS else {"seconds": f"between {SECONDS.start} and {SECONDS[-1]}"}),
        **({} if 1 <= per_buyer <= MAX_PER_BUYER else {"per_buyer": f"between 1 and {MAX_PER_BUYER}"}),
    }
    if wrong:
        raise BadOffer(errors=wrong)


def _check_window(offer: Offer, now: datetime) -> None:
    if offer.status == Offer.Status.ENDED and offer.reason == Offer.Reason.SOLD_OUT and now < offer.closes_at:
        raise OfferSoldOut(offer=str(offer.id), left=0)
    if offer.status == Offer.Status.ENDED or now >= offer.closes_at:
        raise OfferEnded(offer=str(offer.id), reason=offer.reason or Offer.Reason.TIME)
    if now < offer.opens_at:
        raise OfferNotStarted(offer=str(offer.id), starts_at=bodies.unix_ms(offer.opens_at))


def _locked(offer_id: UUID) -> Offer:
    found = (
        Offer.objects.select_for_update(of=("self",), no_key=True).select_related("item").filter(pk=offer_id)
    )
    offer = found.first()
    if offer is None:
        raise UnknownOffer
    return offer


def _of_host(*, host_id: UUID, offer_id: UUID) -> Offer:
    """Lock the show and then the offer, if both are the host's."""
    stream_id = Offer.objects.filter(pk=offer_id).values_list("stream_id", flat=True).first()
    if stream_id is None:
        raise UnknownOffer
    try:
        queries.locked_show(host_id=host_id, stream_id=stream_id)
    except queries.UnknownShow:
        raise UnknownOffer from None
    return _locked(offer_id)


def _grant(*, offer: Offer, buyer_id: UUID, units: int) -> bool:
    """Add units to the buyer's row within her limit; the row's constraint stands behind this condition."""
    if not 1 <= units <= offer.per_buyer:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO streams_offerbuyer AS had (offer_id, buyer_id, units, cap) VALUES (%s, %s, %s, %s)
            ON CONFLICT (offer_id, buyer_id) DO UPDATE SET units = had.units + EXCLUDED.units
            WHERE had.units + EXCLUDED.units <= had.cap
            """,
            [offer.id, buyer_id, units, offer.per_buyer],
        )
        return bool(cursor.rowcount == 1)


def _save(offer: Offer, *fields: str) -> None:
    offer.version += 1
    offer.save(update_fields=[*fields, "version"])


def _end(offer: Offer, *, reason: Offer.Reason, at: datetime) -> None:
    offer.status = Offer.Status.ENDED
    offer.reason = reason
    offer.ended_at = at
    _save(offer, "status", "reason", "ended_at", "left")
    announce.tell_room(
        stream_id=offer.stream_id, t="offer.ended", d={"id": str(offer.id), "reason": str(reason)}
    )


def _end_due(*, now: datetime, item_id: UUID | None = None) -> int:
    # Skipping locked rows: a purchase that holds one is let through, and the next sweep ends the offer.
    due = Offer.objects.select_for_update(of=("self",), no_key=True, skip_locked=item_id is None).filter(
        status=Offer.Status.OPEN, closes_at__lte=now
    )
    if item_id is not None:
        due = due.filter(item_id=item_id)
    count = 0
    for offer in due.order_by("pk"):
        _end(offer, reason=Offer.Reason.TIME, at=offer.closes_at)
        count += 1
    return count


def _reopen(offer: Offer) -> None:
    """Open a sold-out offer again, unless the host has opened another for the same item meanwhile."""
    offer.status = Offer.Status.OPEN
    offer.reason = ""
    offer.ended_at = None
    try:
        with transaction.atomic():
            _save(offer, "status", "reason", "ended_at")
    except IntegrityError as error:
        if "offer_one_open_per_item" not in str(error):
            raise
        offer.refresh_from_db()
        return
    announce.tell_room(stream_id=offer.stream_id, t="offer.started", d=bodies.offer(offer))


def item_has_open_offer(item: ShowcaseItem) -> bool:
    """Say whether an offer for the item is open."""
    return item.offers.filter(status=Offer.Status.OPEN).exists()
