"""What a purchase costs and who gets which part of it. Integers in minor units, no rounding loss.

The rule for offers, coupons and floors is published in docs/pricing.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce import errors, money
from commerce.money import Money


class MixedCurrencies(errors.Conflict):
    """One payment is in one currency."""

    code = "MIXED_CURRENCIES"
    message = "These goods are sold in different currencies. Buy them separately."


class TooExpensive(errors.Invalid):
    """The sum is above what the payment provider takes in one payment."""

    message = "This is more than one payment can take. Buy in parts."


class TooCheap(errors.Conflict):
    """The sum is below what the payment provider takes in one payment."""

    code = "TOO_CHEAP"
    message = "This is less than one payment can take. Buy a little more."


class NotPayable(errors.Conflict):
    """The sum has a last digit that the payment provider does not take in this currency."""

    code = "NOT_PAYABLE"
    message = "This sum cannot be paid in this currency: its last digit would have to be 0."


class PriceBelowFloor(errors.Conflict):
    """The merchant has set a floor above this price since it was promised."""

    code = "PRICE_BELOW_FLOOR"
    message = "The merchant does not sell this below a higher price."


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides the price of one unit of a variant: amounts of one unit in minor units of one currency.

    `floor` is the merchant's, `reference` the proven price to strike through. `coupons_allowed` is True for
    what is sold at its list price; for an offer it is what the offer says.
    """

    list_amount: int
    currency: str
    floor: int | None = None
    offer_amount: int | None = None
    reference: int | None = None
    coupons_allowed: bool = True


@dataclass(frozen=True, slots=True)
class Discount:
    """What one merchant's coupon takes off its lines: a share in basis points, or minor units."""

    percent_bp: int | None
    amount_off: int | None
    min_amount: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """Units of one variant at an agreed price, with what the buyer saw."""

    variant_id: UUID
    merchant_id: UUID
    title: str
    sku: str
    quantity: int
    unit: Money
    list_amount: int
    host_commission_bp: int
    platform_fee_bp: int
    offer_id: UUID | None = None
    item_id: UUID | None = None
    pin_id: UUID | None = None
    host_id: UUID | None = None
    discount: int = 0
    reference_amount: int | None = None
    release_at: datetime | None = None
    coupon_id: UUID | None = None

    @property
    def total(self) -> Money:
        """Quantity times unit price, less the coupon's share."""
        return self.unit * self.quantity - Money(self.discount, self.unit.currency)


@dataclass(frozen=True, slots=True)
class Shares:
    """An amount divided between merchant, host and platform; the three add up to it."""

    merchant: int
    host: int
    platform: int


def unit(terms: Terms) -> int:
    """Return what one unit costs before coupons: the offer's price, or else the list price.

    Raises PriceBelowFloor: a floor set after the price was promised ends the sale and changes no price.
    """
    amount = terms.list_amount if terms.offer_amount is None else terms.offer_amount
    if terms.floor is not None and amount < terms.floor:
        raise PriceBelowFloor(price={"amount": amount, "currency": terms.currency})
    return amount


def reference(terms: Terms) -> int | None:
    """Return the price of one unit to strike through: the proven one, and only above what is asked for."""
    asked = terms.list_amount if terms.offer_amount is None else terms.offer_amount
    return terms.reference if terms.reference is not None and terms.reference > asked else None


def counted(amounts: Sequence[tuple[Terms, int]]) -> int:
    """Return what those of the (terms, quantity) cost that a coupon counts on, in minor units."""
    return sum(unit(terms) * quantity for terms, quantity in amounts if terms.coupons_allowed)


def discounts(amounts: Sequence[tuple[Terms, int]], discount: Discount | None) -> list[int]:
    """Return what a coupon takes off each (terms, quantity), lines of its merchant in its currency.

    The least amount is asked of the lines it is for, before the discount. A percentage is rounded once, over
    all of them, in the shopper's favour. Shares are by largest remainder, the same in whatever order the
    lines come. No line falls below its floor, nor any unit below one minor unit. What a floor keeps back of a
    percentage lapses; of an amount it goes to the other lines. In all it is a multiple of `money.step`, or
    what is left could not be paid. Raises PriceBelowFloor.
    """
    if discount is None or not amounts:
        return [0] * len(amounts)
    step = money.step(amounts[0][0].currency)
    parts = _discounts(amounts, discount, step)
    # What is above the last whole step goes back from the lines that got most.
    over = sum(parts) % step
    for i in sorted(range(len(parts)), key=parts.__getitem__, reverse=True):
        back = min(over, parts[i])
        parts[i] -= back
        over -= back
    return parts


