"""Whatever shoppers and time do to carts with holds, every unit is where the books say it is."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from catalog.models import Stock
from catalog.shelf import stock
from orders import expiry, quotes
from orders.audit.goods import STOCK
from orders.carts import contents, guests, holding, lapsing, policies
from orders.models import Cart, CartHold, CartLine, Hoarder, Purchase
from orders.waitlist import queue
from tests.orders import make

HOLD = 300
units = st.integers(min_value=1, max_value=4)
either = st.integers(min_value=0, max_value=1)


class Carts(RuleBasedStateMachine):
    """Two shoppers and a guest, two variants of a merchant who holds, and one of another who does not."""

    @initialize(first=st.integers(2, 6), second=st.integers(0, 3))
    def begin(self, first: int, second: int) -> None:
        self.undo = transaction.atomic()
        self.undo._from_testcase = True  # type: ignore[attr-defined]  # durable transactions may run inside
        self.undo.__enter__()
        seller = make.merchant()
        policies.set_policy(merchant_id=seller.id, hold_seconds=HOLD, now=make.NOW)
        self.held = [make.variant(stocked=each, seller=seller) for each in (first, second)]
        self.goods = [*self.held, make.variant(stocked=3)]
        self.shoppers = [make.buyer("Ada"), make.buyer("Bob")]
        self.token: str | None = None
        self.clock = make.NOW
        # What the machine expects: the end of each running hold.
        self.ends: dict[UUID, datetime] = {}

    def teardown(self) -> None:
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    @rule(who=either, which=st.integers(0, 2), quantity=units)
    def add(self, who: int, which: int, quantity: int) -> None:
        buyer, variant = self.shoppers[who], self.goods[which]
        before = self._units(buyer.id, variant.id)
        try:
            contents.add(
                buyer_id=buyer.id, variant_id=variant.id, quantity=quantity, stream_id=None, now=self.clock
            )
        except stock.OutOfStock:
            assert which < 2
            left = Stock.objects.get(pk=variant.pk).available
            assert left + before[1] < before[0] + quantity
            assert self._units(buyer.id, variant.id) == before
        else:
            assert self._units(buyer.id, variant.id)[0] == before[0] + quantity
            if which < 2 and not self._barred(buyer.id):
                assert self._units(buyer.id, variant.id)[1] == before[0] + quantity

    @rule(who=either, which=st.integers(0, 2), quantity=units)
    def update(self, who: int, which: int, quantity: int) -> None:
        buyer, variant = self.shoppers[who], self.goods[which]
        before = self._units(buyer.id, variant.id)
        try:
            contents.update(
                buyer_id=buyer.id,
                version=self._version(buyer.id),
                variant_id=variant.id,
                quantity=quantity,
                stream_id=None,
                now=self.clock,
            )
        except contents.NotInCart:
            assert before[0] == 0
        except stock.OutOfStock:
            assert quantity >= before[0], "fewer can always be had"
            assert self._units(buyer.id, variant.id) == before

    @precondition(lambda self: CartLine.objects.exists())
    @rule(number=st.integers(0, 5))
    def remove(self, number: int) -> None:
        rows = CartLine.objects.order_by("id")
        line = rows[number % len(rows)]
        contents.remove(
            buyer_id=line.cart_id,
            version=self._version(line.cart_id),
            variant_id=line.variant_id,
            stream_id=None,
            now=self.clock,
        )
        assert self._units(line.cart_id, line.variant_id) == (0, 0)

    @rule(who=either, wanted=st.dictionaries(st.integers(0, 2), units))
    def replace(self, who: int, wanted: dict[int, int]) -> None:
        buyer = self.shoppers[who]
        before = [self._units(buyer.id, each.id) for each in self.goods]
        try:
            contents.replace(
                buyer_id=buyer.id,
                version=self._version(buyer.id),
                lines=[(self.goods[which].id, quantity) for which, quantity in wanted.items()],
                stream_id=None,
                now=self.clock,
            )
        except stock.OutOfStock:
            assert [self._units(buyer.id, each.id) for each in self.goods] == before

    @rule(who=either, which=st.integers(0, 2), quantity=units)
    def buy(self, who: int, which: int, quantity: int) -> None:
        buyer, variant = self.shoppers[who], self.goods[which]
        lines, held = self._units(buyer.id, variant.id)
        left = Stock.objects.get(pk=variant.pk).available
        try:
            make.basket((variant, quantity), by=buyer).go(now=self.clock)
        except stock.OutOfStock:
            assert left + held < quantity, "what is held for her is hers to buy"
        else:
            assert left + held >= quantity
            rest = max(0, lines - quantity), max(0, held - quantity)
            assert self._units(buyer.id, variant.id) == rest

    @rule(which=st.integers(0, 2), quantity=units)
    def collect_as_a_guest(self, which: int, quantity: int) -> None:
        try:
            self.token = guests.add(
                token=self.token,
                variant_id=self.goods[which].id,
                quantity=quantity,
                stream_id=None,
                network="x",
                now=self.clock,
            ).token
        except quotes.BadQuantity:
            return

    @rule(who=either)
    def come_in(self, who: int) -> None:
        guests.merge(token=self.token, buyer_id=self.shoppers[who].id, now=self.clock)
        assert not guests.merge(token=self.token, buyer_id=self.shoppers[who].id, now=self.clock)

    @rule(who=either)
    def hoard(self, who: int) -> None:
        try:
            policies.bar(
                merchant_id=self.held[0].merchant_id,
                buyer_id=self.shoppers[who].id,
                reason="",
                by_id=None,
                now=self.clock,
            )
        except policies.UnknownShopper:
            return

    @precondition(lambda self: Purchase.objects.filter(status="accepted").exists())
    @rule()
    def purchases_expire(self) -> None:
        last = Purchase.objects.order_by("-hold_until").values_list("hold_until", flat=True)[0]
        self.clock = max(self.clock, last) + timedelta(seconds=1)
        for purchase in Purchase.objects.filter(status="accepted"):
            expiry.expire(purchase_id=purchase.id, now=self.clock)

    @rule(seconds=st.sampled_from([1, 60, 240, 301]))
    def time_passes(self, seconds: int) -> None:
        self.clock += timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        lapsing.sweep(now=self.clock)
        assert not CartHold.objects.filter(until__lte=self.clock).exists()

    @invariant()
    def every_unit_is_accounted_for(self) -> None:
        if not hasattr(self, "clock"):
            return
        with connection.cursor() as cursor:
            for check in STOCK:
                cursor.execute(check.broken)
                assert cursor.fetchall() == [], check.name

    @invariant()
    def nothing_is_held_beyond_a_line_nor_longer_than_published(self) -> None:
        if not hasattr(self, "clock"):
            return
        running = {}
        for hold in CartHold.objects.all():
            line = CartLine.objects.get(cart_id=hold.buyer_id, variant_id=hold.variant_id)
            assert hold.quantity <= line.quantity
            assert hold.until <= self.clock + timedelta(seconds=HOLD)
            running[hold.id] = hold.until
        for known, until in running.items():
            assert self.ends.get(known, until) == until, "an end is never moved"
        self.ends = running

    def _units(self, buyer_id: UUID, variant_id: UUID) -> tuple[int, int]:
        line = CartLine.objects.filter(cart_id=buyer_id, variant_id=variant_id).first()
        hold = CartHold.objects.filter(buyer_id=buyer_id, variant_id=variant_id).first()
        return line.quantity if line else 0, hold.quantity if hold else 0

    def _barred(self, buyer_id: UUID) -> bool:
        return Hoarder.objects.filter(buyer_id=buyer_id).exists()

    def _version(self, buyer_id: UUID) -> int:
        return Cart.objects.filter(pk=buyer_id).values_list("version", flat=True).first() or 0


SETTINGS = settings(
    max_examples=12,
    stateful_step_count=22,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db
def test_whatever_happens_to_carts_every_unit_is_accounted_for() -> None:
    run(Carts, settings=SETTINGS)


@pytest.mark.django_db
@pytest.mark.parametrize("forgotten", ["give_back", "hold"])
def test_the_machine_finds_units_that_are_forgotten(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: units that a smaller line, or a purchase from the cart, leaves behind."""
    if forgotten == "give_back":
        monkeypatch.setattr(queue, "give_back", lambda **_: None)
        monkeypatch.setattr(queue, "returned", lambda **_: [])
    else:
        monkeypatch.setattr(holding, "hold", lambda **_: holding.Moved())
    with pytest.raises(AssertionError):
        run(Carts, settings=SETTINGS)
