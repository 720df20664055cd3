"""Money in integer minor units with its ISO 4217 currency. Never a float."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

# Minor-unit exponents other than 2, by the provider's lists: https://docs.stripe.com/currencies
_ZERO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD JOD KWD OMR TND"
_EXPONENTS = dict.fromkeys(_ZERO_DECIMALS.split(), 0) | dict.fromkeys(_THREE_DECIMALS.split(), 3)
_ACCEPTED = """
    AED AUD BGN BHD BRL CAD CHF CLP CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JOD JPY KRW KWD MXN MYR NOK NZD
    OMR PHP PLN RON SAR SEK SGD THB TND TRY TWD USD VND ZAR
"""
CURRENCIES = frozenset(_ACCEPTED.split())
MAX_AMOUNT = 99_999_999  # The largest charge the payment provider takes, in minor units (eight digits).
# The smallest charge the provider publishes per currency, in minor units; of others one unit:
# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_SMALLEST = {
    **dict.fromkeys(["AUD", "BRL", "CAD", "CHF", "EUR", "INR", "JPY", "NZD", "SGD", "USD"], 50),
    "AED": 200,
    "BGN": 100,
    "CZK": 1500,
    "DKK": 250,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "THB": 1000,
}


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum; a programming error."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} + {other.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + Money(-other.amount, other.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)

    def __str__(self) -> str:
        exponent = exponent_of(self.currency)
        value = Decimal(self.amount).scaleb(-exponent)
        return f"{value:,.{exponent}f} {self.currency}"

    def as_dict(self) -> dict[str, int | str]:
        """Return the wire form: minor units and currency."""
        return {"amount": self.amount, "currency": self.currency}


def exponent_of(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has (EUR 2, JPY 0, KWD 3)."""
    return _EXPONENTS.get(currency, 2)


def step(currency: str) -> int:
    """Return what an amount that is charged or given back must be a multiple of, in minor units.

    With three decimals the provider wants the last one to be 0:
    https://docs.stripe.com/currencies#three-decimal
    """
    return 10 if exponent_of(currency) == 3 else 1


def smallest(currency: str) -> int:
    """Return the smallest amount that one payment can be of, in minor units."""
    return _SMALLEST.get(currency, step(currency))


def refusal(value: Money) -> Literal["TOO_CHEAP", "TOO_EXPENSIVE", "NOT_PAYABLE"] | None:
    """Say why the provider would refuse this as the amount of one payment; None when it would not."""
    if value.amount < smallest(value.currency):
        return "TOO_CHEAP"
    if value.amount > MAX_AMOUNT:
        return "TOO_EXPENSIVE"
    return "NOT_PAYABLE" if value.amount % step(value.currency) else None


def parse(text: str, currency: str) -> Money:
    """Read a decimal amount such as "19.99" into minor units; raises ValueError on what is not exact."""
    try:
        value = Decimal(text.strip())
        scaled = value.scaleb(exponent_of(currency))
        whole = scaled.to_integral_value(rounding=ROUND_HALF_UP)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not an amount") from error
    if not value.is_finite() or whole != scaled or abs(whole) >= 10**15:
        raise ValueError(f"{text!r} is not an amount in {currency}")
    return Money(int(whole), currency)


def written(text: str, currency: str) -> Money:
    """Read an amount as people write it, with a point or a comma before the cents; raises ValueError.

    With more digits behind it than the currency has it is refused: "1,000" is a thousand to its writer.
    """
    plain = text.strip().replace(",", ".")
    whole, _, cents = plain.partition(".")
    if not f"{whole.lstrip('-')}{cents}".isdigit() or len(cents) > exponent_of(currency):
        raise ValueError(f"{text!r} is not an amount in {currency}")
    return parse(plain, currency)


def portion(amount: int, basis_points: int) -> int:
    """Return basis_points/10,000 of a non-negative amount in minor units, rounded half up."""
    return (amount * basis_points + 5_000) // 10_000


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """Split minor units in proportion to non-negative weights by largest remainder; the parts add up exactly.

    Ties go to the earlier part. Raises ValueError when no weight is positive or one is negative.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    parts = [amount * weight // total for weight in weights]
    rest = amount - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[:rest]:
        parts[i] += 1
    return parts
