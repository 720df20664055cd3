"""What an order costs beside its goods: shipping, and tax contained in prices or on top of them.

Integers in minor units. The rule is published in docs/tax-and-shipping.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from commerce import money
from commerce.money import Money

MOST_BP = 10_000


class Rate(NamedTuple):
    """A tax: what it is called, and its rate in basis points of the price without it."""

    name: str
    bp: int


class Tariff(NamedTuple):
    """What an order's parcel costs in one currency: free when its goods come to `free_from`."""

    name: str
    amount: int
    free_from: int | None
    days_min: int
    days_max: int


class Tax(NamedTuple):
    """An amount of one tax."""

    name: str
    bp: int
    amount: int


NO_TAX = Tax("", 0, 0)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one order costs beside its goods; `goods` is the tax of each of its lines.

    `on_top`: prices are without tax, so that it is added. Otherwise it is contained in them.
    """

    on_top: bool = False
    goods: tuple[Tax, ...] = ()
    tariff: Tariff | None = None
    shipping: int = 0
    shipping_tax: Tax = NO_TAX

    @property
    def added(self) -> int:
        """What is paid beside the goods' prices."""
        tax = self.shipping_tax.amount + sum(tax.amount for tax in self.goods) if self.on_top else 0
        return self.shipping + tax

    @property
    def taxes(self) -> list[Tax]:
        """The order's taxes, one per name and rate."""
        return summed([*self.goods, self.shipping_tax])


def charge(
    amounts: Sequence[int],
    *,
    rates: Sequence[Rate | None],
    on_top: bool,
    currency: str,
    tariff: Tariff | None = None,
    shipping_rate: Rate | None = None,
) -> Charge:
    """Return what an order of lines of these amounts and tax rates costs beside its goods.

    Tax is rounded half up once per rate, over goods and shipping together, and divided by what they cost; on
    top of prices to a multiple of `money.step`, or the sum could not be paid.
    """
    shipping = 0 if tariff is None else shipping_of(tariff, goods=sum(amounts))
    step = money.step(currency) if on_top else 1
    parts, theirs = [*amounts, shipping], [*rates, shipping_rate]
    taxes = [NO_TAX] * len(parts)
    for rate in dict.fromkeys(rate for rate in theirs if rate is not None):
        its = [n for n, each in enumerate(theirs) if each == rate]
        for n, amount in zip(its, _taxed([parts[n] for n in its], rate.bp, on_top, step), strict=True):
            taxes[n] = Tax(rate.name, rate.bp, amount)
    return Charge(on_top, tuple(taxes[:-1]), tariff, shipping, taxes[-1] if shipping else NO_TAX)


def shipping_of(tariff: Tariff, *, goods: int) -> int:
    """Return what the parcel of goods for this amount costs."""
    return 0 if tariff.free_from is not None and goods >= tariff.free_from else tariff.amount


def contained(amount: int, bp: int) -> int:
    """Return the tax in an amount that contains it, rounded half up."""
    whole = 10_000 + bp
    return (2 * amount * bp + whole) // (2 * whole)


def on_top(amount: int, bp: int, *, step: int = 1) -> int:
    """Return the tax on an amount without it, rounded half up to a multiple of `step`."""
    whole = 10_000 * step
    return (2 * amount * bp + whole) // (2 * whole) * step


def part(tax: int, *, of: int, before: int, amount: int) -> int:
    """Return the tax in `amount` of a price of which `before` was given back already.

    Counted from the start of the price, rounded half up, so that the parts of all of it add up to `tax`.
    """

    def until(reached: int) -> int:
        return (2 * tax * reached + of) // (2 * of) if of else 0

    return until(before + amount) - until(before)


def summed(taxes: Iterable[Tax]) -> list[Tax]:
    """Return one tax per name and rate, the highest rate first; without those that nothing is taxed by."""
    sums: dict[Rate, int] = {}
    for tax in taxes:
        if tax.name:
            rate = Rate(tax.name, tax.bp)
            sums[rate] = sums.get(rate, 0) + tax.amount
    return [Tax(*rate, sums[rate]) for rate in sorted(sums, key=lambda rate: (-rate.bp, rate.name))]


def _taxed(amounts: Sequence[int], bp: int, above: bool, step: int) -> list[int]:
    whole = sum(amounts)
    tax = on_top(whole, bp, step=step) if above else contained(whole, bp)
    if not tax:
        return [0] * len(amounts)
    return [each * step for each in money.share(tax // step, amounts)]


def body(
    *, currency: str, shipping_name: str, shipping: int, taxes: Iterable[Tax], on_top: bool
) -> dict[str, object]:
    """Return what of an order's total is shipping and what is tax, as it is told."""
    return {
        "shipping": {"name": shipping_name, "amount": _money(shipping, currency)} if shipping_name else None,
        "taxes": [tax_body(tax, currency) for tax in summed(taxes)],
        "tax_on_top": on_top,
    }


def tax_body(tax: Tax, currency: str) -> dict[str, object] | None:
    """Return an amount of tax as it is told; None without one."""
    if not tax.name:
        return None
    return {"name": tax.name, "bp": tax.bp, "amount": _money(tax.amount, currency)}


def charge_body(charge: Charge, currency: str) -> dict[str, object]:
    """Return what an order costs beside its goods, as it is told."""
    name = charge.tariff.name if charge.tariff else ""
    taxes = [*charge.goods, charge.shipping_tax]
    return body(
        currency=currency, shipping_name=name, shipping=charge.shipping, taxes=taxes, on_top=charge.on_top
    )


def _money(amount: int, currency: str) -> dict[str, int | str]:
    return Money(amount, currency).as_dict()


def order_body(charge: Charge, *, merchant: dict[str, str], goods: int, currency: str) -> dict[str, object]:
    """Return what one merchant's order would come to, as it is told before it is bought."""
    tariff = charge.tariff
    return {
        "merchant": merchant,
        "goods": _money(goods, currency),
        "total": _money(goods + charge.added, currency),
        **charge_body(charge, currency),
        "free_from": _money(tariff.free_from, currency) if tariff and tariff.free_from is not None else None,
        "days": [tariff.days_min, tariff.days_max] if tariff else None,
    }
