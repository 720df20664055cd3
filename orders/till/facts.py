"""What the till knows when it decides a batch: read under lock what is counted, as of now the rest.

Counted numbers are the batch's own ledger: deciding takes from them, so the next in line sees what is left.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson

from catalog.commission.rates import Promise
from commerce.money import Money
from orders import pricing
from orders.tariffs.reading import Tariffs
from orders.taxes import Charge, Tax
from orders.till.asking import Wanted
from streams.grants import Claim, Deal


@dataclass(slots=True)
class Goods:
    """A variant, its product, its merchant, and what it costs now."""

    id: UUID
    merchant_id: UUID
    product_id: UUID
    title: str
    sku: str
    for_sale: bool
    merchant: str
    host_commission_bp: int
    platform_fee_bp: int
    list_amount: int | None
    currency: str
    floor: int | None
    release_at: datetime | None
    product_type: str = ""
    by_plan: bool = False  # Its merchant has commission plans, or had.
    parts: list[tuple[UUID, int]] = field(default_factory=list)  # Of a bundle: part and quantity.

    def takes(self, quantity: int) -> list[tuple[UUID, int]]:
        """Return which stock so many units take, and how much of it."""
        if self.parts:
            return [(part, each * quantity) for part, each in self.parts]
        return [(self.id, quantity)]


@dataclass(slots=True)
class Show:
    """A show, what is pinned in it, and which products are in its showcase."""

    id: UUID
    slug: str
    host_id: UUID
    there: bool  # Its host may still sell.
    status: str
    live_at: datetime | None
    pin_id: UUID | None
    pinned: UUID | None
    items: dict[UUID, UUID] = field(default_factory=dict)


@dataclass(slots=True)
class CardKept:
    """A buyer's saved card."""

    id: str
    brand: str
    last4: str
    fingerprint: str
    is_default: bool


@dataclass(slots=True)
class Buyer:
    """A buyer's cards, and the address that parcels go to, as JSON."""

    cards: list[CardKept] = field(default_factory=list)
    ship_to: str | None = None
    country: str = ""

    @property
    def address(self) -> dict[str, str]:
        """The address that parcels go to."""
        found: dict[str, str] = orjson.loads(self.ship_to or "{}")
        return found


@dataclass(slots=True)
class Turn:
    """Units that are held for a buyer in a line until a moment, and the show in which she lined up."""

    id: UUID
    units: int
    until: datetime
    stream_id: UUID | None


@dataclass(slots=True)
class Bill:
    """Priced lines, what is paid for all, and each merchant's part of them as (merchant, numbers of lines).

    `charges` are what each part costs beside its goods, `taxes` those of the lines.
    """

    lines: list[pricing.Line]
    total: Money
    parts: list[tuple[UUID, list[int]]]
    pay_at_shipping: bool
    charges: list[Charge]
    taxes: list[Tax]

    def amount_of(self, part: int) -> int:
        """Return what is paid for a merchant's part, in minor units."""
        _, numbers = self.parts[part]
        return sum(self.lines[n].total.amount for n in numbers) + self.charges[part].added


@dataclass(slots=True)
class Facts:
    """All that one batch is decided by. `now` is the database's clock, read at `read_at` of the process's."""

    now: datetime
    read_at: float = 0.0
    goods: dict[UUID, Goods] = field(default_factory=dict)
    shows: dict[UUID, Show] = field(default_factory=dict)
    deals: dict[UUID, Deal] = field(default_factory=dict)
    buyers: dict[UUID, Buyer] = field(default_factory=dict)
    stock: dict[UUID, int] = field(default_factory=dict)
    had: dict[tuple[UUID, UUID], int] = field(default_factory=dict)  # (offer, buyer) -> units
    households: dict[tuple[UUID, str], int] = field(default_factory=dict)  # (offer, household) -> units
    claims: dict[tuple[UUID, UUID], Claim] = field(default_factory=dict)  # (coupon, buyer)
    cart_holds: dict[tuple[UUID, UUID], int] = field(default_factory=dict)  # (buyer, variant) -> units
    turns: dict[tuple[UUID, UUID, UUID | None], Turn] = field(default_factory=dict)  # (buyer, variant, offer)
    in_cart: dict[UUID, dict[UUID, int]] = field(default_factory=dict)  # buyer -> variant -> units
    tariffs: Tariffs = field(default_factory=Tariffs)
    promises: dict[tuple[UUID, UUID], Promise] = field(default_factory=dict)  # (host, product), by plans
    # Shared by all who ask for the same, to the same country where it matters.
    bills: dict[tuple[tuple[Wanted, ...], UUID | None, str], Bill] = field(default_factory=dict)
    busy: set[UUID] = field(default_factory=set)  # Rows that somebody else keeps locked.
    trusting: bool = False  # There is plenty: the stock was looked at, and is locked when all is written.
