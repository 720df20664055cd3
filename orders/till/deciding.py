"""Yes or no to one purchase after the other, in the order of their arrival. Pure: it reads and counts facts.

What is refused takes nothing. What is accepted takes from the batch's own ledger at once, so that the next in
line is decided by what is really left; the rows behind it are locked until the batch is written.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from catalog import stock
from commerce import errors, households, ids
from commerce.money import Money
from orders import pricing
from orders.till.asking import Asked, Wanted
from orders.till.facts import Buyer, CardKept, Facts, Goods, Show
from orders.till.refusals import (
    AddressRequired,
    Busy,
    CardRequired,
    CouponSpent,
    HouseholdLimit,
    MixedRelease,
    NotForSale,
    PriceChanged,
    UnknownCard,
    UnknownCoupon,
    UnknownStream,
    UnknownVariant,
)
from streams import offers
from streams import queries as shows
from streams.bodies import unix_ms
from streams.grants import Claim, Deal
from streams.models import Offer, Stream


@dataclass(slots=True)
class Accepted:
    """A purchase that is to be written, and what it takes from where."""

    id: UUID
    asked: Asked
    at: datetime
    show: Show | None
    lines: list[pricing.Line]
    total: Money
    card: CardKept
    ship_to: dict[str, str]
    pay_at_shipping: bool
    households: list[str] = field(default_factory=list)
    holds: list[tuple[int, UUID, UUID | None, int]] = field(default_factory=list)  # line, variant, offer, n
    stock: Counter[UUID] = field(default_factory=Counter)
    offers: Counter[UUID] = field(default_factory=Counter)
    limits: Counter[UUID] = field(default_factory=Counter)  # Units per offer that count for its limits.
    cart_holds: Counter[UUID] = field(default_factory=Counter)
    turns: Counter[tuple[UUID, UUID | None]] = field(default_factory=Counter)


def decide(asked: Asked, facts: Facts, *, at: datetime) -> Accepted:
    """Accept a purchase that reached us at that moment (of the database's clock), or raise why not.

    Raises UnknownStream, StreamNotLive, UnknownVariant, NotForSale, OfferMismatch, OfferNotStarted,
    OfferEnded, OfferSoldOut, OutOfStock, CustomerLimit, MixedCurrencies, MixedRelease, TooExpensive,
    UnknownCoupon, CouponSpent, PriceChanged, UnknownCard, CardRequired, AddressRequired, Busy.
    """
    show = _show(asked, facts)
    buyer = facts.buyers.get(asked.buyer_id) or Buyer()
    goods = [_goods(wanted, facts) for wanted in asked.lines]
    deals = [_deal(wanted, each, show, facts) for wanted, each in zip(asked.lines, goods, strict=True)]
    taken = _take(asked, goods, deals, facts, at)
    terms = [_terms(each, deal) for each, deal in zip(goods, deals, strict=True)]
    lines = _price(asked, goods, terms, show, facts, at)
    total = pricing.total(lines)
    if total != asked.expect_total:
        raise PriceChanged(
            total=total.as_dict(),
            lines=[
                {
                    "variant": str(line.variant_id),
                    "price": line.unit.as_dict(),
                    "quantity": line.quantity,
                    "discount": line.discount,
                }
                for line in lines
            ],
        )
    card = _card(asked, buyer)
    if buyer.ship_to is None:
        raise AddressRequired
    later = {line.release_at is not None for line in lines}
    if len(later) > 1:
        raise MixedRelease
    accepted = Accepted(
        id=ids.new(),
        asked=asked,
        at=at,
        show=show,
        lines=lines,
        total=total,
        card=card,
        ship_to=buyer.ship_to,
        pay_at_shipping=later.pop(),
    )
    _limit(accepted, deals, facts, card, buyer.ship_to)
    _count(accepted, taken, facts)
    return accepted


# --- who and what ---


def _show(asked: Asked, facts: Facts) -> Show | None:
    if asked.stream_id is None:
        return None
    show = facts.shows.get(asked.stream_id)
    if show is None or not show.there:
        raise UnknownStream
    if show.status != Stream.Status.LIVE:
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
    if wanted.offer_id is None:
        if not goods.list_amount:
            raise NotForSale("This has no price, so it cannot be bought.", variant=str(goods.id))
        return None
    if wanted.offer_id in facts.busy:
        raise Busy
    deal = facts.deals.get(wanted.offer_id)
    if (
        deal is None
        or show is None
        or deal.stream_id != show.id
        or deal.product_id != goods.product_id
        or deal.variant_id not in (None, goods.id)
    ):
        raise offers.OfferMismatch(offer=str(wanted.offer_id))
    return deal


def _card(asked: Asked, buyer: Buyer) -> CardKept:
    if asked.card_id is not None:
        for card in buyer.cards:
            if card.id == asked.card_id:
                return card
        raise UnknownCard
    for card in buyer.cards:
        if card.is_default:
            return card
    raise CardRequired


# --- units ---


@dataclass(slots=True)
class _Taken:
    """Where the units of a purchase come from, if it is accepted."""

    holds: list[tuple[int, UUID, UUID | None, int]] = field(default_factory=list)
    stock: Counter[UUID] = field(default_factory=Counter)
    offers: Counter[UUID] = field(default_factory=Counter)
    limits: Counter[UUID] = field(default_factory=Counter)
    cart_holds: Counter[UUID] = field(default_factory=Counter)
    turns: Counter[tuple[UUID, UUID | None]] = field(default_factory=Counter)


def _take(asked: Asked, goods: list[Goods], deals: list[Deal | None], facts: Facts, at: datetime) -> _Taken:
    """Find the units: first what is hers by turn, then what her cart holds, then the stock everybody has."""
    taken = _Taken()
    for number, (wanted, each, deal) in enumerate(zip(asked.lines, goods, deals, strict=True)):
        turn = (each.id, wanted.offer_id)
        hers = min(wanted.quantity, facts.turns.get((asked.buyer_id, *turn), 0))
        if hers:
            taken.turns[turn] += hers
        if deal is not None:
            taken.limits[deal.id] += wanted.quantity
            if wanted.quantity > hers:
                taken.offers[deal.id] += wanted.quantity - hers
                _open(deal, at)
                if taken.offers[deal.id] > deal.left:
                    raise offers.OfferSoldOut(offer=str(deal.id), left=deal.left)
        for variant_id, units in each.takes(wanted.quantity):
            taken.holds.append(
                (number, variant_id, wanted.offer_id if variant_id == each.id else None, units)
            )
        # In her turn she has units of the variant itself; a bundle's parts come from stock.
        open_units = wanted.quantity - (hers if not each.parts else 0)
        for variant_id, units in each.takes(open_units) if open_units else ():
            taken.stock[variant_id] += units
    for variant_id, units in taken.stock.items():
        held = min(units, facts.cart_holds.get((asked.buyer_id, variant_id), 0))
        if held:
            taken.cart_holds[variant_id] = held
        if units > held:
            if variant_id in facts.busy:
                raise Busy
            left = facts.stock.get(variant_id, 0)
            if units - held > left:
                raise stock.OutOfStock(variant=variant_id, left=left + held)
    taken.stock -= taken.cart_holds
    return taken


def _open(deal: Deal, at: datetime) -> None:
    if deal.sold_out and at < deal.closes_at:
        raise offers.OfferSoldOut(offer=str(deal.id), left=0)
    if deal.status == Offer.Status.ENDED or at >= deal.closes_at:
        raise offers.OfferEnded(offer=str(deal.id), reason=deal.reason or Offer.Reason.TIME)
    if at < deal.opens_at:
        raise offers.OfferNotStarted(offer=str(deal.id), starts_at=unix_ms(deal.opens_at))


def _limit(
    accepted: Accepted, deals: list[Deal | None], facts: Facts, card: CardKept, ship_to: dict[str, str]
) -> None:
    for deal in {deal.id: deal for deal in deals if deal is not None}.values():
        units = accepted_units = 0
        for wanted in accepted.asked.lines:
            if wanted.offer_id == deal.id:
                units += wanted.quantity
        accepted_units = facts.had.get((deal.id, accepted.asked.buyer_id), 0) + units
        if accepted_units > deal.per_buyer:
            raise offers.CustomerLimit(offer=str(deal.id), per_buyer=deal.per_buyer)
        if deal.per_household is not None:
            accepted.households = accepted.households or households.keys(
                address=ship_to, fingerprint=card.fingerprint
            )
            for key in accepted.households:
                if facts.households.get((deal.id, key), 0) + units > deal.per_household:
                    raise HouseholdLimit(offer=str(deal.id), per_household=deal.per_household)


def _count(accepted: Accepted, taken: _Taken, facts: Facts) -> None:
    buyer_id = accepted.asked.buyer_id
    accepted.holds, accepted.stock, accepted.offers = taken.holds, taken.stock, taken.offers
    accepted.limits, accepted.cart_holds, accepted.turns = taken.limits, taken.cart_holds, taken.turns
    for variant_id, units in taken.stock.items():
        facts.stock[variant_id] -= units
    for variant_id, units in taken.cart_holds.items():
        facts.cart_holds[buyer_id, variant_id] -= units
    for turn, units in taken.turns.items():
        facts.turns[(buyer_id, *turn)] -= units
    for offer_id, units in taken.offers.items():
        deal = facts.deals[offer_id]
        deal.left -= units
        if deal.left == 0:
            deal.status, deal.reason = Offer.Status.ENDED, Offer.Reason.SOLD_OUT
    for offer_id, units in taken.limits.items():
        facts.had[offer_id, buyer_id] = facts.had.get((offer_id, buyer_id), 0) + units
        if facts.deals[offer_id].per_household is not None:
            for key in accepted.households:
                facts.households[offer_id, key] = facts.households.get((offer_id, key), 0) + units
    if accepted.asked.coupon_id is not None:
        facts.claims[accepted.asked.coupon_id, buyer_id].used += 1


# --- money ---


def _price(
    asked: Asked,
    goods: list[Goods],
    terms: list[pricing.Terms],
    show: Show | None,
    facts: Facts,
    at: datetime,
) -> list[pricing.Line]:
    off = _discounts(asked, goods, terms, show, facts, at)
    lines = []
    for n, (wanted, each) in enumerate(zip(asked.lines, goods, strict=True)):
        item_id = show.items.get(each.product_id) if show else None
        lines.append(
            pricing.Line(
                variant_id=each.id,
                merchant_id=each.merchant_id,
                title=each.title,
                sku=each.sku,
                quantity=wanted.quantity,
                unit=Money(pricing.unit(terms[n]), terms[n].currency),
                discount=off[n],
                coupon_id=asked.coupon_id if off[n] else None,
                list_amount=terms[n].list_amount,
                reference_amount=pricing.reference(terms[n]),
                release_at=each.release_at if each.release_at and each.release_at > at else None,
                offer_id=wanted.offer_id,
                item_id=item_id,
                pin_id=show.pin_id if show and item_id and show.pinned == item_id else None,
                host_id=show.host_id if show and item_id else None,
                host_commission_bp=each.host_commission_bp if show and item_id else 0,
                platform_fee_bp=each.platform_fee_bp,
            )
        )
    return lines


def _terms(goods: Goods, deal: Deal | None) -> pricing.Terms:
    if deal is None:
        assert goods.list_amount
        return pricing.Terms(
            list_amount=goods.list_amount,
            currency=goods.currency,
            floor=goods.floor,
            offer_amount=None,
            reference=None,
            coupons_allowed=True,
        )
    same = goods.list_amount is not None and goods.currency == deal.currency
    return pricing.Terms(
        list_amount=goods.list_amount if same and goods.list_amount else deal.list_amount,
        currency=deal.currency,
        floor=goods.floor if same else None,
        offer_amount=deal.amount,
        reference=deal.reference_amount,
        coupons_allowed=deal.takes_coupons,
    )


def _discounts(
    asked: Asked,
    goods: list[Goods],
    terms: list[pricing.Terms],
    show: Show | None,
    facts: Facts,
    at: datetime,
) -> list[int]:
    none = [0] * len(terms)
    if asked.coupon_id is None:
        return none
    claim: Claim | None = facts.claims.get((asked.coupon_id, asked.buyer_id))
    if claim is None or show is None or claim.stream_id != show.id:
        raise UnknownCoupon
    if claim.used >= claim.cap:
        raise CouponSpent(coupon=str(asked.coupon_id))
    if not claim.open or not claim.opens_at <= at < claim.closes_at:
        raise CouponSpent("This coupon is over.", coupon=str(asked.coupon_id))
    its = [
        n
        for n, each in enumerate(goods)
        if each.merchant_id == claim.merchant_id and terms[n].currency == claim.currency
    ]
    discount = pricing.Discount(claim.percent_bp, claim.amount_off, claim.min_amount)
    shares = pricing.discounts([(terms[n], asked.lines[n].quantity) for n in its], discount) if its else []
    off = none
    for n, amount in zip(its, shares, strict=True):
        off[n] = amount
    if not any(off):
        raise CouponSpent("This coupon is not for these goods.", coupon=str(asked.coupon_id))
    return off


def refusal_of(error: Exception) -> errors.Refusal | None:
    """Return the refusal that a failed decision is; None where it is a mistake of ours."""
    return error if isinstance(error, errors.Refusal) else None