def _discounts(amounts: Sequence[tuple[Terms, int]], discount: Discount, step: int) -> list[int]:
    parts = [0] * len(amounts)
    costs = [unit(terms) * quantity for terms, quantity in amounts]
    room = [
        cost - (terms.floor or 1) * quantity for cost, (terms, quantity) in zip(costs, amounts, strict=True)
    ]
    # By their contents: ties of the remainders go to the earlier line, wherever it stood in the cart.
    lines = sorted(
        (i for i, (terms, _) in enumerate(amounts) if terms.coupons_allowed and costs[i]),
        key=lambda i: (costs[i], room[i], amounts[i][1]),
    )
    subtotal = sum(costs[i] for i in lines)
    if not lines or subtotal < discount.min_amount:
        return parts
    if discount.percent_bp is not None:
        off = -(-subtotal * discount.percent_bp // (10_000 * step)) * step
        for i, part in zip(lines, money.share(off, [costs[i] for i in lines]), strict=True):
            parts[i] = min(part, room[i])
        return parts
    off = min(discount.amount_off or 0, subtotal)
    while lines and off:
        shared = dict(zip(lines, money.share(off, [costs[i] for i in lines]), strict=True))
        full = [i for i in lines if shared[i] >= room[i]]
        for i in full or lines:
            parts[i] = min(shared[i], room[i])
            off -= parts[i]
        lines = [i for i in lines if i not in full] if full else []
    return parts


def total(lines: Iterable[Line]) -> Money:
    """Return the sum of one or more lines.

    Raises MixedCurrencies, and what the provider would refuse: TooExpensive, TooCheap, NotPayable.
    """
    return payable(goods(lines))


def goods(lines: Iterable[Line]) -> Money:
    """Return what one or more lines cost, payable or not; raises MixedCurrencies."""
    totals = [line.total for line in lines]
    currencies = sorted({each.currency for each in totals})
    if len(currencies) != 1:
        raise MixedCurrencies(currencies=currencies)
    return Money(sum(each.amount for each in totals), currencies[0])


def payable(summed: Money) -> Money:
    """Return what one payment can be of; raises TooExpensive, TooCheap, NotPayable."""
    match money.refusal(summed):
        case "TOO_EXPENSIVE":
            raise TooExpensive(total=summed.as_dict(), limit=money.MAX_AMOUNT)
        case "TOO_CHEAP":
            raise TooCheap(total=summed.as_dict(), least=money.smallest(summed.currency))
        case "NOT_PAYABLE":
            raise NotPayable(total=summed.as_dict(), step=money.step(summed.currency))
    return summed


def by_merchant(lines: Sequence[Line]) -> dict[UUID, list[Line]]:
    """Return the lines of each merchant, in the order in which the merchants first appear."""
    parts: dict[UUID, list[Line]] = {}
    for line in lines:
        parts.setdefault(line.merchant_id, []).append(line)
    return parts


def shares(amount: int, *, host_bp: int, platform_bp: int) -> Shares:
    """Divide what was paid by the agreed basis points; the merchant's part is the rest, to the last cent.

    Largest remainder rather than rounding each part: two parts rounded up could exceed the amount.
    """
    merchant, host, platform = money.share(amount, [10_000 - host_bp - platform_bp, host_bp, platform_bp])
    return Shares(merchant, host, platform)


def rest_bp(others: Sequence[int]) -> int:
    """Return what of a show's commission its host keeps of it, in basis points, beside the others' shares."""
    return 10_000 - sum(others)


def taken_back(amount: int, *, of: Shares) -> Shares:
    """Divide what is given back to a buyer among those who still have these shares of it, pro rata.

    By largest remainder, so nobody gives back more than he has, and giving back all takes all.
    """
    if not amount:
        return Shares(0, 0, 0)
    merchant, host, platform = money.share(amount, [of.merchant, of.host, of.platform])
    return Shares(merchant, host, platform)
