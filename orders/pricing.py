"""What a purchase costs and who gets which part of it. Integers in minor units, no rounding loss."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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

    @property
    def total(self) -> Money:
        """Quantity times unit price."""
        return self.unit * self.quantity


@dataclass(frozen=True, slots=True)
class Shares:
    """An amount divided between merchant, host and platform; the three add up to it."""

    merchant: int
    host: int
    platform: int


def total(lines: Iterable[Line]) -> Money:
    """Return the sum of one or more lines.

    Raises MixedCurrencies, or TooExpensive above the provider's limit.
    """
    totals = [line.total for line in lines]
    currencies = sorted({each.currency for each in totals})
    if len(currencies) != 1:
        raise MixedCurrencies(currencies=currencies)
    summed = Money(sum(each.amount for each in totals), currencies[0])
    if summed.amount > money.MAX_AMOUNT:
        raise TooExpensive(total=summed.as_dict(), limit=money.MAX_AMOUNT)
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
