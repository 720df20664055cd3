"""The waitlist: sold out is not the end. Shoppers line up, and who is next is offered what comes back.

A turn is a promise: the units are hers at the price of the line until its end, though the offer or the show
end before. Her ordinary purchase uses it. `queue` hands out turns and ends them.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from catalog.models import Price, Product, Stock, Variant
from catalog.pricing import floors
from catalog.shelf import stock
from commerce import errors, ids
from commerce.money import Money
from orders import pricing, quotes, transactions
from orders.models import WaitlistEntry
from orders.till import refusals
from orders.waitlist import queue, waiting
from streams import announce, offers
from streams import queries as shows
from streams.bodies import unix_ms
from streams.models import Offer, OfferBuyer, ShowcaseItem, Stream
from streams.moderation import standing

MOST = 20  # Lines in which one shopper may stand.

Status = WaitlistEntry.Status


class UnknownStream(errors.NotFound):
    message = "There is no such show."


class NotSoldOut(errors.Conflict):
    """There are units to be had: `left` says how many."""

    code = "NOT_SOLD_OUT"
    message = "This is not sold out. Buy it now."


class NoLine(errors.Conflict):
    """A bundle has no stock of its own, so nobody can wait for it."""

    code = "NO_LINE"
    message = "One cannot line up for a bundle. Line up for its parts."


class AlreadyInLine(errors.Conflict):
    """She waits for the same already, or it is her turn; `entry` is her place."""

    code = "ALREADY_IN_LINE"
    message = "You are in this line already."


class TooManyLines(errors.Conflict):
    code = "TOO_MANY_WAITS"
    message = "You are in too many lines. Leave one first."


class NotInLine(errors.NotFound):
    code = "NOT_IN_LINE"
    message = "You are not in this line."


def join(
    *, buyer_id: UUID, stream_id: UUID, variant_id: UUID, offer_id: UUID | None, quantity: int, now: datetime
) -> waiting.Body:
    """Line up in a live show for units of a variant, at an offer's or the list price, and return the place.

    Raises BadQuantity, Banned, UnknownStream, StreamNotLive, UnknownVariant, NotForSale, NoLine,
    OfferMismatch, OfferNotStarted, OfferEnded, CurrencyMismatch, PriceBelowFloor, CustomerLimit, NotSoldOut,
    AlreadyInLine, TooManyLines, Busy.
    """
    if not 1 <= quantity <= quotes.MAX_QUANTITY:
        raise quotes.BadQuantity(variant=str(variant_id), quantity=quantity)
    standing.check_not_banned(stream_id=stream_id, user_id=buyer_id, now=now)
    entry = WaitlistEntry(
        id=ids.new(),
        buyer_id=buyer_id,
        variant_id=variant_id,
        offer_id=offer_id,
        stream_id=stream_id,
        quantity=quantity,
        created_at=now,
        updated_at=now,
    )

    def work() -> waiting.Body:
        _check_goods(stream_id, variant_id)
        queue.lock([variant_id], shared=True)
        offer = _check_offer(entry, now)
        left = Stock.objects.filter(pk=variant_id).values_list("available", flat=True).first()
        if left is None or stock.bundles([variant_id]):
            raise NoLine
        left = min(left, offer.left) if offer is not None else left
        if left > 0:
            raise NotSoldOut(left=left)
        kept = WaitlistEntry.objects.filter(buyer_id=buyer_id, status__in=waiting.OPEN)
        # Two joins of one shopper at once may both pass: it is a bound, and the constraint guards the line.
        if kept.count() >= MOST:
            raise TooManyLines(limit=MOST)
        # Its number is given once the line is locked.
        entry.id = ids.new()
        try:
            with transaction.atomic():
                entry.save(force_insert=True)
        except IntegrityError as error:
            if transactions.violated(error) != "waitlist_once":
                raise
            known = kept.get(_at(offer_id), variant_id=variant_id)
            raise AlreadyInLine(entry=waiting.body(known)) from None
        body = waiting.body(entry)
        announce.tell_user(user_id=buyer_id, t="waitlist.joined", d=body, key=f"waitlist.joined:{entry.id}")
        return body

    return transactions.run(work)


def leave(*, buyer_id: UUID, variant_id: UUID, offer_id: UUID | None, now: datetime) -> waiting.Body:
    """Leave a line and return the place that was; in her turn, her units go on to the next.

    Raises NotInLine, Busy.
    """
    own = WaitlistEntry.objects.filter(
        _at(offer_id), buyer_id=buyer_id, variant_id=variant_id, status__in=waiting.OPEN
    )

    def work() -> waiting.Body:
        queue.lock([variant_id])
        entry = own.select_for_update(no_key=True, of=("self",)).select_related("stream", "offer").first()
        if entry is None:
            raise NotInLine
        in_turn = entry.status == Status.OFFERED
        entry.status, entry.updated_at = Status.LEFT, now
        entry.save(update_fields=["status", "updated_at"])
        if in_turn:
            queue.given_up([entry], now=now)
        body = waiting.body(entry)
        announce.tell_user(user_id=buyer_id, t="waitlist.left", d=body, key=f"waitlist.left:{entry.id}")
        return body

    # Before any lock: most who ask this are not in the line any more.
    if not own.exists():
        raise NotInLine
    return transactions.run(work)


def take_turns(
    *, buyer_id: UUID, wanted: Mapping[tuple[UUID, UUID | None], int], now: datetime
) -> dict[tuple[UUID, UUID | None], int]:
    """Use the buyer's turns for units that she buys, by (variant, offer), inside the caller's transaction;
    returns how many of them her turns hold.

    These left the stock and the offer when her turn began. A turn that holds more stays open for the rest.
    Her turns are locked in the order of their ids, as the till does it.
    """
    if not wanted:
        return {}
    hers = WaitlistEntry.objects.select_for_update(no_key=True, of=("self",)).filter(
        buyer_id=buyer_id,
        variant_id__in={variant_id for variant_id, _ in wanted},
        status=Status.OFFERED,
        turn_until__gt=now,
    )
    found: dict[tuple[UUID, UUID | None], int] = {}
    for entry in hers.order_by("id"):
        line = entry.variant_id, entry.offer_id
        used = min(wanted.get(line, 0), entry.quantity)
        if used < 1:
            continue
        if used == entry.quantity:
            entry.status = Status.BOUGHT
        else:
            entry.quantity -= used
        entry.updated_at = now
        entry.save(update_fields=["status", "quantity", "updated_at"])
        found[line] = used
    return found


def _at(offer_id: UUID | None) -> Q:
    return Q(offer=offer_id) if offer_id else Q(offer=None)


def _check_goods(stream_id: UUID, variant_id: UUID) -> None:
    stream = Stream.objects.filter(pk=stream_id, host__is_active=True).first()
    if stream is None:
        raise UnknownStream
    if stream.status != Stream.Status.LIVE:
        raise shows.StreamNotLive(status=stream.status)
    variant = Variant.objects.select_related("product", "merchant").filter(pk=variant_id).first()
    # What is not shown here is nothing this show knows of.
    if (
        variant is None
        or not ShowcaseItem.objects.filter(
            stream_id=stream_id, product_id=variant.product_id, removed_at=None
        ).exists()
    ):
        raise quotes.UnknownVariant(variant=str(variant_id))
    if not (
        variant.is_active
        and variant.product.status == Product.Status.APPROVED
        and variant.merchant.is_active
        and variant.prices.filter(valid_to=None).exists()
    ):
        raise quotes.NotForSale(variant=str(variant_id))


def _check_offer(entry: WaitlistEntry, now: datetime) -> Offer | None:
    if entry.offer_id is None:
        return None
    found = Offer.objects.select_related("item").filter(pk=entry.offer_id, stream=entry.stream_id)
    offer = found.filter(Q(variant=None) | Q(variant=entry.variant_id)).first()
    if offer is None:
        raise offers.OfferMismatch
    if not Variant.objects.filter(pk=entry.variant_id, product=offer.item.product_id).exists():
        raise offers.OfferMismatch
    if now < offer.opens_at or offer.status == Offer.Status.ANNOUNCED:
        raise offers.OfferNotStarted(offer=str(offer.id), starts_at=unix_ms(offer.opens_at))
    if not offers.may_sell_again(offer, now=now):
        raise offers.OfferEnded(offer=str(offer.id), reason=offer.reason or Offer.Reason.TIME)
    _check_price(entry.variant_id, Money(offer.amount, offer.currency))
    known = OfferBuyer.objects.filter(offer=offer, buyer_id=entry.buyer_id)
    had = known.values_list("units", flat=True).first()
    if (had or 0) + entry.quantity > offer.per_buyer:
        raise offers.CustomerLimit(offer=str(offer.id), per_buyer=offer.per_buyer)
    return offer


def _check_price(variant_id: UUID, price: Money) -> None:
    # Whoever waited for it would get a turn in which the till has to refuse her.
    listed = Price.objects.get(variant_id=variant_id, valid_to=None).currency
    if listed != price.currency:
        raise refusals.CurrencyMismatch(currency=listed)
    floor = floors.of([variant_id]).get(variant_id)
    if floor is not None and floor.currency == price.currency and price.amount < floor.amount:
        raise pricing.PriceBelowFloor(price=price.as_dict())
