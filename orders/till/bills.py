"""What is asked for, priced. In a rush hundreds ask for the same: they share one bill of their batch."""

from collections.abc import Sequence
from uuid import UUID

from catalog import preorders
from commerce.money import Money
from orders import pricing
from orders.taxes import NO_TAX, Charge, Tax
from orders.till.asking import Asked
from orders.till.facts import Bill, Facts, Goods, Show
from orders.till.refusals import CouponSpent, MixedRelease, PreorderTooEarly, UnknownCoupon
from streams.bodies import unix_ms
from streams.grants import Deal


def bill(
    asked: Asked, goods: Sequence[Goods], deals: Sequence[Deal | None], show: Show | None, facts: Facts
) -> Bill:
    """Return what is asked for at today's prices.

    Raises PriceBelowFloor, MixedCurrencies, MixedRelease, PreorderTooEarly, NotShippedThere, UnknownCoupon,
    CouponSpent, and what `pricing.payable` raises.
    """
    if asked.coupon_id is not None:
        return _bill(asked, goods, deals, show, facts)
    same = asked.lines, asked.stream_id, _country(asked, facts)
    found = facts.bills.get(same)
    if found is None:
        found = facts.bills[same] = _bill(asked, goods, deals, show, facts)
    return found


def _bill(
    asked: Asked, goods: Sequence[Goods], deals: Sequence[Deal | None], show: Show | None, facts: Facts
) -> Bill:
    terms = [_terms(each, deal) for each, deal in zip(goods, deals, strict=True)]
    off = _discounts(asked, goods, terms, show, facts)
    lines = []
    for n, (wanted, each) in enumerate(zip(asked.lines, goods, strict=True)):
        item_id = show.items.get(each.product_id) if show else None
        lines.append(
            pricing.Line(
                variant_id=each.id,
                merchant_id=each.merchant_id,
                title=each.title[:515],
                sku=each.sku,
                quantity=wanted.quantity,
                unit=Money(pricing.unit(terms[n]), terms[n].currency),
                discount=off[n],
                coupon_id=asked.coupon_id if off[n] else None,
                list_amount=terms[n].list_amount,
                reference_amount=pricing.reference(terms[n]),
                release_at=each.release_at if each.release_at and each.release_at > facts.now else None,
                offer_id=wanted.offer_id,
                item_id=item_id,
                pin_id=show.pin_id if show and item_id and show.pinned == item_id else None,
                host_id=show.host_id if show and item_id else None,
                host_commission_bp=_commission_bp(each, show, facts) if show and item_id else 0,
                platform_fee_bp=each.platform_fee_bp,
            )
        )
    subtotal = pricing.goods(lines)
    later = {line.release_at is not None for line in lines}
    if len(later) > 1:
        raise MixedRelease
    for line in lines:
        opens_at = preorders.opens_at(line.release_at)
        if opens_at is not None and opens_at > facts.now:
            raise PreorderTooEarly(variant=str(line.variant_id), opens_at=unix_ms(opens_at))
    parts: dict[UUID, list[int]] = {}
    for n, line in enumerate(lines):
        parts.setdefault(line.merchant_id, []).append(n)
    pay_at_shipping = later.pop()
    if pay_at_shipping and len(parts) > 1:
        # One payment is captured once, and no buyer pays for a parcel that is not on its way.
        raise MixedRelease
    charges, taxes = _charges(asked, goods, lines, parts, facts)
    total = subtotal + Money(sum(charge.added for charge in charges), subtotal.currency)
    return Bill(lines, pricing.payable(total), list(parts.items()), pay_at_shipping, charges, taxes)


def _commission_bp(goods: Goods, show: Show, facts: Facts) -> int:
    """Return what the host gets of it: the nearest plan's rate, or her merchant's own."""
    promise = facts.promises.get((show.host_id, goods.product_id))
    return goods.host_commission_bp if promise is None else promise.rate_bp


def _country(asked: Asked, facts: Facts) -> str:
    """Return where the parcel goes, where that makes a difference: who pays the same shares a bill."""
    buyer = facts.buyers.get(asked.buyer_id) if facts.tariffs else None
    return buyer.country if buyer else ""


def _charges(
    asked: Asked,
    goods: Sequence[Goods],
    lines: Sequence[pricing.Line],
    parts: dict[UUID, list[int]],
    facts: Facts,
) -> tuple[list[Charge], list[Tax]]:
    """Return what each merchant charges beside its goods, and the tax of each line."""
    taxes = [NO_TAX] * len(lines)
    if not facts.tariffs:
        return [Charge()] * len(parts), taxes
    country, charges = _country(asked, facts), []
    for merchant_id, numbers in parts.items():
        charge = facts.tariffs.charge(
            merchant_id,
            country=country,
            currency=lines[numbers[0]].unit.currency,
            amounts=[lines[n].total.amount for n in numbers],
            categories=[goods[n].product_type for n in numbers],
        )
        charges.append(charge)
        for n, tax in zip(numbers, charge.goods, strict=True):
            taxes[n] = tax
    return charges, taxes


def _terms(goods: Goods, deal: Deal | None) -> pricing.Terms:
    assert goods.list_amount  # Of one currency with the deal's; what is not was refused.
    if deal is None:
        return pricing.Terms(goods.list_amount, goods.currency, floor=goods.floor)
    return pricing.Terms(
        list_amount=goods.list_amount,
        currency=deal.currency,
        floor=goods.floor,
        offer_amount=deal.amount,
        reference=deal.reference_amount,
        coupons_allowed=deal.takes_coupons,
    )


def _discounts(
    asked: Asked, goods: Sequence[Goods], terms: Sequence[pricing.Terms], show: Show | None, facts: Facts
) -> list[int]:
    off = [0] * len(terms)
    if asked.coupon_id is None:
        return off
    claim = facts.claims.get((asked.coupon_id, asked.buyer_id))
    if claim is None or show is None or claim.stream_id != show.id:
        raise UnknownCoupon
    if claim.used >= claim.cap:
        raise CouponSpent("used_up", coupon=asked.coupon_id)
    if not claim.open or not claim.opens_at <= facts.now < claim.closes_at:
        raise CouponSpent("over", coupon=asked.coupon_id)
    its = [
        n
        for n, each in enumerate(goods)
        if each.merchant_id == claim.merchant_id and terms[n].currency == claim.currency
    ]
    discount = pricing.Discount(claim.percent_bp, claim.amount_off, claim.min_amount)
    amounts = [(terms[n], asked.lines[n].quantity) for n in its]
    subtotal = pricing.counted(amounts)
    if not subtotal:
        raise CouponSpent("not_for_these", coupon=asked.coupon_id)
    if subtotal < claim.min_amount:
        raise CouponSpent(
            "below_least", coupon=asked.coupon_id, least=Money(claim.min_amount, claim.currency)
        )
    shares = pricing.discounts(amounts, discount)
    for n, amount in zip(its, shares, strict=True):
        off[n] = amount
    if not any(off):
        # As it would cost the same without it, the coupon is not used up for it.
        raise CouponSpent("nothing_off", coupon=asked.coupon_id)
    return off
