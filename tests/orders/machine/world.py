"""The machine's small shop, and a plain model of it: what was bought, counted without the product's books."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from catalog import bundles
from catalog.models import Stock
from catalog.shelf import stock
from commerce import redis_client
from commerce.models import Address
from orders import audit
from orders.carts import policies
from orders.models import CartHold, Payment, Purchase, WaitlistEntry
from orders.till import asking
from streams.models import CouponClaim, Offer
from tests.orders import make

PRICES = {"hot": 2000, "kit": 3000, "brush": 700, "soap": 500}
PARTS = {"hot": {"hot": 1}, "brush": {"brush": 1}, "soap": {"soap": 1}, "kit": {"hot": 1, "brush": 2}}
HOLD_SECONDS = 120
OFFER_AMOUNT = 1000
PER_BUYER, PER_HOUSEHOLD = 2, 3
COUPON_QUOTA, COUPON_USES = 2, 1
LIVE = ("accepted", "action_required", "authorized", "paid")


@dataclass
class Bought:
    """An accepted purchase as the model knows it."""

    who: int
    lines: list[tuple[str, int, int | None]]  # Name, units, number of the offer.
    coupon: bool
    units: Counter[str] = field(default_factory=Counter)


class Shop:
    """Two neighbours and two others; a merchant with offers and a bundle, and one who may hold for carts.

    It is the same for all lives, whose changes are undone.
    """

    def __init__(self) -> None:
        hot = make.variant(stocked=0, amount=PRICES["hot"])
        self.goods = {
            "hot": hot,
            "kit": make.variant(stocked=0, amount=PRICES["kit"], product=hot.product, title="Kit"),
            "brush": make.variant(stocked=0, amount=PRICES["brush"], seller=hot.merchant),
            "soap": make.variant(stocked=0, amount=PRICES["soap"]),
        }
        self.names = {each.id: name for name, each in self.goods.items()}
        bundles.set_parts(
            merchant_id=hot.merchant_id,
            bundle_id=self.goods["kit"].id,
            parts={hot.id: 1, self.goods["brush"].id: 2},
            now=make.NOW,
        )
        policies.set_policy(
            merchant_id=self.goods["soap"].merchant_id, hold_seconds=HOLD_SECONDS, now=make.NOW
        )
        self.stream = make.show(*self.goods.values())
        self.item = make.item(self.stream, hot)
        self.coupon = make.coupon(
            self.stream, hot.merchant, quota=COUPON_QUOTA, per_buyer=COUPON_USES, seconds=600
        )
        self.buyers = [make.buyer(name) for name in ("Noa", "Ben", "Ada", "Kim")]
        for number in (2, 3):
            Address.objects.filter(user=self.buyers[number]).update(line1=f"Weg {number}")


class World:
    """One life of the shop, and what the model knows of it."""

    def __init__(self, shop: Shop, stocked: dict[str, int]) -> None:
        self.undo = transaction.atomic()
        self.undo._from_testcase = True  # type: ignore[attr-defined]  # durable transactions may run inside
        self.undo.__enter__()
        redis_client.sync().flushall()  # What counts how often somebody came is of this life, too.
        self.clock = make.NOW
        self.goods, self.names, self.stream = shop.goods, shop.names, shop.stream
        self.item, self.coupon, self.buyers = shop.item, shop.coupon, shop.buyers
        for name, units in stocked.items():
            self.restock(name, units)
        self.guest: str | None = None
        self.put_in = Counter(stocked)
        self.offers: list[UUID] = []
        self.bought: dict[UUID, Bought] = {}
        self.pressed: list[asking.Asked] = []
        self.steps = 0
        # As of the last check, for the rules that need some.
        self.statuses: set[str] = set()
        self.in_line = self.sold_out = False

    def restock(self, name: str, delta: int) -> None:
        """Let the merchant add units or take some away; raises what `stock.adjust` raises."""
        of = self.goods[name]
        stock.adjust(merchant_id=of.merchant_id, variant_id=of.id, delta=delta, note="", now=self.clock)

    def close(self) -> None:
        """Undo all of it."""
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def pass_by(self, seconds: float) -> datetime:
        """Let time go on and return what it is now."""
        self.clock += timedelta(seconds=seconds)
        return self.clock

    # --- what the model knows ---

    def price(self, lines: list[tuple[str, int, int | None]], coupon: bool) -> int:
        """What it costs by the published rule: a tenth off the merchant's lines at the list price."""
        total = off = 0
        for name, quantity, offer in lines:
            cost = (PRICES[name] if offer is None else OFFER_AMOUNT) * quantity
            total += cost
            if coupon and offer is None and name != "soap":
                off += cost // 10
        return total - off

    def accepted(self, purchase_id: UUID, bought: Bought) -> None:
        """Note an accepted purchase."""
        for name, quantity, _ in bought.lines:
            for part, units in PARTS[name].items():
                bought.units[part] += units * quantity
        known = self.bought.setdefault(purchase_id, bought)
        assert known.lines == bought.lines, "a purchase is one purchase"

    # --- what has to be true ---

    def check(self) -> None:
        """Compare the books with the model, and after every few steps have everything audited."""
        self.steps += 1
        rows = dict(Purchase.objects.values_list("id", "status"))
        assert rows.keys() == self.bought.keys()
        self.statuses = set(rows.values())
        live = [self.bought[pk] for pk, status in rows.items() if status in LIVE]
        places = list(
            WaitlistEntry.objects.filter(status__in=["waiting", "offered"]).values_list(
                "status", "variant_id", "offer_id", "quantity"
            )
        )
        self.in_line = bool(places)
        turns = [place[1:] for place in places if place[0] == "offered"]
        self._check_units(live, turns)
        self._check_limits(live, turns)
        if self.steps % 5 == 0:
            self.audit()

    def audit(self) -> None:
        """Have everything audited, in one statement."""
        ended = Payment.objects.filter(
            status__in=["sent", "unknown", "action_required"],
            purchase__status__in=["expired", "cancelled", "declined"],
        )
        assert not ended.exists(), "a charge is in flight for units that were given back"
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join(
                    f"(SELECT '{check.name}', found::text FROM ({check.broken}) AS broken (found))"
                    for check in audit.CHECKS
                )
            )
            found = cursor.fetchall()
        assert found == []

    def _check_units(self, live: list[Bought], turns: list[Any]) -> None:
        gone: Counter[str] = Counter()
        for each in live:
            gone.update(each.units)
        for variant_id, units in CartHold.objects.values_list("variant_id", "quantity"):
            gone[self.names[variant_id]] += units
        for variant_id, _, units in turns:
            gone[self.names[variant_id]] += units
        left = dict(Stock.objects.values_list("variant_id", "available"))
        for name in ("hot", "brush", "soap"):
            assert left[self.goods[name].id] == self.put_in[name] - gone[name], f"units of {name}"
        self.sold_out = not (left[self.goods["hot"].id] and left[self.goods["soap"].id])

    def _check_limits(self, live: list[Bought], turns: list[Any]) -> None:
        of_offer: Counter[int] = Counter()
        of_buyer: Counter[tuple[int, int]] = Counter()
        uses: Counter[int] = Counter(each.who for each in live if each.coupon)
        for each in live:
            for _, quantity, offer in each.lines:
                if offer is not None:
                    of_offer[offer] += quantity
                    of_buyer[offer, each.who] += quantity
        for (number, _), units in of_buyer.items():
            assert units <= PER_BUYER
            assert of_buyer[number, 0] + of_buyer[number, 1] <= PER_HOUSEHOLD, "they live together"
        for offer_id, quota, left in Offer.objects.values_list("id", "quota", "left"):
            set_aside = sum(units for _, at, units in turns if at == offer_id)
            assert left == quota - of_offer[self.offers.index(offer_id)] - set_aside, "units of an offer"
            assert left >= 0
            self.sold_out = self.sold_out or left == 0
        used = dict(CouponClaim.objects.values_list("buyer_id", "used"))
        assert len(used) <= COUPON_QUOTA
        for who, buyer in enumerate(self.buyers):
            assert used.get(buyer.id, 0) == uses[who] <= COUPON_USES
