"""The machine's rules of purchases: pressed in batches, charged, ended, shipped."""

from typing import Any
from uuid import uuid4

from django.db.models import Q
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from commerce import errors
from commerce.money import Money
from orders import expiry, fulfilment
from orders.books import postings
from orders.models import Order, Payment, Purchase, Refund, WaitlistEntry
from orders.settling import charging, payments
from orders.till import asking, ringing
from streams.models import Offer
from tests.orders import make
from tests.orders.machine.world import Bought, World

who = st.integers(0, 3)
few = st.sampled_from([1, 1, 1, 2, 2, 3])
lines = st.lists(
    st.tuples(st.sampled_from(["hot", "kit", "brush", "soap"]), few, st.sampled_from([True, True, False])),
    min_size=1,
    max_size=2,
)
SPECIAL = ("", "", "", "", "coupon", "coupon", "again")
presses = st.lists(st.tuples(who, lines, st.sampled_from(SPECIAL)), min_size=2, max_size=5)
WORDS = ("processing", "requires_action", "declined", "cancelled", "succeeded")
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4)


class Buying(RuleBasedStateMachine):
    """Rules of purchases; `world` is made by the machine.

    A rule for which there is nothing yet does nothing. A precondition would let what is drawn next depend on
    the database, where what was made in the same millisecond has no order, and lives could not be repeated.
    """

    world: World

    # What happens most in a shop has several rules: of the others some are left out of each life.
    @rule(batch=presses)
    def press(self, batch: list[Any]) -> None:
        """Several people press."""
        self.ring_up(batch)

    @rule(batch=presses, words=words)
    def press_and_charge(self, batch: list[Any], words: list[str]) -> None:
        """Several people press, and some are charged at once."""
        self.ring_up(batch)
        for number, word in enumerate(words):
            self.charge(-1 - number, "processing")
            self.charge(-1 - number, word)

    def those_in_turn_press(self) -> None:
        """Whoever has a turn presses for what it is, in one batch."""
        world = self.world
        numbers = {buyer.id: number for number, buyer in enumerate(world.buyers)}
        batch = []
        for turn in WaitlistEntry.objects.filter(status="offered"):
            name, live = world.names[turn.variant_id], turn.offer_id is not None
            if not live or turn.offer_id == world.offers[-1]:
                batch.append((numbers[turn.buyer_id], [(name, turn.quantity, live)], ""))
        if batch:
            self.ring_up(batch)

    def ring_up(self, batch: list[Any]) -> None:
        """Several presses in one batch; some use a coupon, some repeat an earlier press."""
        world = self.world
        asked: list[asking.Asked] = []
        meant: list[Bought | None] = []
        for number, wanted, special in batch:
            if special == "again" and world.pressed:
                again = world.pressed[number % len(world.pressed)]
                asked.append(again)
                meant.append(None)
                continue
            offer = len(world.offers) - 1 if world.offers else None
            found: dict[tuple[str, int | None], int] = {}
            for name, quantity, live in wanted:
                at = offer if live and name in ("hot", "kit") else None
                found[name, at] = found.get((name, at), 0) + quantity
            bought = Bought(number, [(name, found[name, at], at) for name, at in found], special == "coupon")
            asked.append(self._ask(bought))
            meant.append(bought)
        turns = set(WaitlistEntry.objects.filter(status="offered").values_list("buyer_id", flat=True))
        outcomes = ringing.ring_up([asking.Press(each) for each in asked], now=world.clock).outcomes
        for each, bought_, outcome in zip(asked, meant, outcomes, strict=True):
            if not isinstance(outcome, asking.Receipt):
                assert isinstance(outcome, errors.Refusal), repr(outcome)
                continue
            if bought_ is None:
                continue
            world.pressed.append(each)
            world.accepted(outcome.purchase_id, bought_)
            self._accepted_rightly(outcome, bought_, each.buyer_id in turns)

    def _ask(self, bought: Bought) -> asking.Asked:
        world = self.world
        total = world.price(bought.lines, bought.coupon)
        return asking.ask(
            buyer_id=world.buyers[bought.who].id,
            key=uuid4(),
            lines=[
                asking.Wanted(world.goods[name].id, quantity, None if at is None else world.offers[at])
                for name, quantity, at in bought.lines
            ],
            expect_total=Money(total, "EUR"),
            stream_id=world.stream.id,
            coupon_id=world.coupon.id if bought.coupon else None,
        )

    def _accepted_rightly(self, receipt: asking.Receipt, bought: Bought, had_a_turn: bool) -> None:
        purchase = Purchase.objects.get(pk=receipt.purchase_id)
        assert purchase.amount == self.world.price(bought.lines, bought.coupon)
        for _, _, at in bought.lines:
            if at is not None and not had_a_turn:
                offer = Offer.objects.get(pk=self.world.offers[at])
                assert offer.opens_at <= self.world.clock < offer.closes_at, "outside of its window"
                assert offer.reason != Offer.Reason.HOST, "its host had ended it"

    @rule(number=st.integers(0, 20), some=words)
    def the_provider_speaks(self, number: int, some: list[str]) -> None:
        """Of several purchases: some begin to be charged, of some it says what became of it."""
        if not self.world.bought:
            return
        for n, word in enumerate(some):
            self.charge(number + n, word)

    def charge(self, which: int, word: str) -> None:
        """Ask the provider for a purchase's money, or hear something of a charge."""
        rows = list(Purchase.objects.order_by("id"))
        if not rows:
            return
        purchase = rows[which % len(rows)]
        payment = purchase.payments.order_by("-number").first()
        if payment is None or payment.status in ("declined", "cancelled", "returned"):
            if purchase.status == "accepted" and purchase.hold_until > self.world.clock:
                make.sent(purchase, number=purchase.payments.count() + 1)
            elif payment is not None:
                payments.apply(intent=make.said(payment, word), now=self.world.clock)
            return
        if payment.status == "created":
            if purchase.hold_until > self.world.clock:
                Payment.objects.filter(pk=payment.pk).update(status="sent")
            return
        payments.apply(intent=make.said(payment, word), now=self.world.clock)

    @rule(which=st.integers(0, 20))
    def try_another_card(self, which: int) -> None:
        """A declined purchase takes its units again, or is refused."""
        if "declined" not in self.world.statuses:
            return
        rows = list(Purchase.objects.filter(status="declined").order_by("id"))
        if not rows:
            return
        row = rows[which % len(rows)]
        try:
            charging.retry(purchase_id=row.id, buyer_id=row.buyer_id, card_id=None, now=self.world.clock)
        except errors.Refusal:
            row.refresh_from_db()
            assert row.status == "declined"

    @rule()
    def late_charges_are_ended(self) -> None:
        """What the sweep does at the provider for late purchases whose charge is under way."""
        if not self.world.bought:
            return
        now = self.world.clock
        for purchase_id in expiry.in_flight(now=now, limit=50):
            payment = Payment.objects.get(purchase=purchase_id, status__in=expiry.IN_FLIGHT)
            payments.apply(intent=make.said(payment, "cancelled"), now=now)

    @rule(which=st.integers(0, 20))
    def ship(self, which: int) -> None:
        """Send a parcel; the same again changes nothing."""
        if "paid" not in self.world.statuses:
            return
        rows = list(Order.objects.filter(Q(status="open") | Q(status="shipped")).order_by("id"))
        row = rows[which % len(rows)]
        fulfilment.ship(
            merchant_id=row.merchant_id,
            order_id=row.id,
            carrier="DHL",
            tracking_number="1",
            tracking_url="",
            now=self.world.clock,
        )

    @rule()
    def carry_out_a_refund(self) -> None:
        """Money that came too late goes back."""
        if not (self.world.statuses & {"expired", "cancelled"}):
            return
        for refund in Refund.objects.filter(status="created"):
            Refund.objects.filter(pk=refund.pk).update(status="succeeded", provider_id=f"re_{refund.id}")
            postings.refund_paid(refund)
