"""Yes or no to one purchase after the other, in the order of their arrival. Pure: it reads and counts facts.

What is refused takes nothing. What is accepted takes from the batch's own ledger at once, so that the next in
line is decided by what is really left; the rows behind it are locked until the batch is written.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from catalog.shelf import stock
from commerce import households, ids
from orders import taxes, transactions
from orders.till import bills
from orders.till.asking import Asked, Wanted
from orders.till.facts import Bill, Buyer, CardKept, Facts, Goods, Show
from orders.till.refusals import (
    AddressRequired,
    CardRequired,
    CurrencyMismatch,
    HouseholdLimit,
    NotForSale,
    PriceChanged,
    UnknownCard,
    UnknownStream,
    UnknownVariant,
)
from streams import offers
from streams import queries as shows
from streams.bodies import unix_ms
from streams.grants import Deal
from streams.models import Offer, Stream


@dataclass(slots=True)
class Taken:
    """Where units come from: what is held for which line, and what goes off which count."""

    holds: list[tuple[int, UUID, UUID | None, int]] = field(default_factory=list)  # line, variant, offer, n
    stock: dict[UUID, int] = field(default_factory=dict)
    offers: dict[UUID, int] = field(default_factory=dict)
    limits: dict[UUID, int] = field(default_factory=dict)  # Units per offer that count for its limits.
    cart_holds: dict[UUID, int] = field(default_factory=dict)
    turns: dict[tuple[UUID, UUID | None], int] = field(default_factory=dict)


@dataclass(slots=True)
class Accepted:
    """A purchase that is to be written, and what it takes from where."""

    id: str
    asked: Asked
    at: datetime
    show: Show | None
    bill: Bill
    card: CardKept
    buyer: Buyer
    taken: Taken
    households: list[str]


def decide(asked: Asked, facts: Facts, *, at: datetime) -> Accepted:
    """Accept a purchase that reached us at that moment (of the database's clock), or raise why not.

    Raises UnknownStream, StreamNotLive, UnknownVariant, NotForSale, OfferMismatch, OfferNotStarted,
    OfferEnded, OfferSoldOut, OutOfStock, CustomerLimit, HouseholdLimit, MixedCurrencies, MixedRelease,
    PreorderTooEarly, PriceBelowFloor, TooExpensive, UnknownCoupon, CouponSpent, NotShippedThere,
    CurrencyMismatch, PriceChanged, UnknownCard, CardRequired, AddressRequired, Busy.
    """
    if asked.buyer_id in facts.busy:
        # Her cart is being changed: it would keep what she buys, and what it holds would be taken twice.
        raise transactions.Busy
    hers = _in_turn(asked, facts, at)
    show = _show(asked, facts, hers)
    buyer = facts.buyers.get(asked.buyer_id) or Buyer()
    goods = [_goods(wanted, facts) for wanted in asked.lines]
    deals = [_deal(wanted, each, show, facts) for wanted, each in zip(asked.lines, goods, strict=True)]
    taken = _take(asked, goods, deals, hers, facts, at)
    _check_address(facts, buyer)
    bill = bills.bill(asked, goods, deals, show, facts)
    if bill.total.currency != asked.expect_total.currency:
        raise CurrencyMismatch(currency=bill.total.currency)
    if bill.total != asked.expect_total:
        raise PriceChanged(
            total=bill.total.as_dict(),
            lines=[
                {
                    "variant": str(line.variant_id),
                    "price": line.unit.as_dict(),
                    "quantity": line.quantity,
                    "discount": line.discount,
                }
                for line in bill.lines
            ],
            orders=[
                {"merchant": str(merchant_id), **taxes.charge_body(charge, bill.total.currency)}
                for (merchant_id, _), charge in zip(bill.parts, bill.charges, strict=True)
            ],
        )
    card = _card(asked, buyer)
    if buyer.ship_to is None:
        raise AddressRequired
    homes = _limit(asked, taken, facts, card, buyer) if taken.limits else []
    _count(asked, taken, homes, facts)
    return Accepted(ids.text(), asked, at, show, bill, card, buyer, taken, homes)


def price(asked: Asked, facts: Facts, *, at: datetime) -> Bill:
    """Return what would be paid, whether or not there are units of it.

    Raises what `decide` raises of shows, goods, offers, coupons, shipping and address.
    """
    show = _show(asked, facts, _in_turn(asked, facts, at))
    goods = [_goods(wanted, facts) for wanted in asked.lines]
    deals = [_deal(wanted, each, show, facts) for wanted, each in zip(asked.lines, goods, strict=True)]
    _check_address(facts, facts.buyers.get(asked.buyer_id) or Buyer())
    return bills.bill(asked, goods, deals, show, facts)


def is_turn(asked: Asked, facts: Facts, *, at: datetime) -> bool:
    """Say whether all that is asked for is held for the buyer as her turn in a line of that show."""
    return _promised(asked, facts, _in_turn(asked, facts, at))


# --- who and what ---


def _in_turn(asked: Asked, facts: Facts, at: datetime) -> list[int]:
    """Units of each line that are the buyer's by a turn that ran when she pressed."""
    hers = []
    for wanted in asked.lines:
        turn = facts.turns.get((asked.buyer_id, wanted.variant_id, wanted.offer_id)) if facts.turns else None
        hers.append(min(wanted.quantity, turn.units) if turn is not None and at < turn.until else 0)
    return hers


def _promised(asked: Asked, facts: Facts, hers: list[int]) -> bool:
    return all(
        units == wanted.quantity
        and facts.turns[asked.buyer_id, wanted.variant_id, wanted.offer_id].stream_id == asked.stream_id
        for wanted, units in zip(asked.lines, hers, strict=True)
    )


def _show(asked: Asked, facts: Facts, hers: list[int]) -> Show | None:
    if asked.stream_id is None:
        return None
    show = facts.shows.get(asked.stream_id)
    if show is None or not show.there:
        raise UnknownStream
    # A turn is good until its own end, also after the show's.
    if show.status != Stream.Status.LIVE and not _promised(asked, facts, hers):
        raise shows.StreamNotLive(status=show.status)
    return show


def _goods(wanted: Wanted, facts: Facts) -> Goods:
    goods = facts.goods.get(wanted.variant_id)
    if goods is None:
        raise UnknownVariant(variant=str(wanted.variant_id))
    if not goods.for_sale:
        raise NotForSale(variant=str(goods.id))
    return goods


def _deal(wanted: Wanted, goods: Goods, show: Show | None, facts: Facts) -> Deal | None:
    if not goods.list_amount:
        raise NotForSale("This has no price, so it cannot be bought.", variant=str(goods.id))
    if wanted.offer_id is None:
        return None
    if wanted.offer_id in facts.busy:
        raise transactions.Busy
    deal = facts.deals.get(wanted.offer_id)
    if (
        deal is None
        or show is None
        or deal.stream_id != show.id
        or deal.product_id != goods.product_id
        or deal.variant_id not in (None, goods.id)
    ):
        raise offers.OfferMismatch(offer=str(wanted.offer_id))
    # One number is no price for what the merchant sells in another currency.
    if goods.currency != deal.currency:
        raise CurrencyMismatch(currency=goods.currency)
    return deal


def _card(asked: Asked, buyer: Buyer) -> CardKept:
    if asked.card_id is not None:
        for card in buyer.cards:
            if card.id == str(asked.card_id):
                return card
        raise UnknownCard
    for card in buyer.cards:
        if card.is_default:
            return card
    raise CardRequired


def _check_address(facts: Facts, buyer: Buyer) -> None:
    # Where the parcel goes decides what is paid.
    if facts.tariffs and buyer.ship_to is None:
        raise AddressRequired


# --- units ---


def _take(
    asked: Asked,
    goods: list[Goods],
    deals: list[Deal | None],
    in_turn: list[int],
    facts: Facts,
    at: datetime,
) -> Taken:
    """Find the units: first what is hers by turn, then what her cart holds, then the stock everybody has."""
    taken = Taken()
    for number, (wanted, each, deal) in enumerate(zip(asked.lines, goods, deals, strict=True)):
        hers = in_turn[number]
        if hers:
            taken.turns[each.id, wanted.offer_id] = hers
        if deal is not None:
            taken.limits[deal.id] = taken.limits.get(deal.id, 0) + wanted.quantity
            if wanted.quantity > hers:
                if hers:
                    # Sold out is what her turn is from; waiting for more than she may have is no help.
                    _check_hers(deal, asked.buyer_id, taken.limits[deal.id], facts)
                _open(deal, at)
                taken.offers[deal.id] = taken.offers.get(deal.id, 0) + wanted.quantity - hers
                if taken.offers[deal.id] > deal.left:
                    raise offers.OfferSoldOut(offer=str(deal.id), left=deal.left)
        for variant_id, units in each.takes(wanted.quantity):
            offer_id = wanted.offer_id if variant_id == each.id else None
            taken.holds.append((number, variant_id, offer_id, units))
        # In her turn she has units of the variant itself; a bundle's parts come from stock.
        from_stock = wanted.quantity - (0 if each.parts else hers)
        for variant_id, units in each.takes(from_stock) if from_stock else ():
            taken.stock[variant_id] = taken.stock.get(variant_id, 0) + units
    for variant_id, units in list(taken.stock.items()):
        held = facts.cart_holds.get((asked.buyer_id, variant_id), 0) if facts.cart_holds else 0
        if held:
            taken.cart_holds[variant_id] = held = min(units, held)
            taken.stock[variant_id] = units = units - held
        if units and variant_id in facts.busy:
            raise transactions.Busy
        if units > facts.stock.get(variant_id, 0):
            raise _short(asked, goods, taken, facts)
    return taken


def _short(asked: Asked, goods: list[Goods], taken: Taken, facts: Facts) -> stock.OutOfStock:
    """Name the line that asks for more than those before it leave, and of a bundle the part that is short.

    The buyer knows what she sent: of a bundle's parts she has never heard.
    """
    have: dict[UUID, int] = {}
    for wanted, each in zip(asked.lines, goods, strict=True):
        turn = 0 if each.parts else taken.turns.get((each.id, wanted.offer_id), 0)
        could = []
        for variant_id, one in each.takes(1):
            hers = facts.cart_holds.get((asked.buyer_id, variant_id), 0)
            left = have.setdefault(variant_id, facts.stock.get(variant_id, 0) + hers)
            could.append((left // one, variant_id))
            have[variant_id] = left - one * (wanted.quantity - turn)
        left, short = min(could)
        if left < wanted.quantity - turn:
            return stock.OutOfStock(variant=each.id, left=left, part=short if each.parts else None)
    raise AssertionError("unreachable: some line asks for more than there is")


def _open(deal: Deal, at: datetime) -> None:
    if deal.sold_out and at < deal.closes_at:
        raise offers.OfferSoldOut(offer=str(deal.id), left=0)
    if deal.status == Offer.Status.ENDED or at >= deal.closes_at:
        raise offers.OfferEnded(offer=str(deal.id), reason=deal.reason or Offer.Reason.TIME)
    if at < deal.opens_at:
        raise offers.OfferNotStarted(offer=str(deal.id), starts_at=unix_ms(deal.opens_at))


def _check_hers(deal: Deal, buyer_id: UUID, units: int, facts: Facts) -> None:
    if facts.had.get((deal.id, buyer_id), 0) + units > deal.per_buyer:
        raise offers.CustomerLimit(offer=str(deal.id), per_buyer=deal.per_buyer)


def _limit(asked: Asked, taken: Taken, facts: Facts, card: CardKept, buyer: Buyer) -> list[str]:
    """Check the limits of the offers that are asked for; returns the households that are counted."""
    homes: list[str] = []
    for offer_id, units in taken.limits.items():
        deal = facts.deals[offer_id]
        _check_hers(deal, asked.buyer_id, units, facts)
        if deal.per_household is None:
            continue
        homes = homes or households.keys(address=buyer.address, fingerprint=card.fingerprint)
        for key in homes:
            if facts.households.get((offer_id, key), 0) + units > deal.per_household:
                raise HouseholdLimit(offer=str(offer_id), per_household=deal.per_household)
    return homes


def _count(asked: Asked, taken: Taken, homes: list[str], facts: Facts) -> None:
    buyer_id = asked.buyer_id
    for variant_id, units in taken.stock.items():
        if units:
            facts.stock[variant_id] -= units
    for variant_id, units in taken.cart_holds.items():
        facts.cart_holds[buyer_id, variant_id] -= units
    for turn, units in taken.turns.items():
        facts.turns[(buyer_id, *turn)].units -= units
    for offer_id, units in taken.offers.items():
        deal = facts.deals[offer_id]
        deal.left -= units
        if deal.left == 0:
            deal.status, deal.reason = Offer.Status.ENDED, Offer.Reason.SOLD_OUT
    for offer_id, units in taken.limits.items():
        facts.had[offer_id, buyer_id] = facts.had.get((offer_id, buyer_id), 0) + units
        if facts.deals[offer_id].per_household is not None:
            for key in homes:
                facts.households[offer_id, key] = facts.households.get((offer_id, key), 0) + units
    if asked.coupon_id is not None:
        facts.claims[asked.coupon_id, buyer_id].used += 1
