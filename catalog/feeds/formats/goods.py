"""Products as they are written into a file, and what every format does with them. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from commerce import money


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, by address."""

    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class Sale:
    """A price for a while, to come or running, in minor units; `instead_of` is the price before and after."""

    amount: int
    instead_of: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Unit:
    """A variant; amounts are in minor units, `available` is None where there is no stock of its own."""

    id: str
    title: str
    options: dict[str, str]
    sku: str
    barcode: str
    weight_grams: int
    amount: int | None
    compare_at: int | None
    currency: str
    available: int | None
    left: int
    release_at: datetime | None
    is_active: bool
    sale: Sale | None = None


@dataclass(frozen=True, slots=True)
class Good:
    """A product with its variants and pictures, in their order."""

    handle: str
    title: str
    description: str
    vendor: str
    type: str
    tags: list[str]
    option_names: list[str]
    status: str
    pictures: list[Picture]
    units: list[Unit]
    language: str = ""
    category: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What writing a product came to: its part of the file, and how many variants are in it and are not.

    A product that the format cannot say at all has an empty text, and counts as one that is left out.
    """

    text: str
    variants: int
    left_out: int


class Writer(Protocol):
    """A format, as files of it are written; a file is head, products and tail in UTF-8."""

    media_type: str
    suffix: str

    def head(self) -> str:
        """Return how a file begins."""
        ...

    def product(self, good: Good, *, now: datetime) -> Written:
        """Return a product's part of the file."""
        ...

    def tail(self) -> str:
        """Return how a file ends."""
        ...


def decimal(amount: int, currency: str) -> str:
    """Return minor units as the currency's decimal number: 1999 EUR is 19.99."""
    exponent = money.exponent_of(currency)
    return f"{Decimal(amount).scaleb(-exponent):.{exponent}f}"


def sayable(good: Good, currency: str = "") -> list[Unit]:
    """Return the variants that are known by values of the product's own options, as readers know them.

    With a currency only those which have a price in it.
    """
    names = set(good.option_names)
    return [
        unit
        for unit in good.units
        if unit.options.keys() <= names
        and bool(unit.options) == bool(names)
        and " / ".join(unit.options.values()) == unit.title
        and (not currency or (unit.amount is not None and unit.currency == currency))
    ]


def moment(at: datetime | None) -> str:
    """Return a moment as `cells.moment` reads it, "" for none."""
    return at.isoformat().replace("+00:00", "Z") if at else ""
