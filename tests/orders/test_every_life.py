"""Purchases live every life they can, in random orders; after each step the audit finds nothing."""

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from catalog.shelf import stock
from commerce import errors, gateway
from commerce.money import Money
from orders import expiry, fulfilment, queries
from orders.models import Order, Payment, Purchase, Refund
from orders.settling import charging, payments, repaying
from tests.orders import make
from tests.orders.make import after

WORDS = ("processing", "requires_action", "declined", "cancelled", "succeeded")


SEEN: set[str] = set()


class Lives(RuleBasedStateMachine):
    """Two buyers, one lipstick with an offer, one without, and a provider that says anything at any time."""

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True  # type: ignore[attr-defined]  # durable transactions may run inside
        self.atomic.__enter__()
        self.seconds = 1.0
        self.shown: dict[tuple[UUID, int], queries.Body] = {}
        self.lipstick, self.blush = make.variant(stocked=4, amount=1999), make.variant(stocked=2, amount=701)
        self.stream = make.show(self.lipstick, self.blush)
        self.offer = make.offer(self.stream, self.lipstick, amount=999, quota=3, per_buyer=2, seconds=80_000)
        self.buyers = [make.buyer("Noa"), make.buyer("Ben")]
        self.words = 0

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def now(self) -> Any:
        self.seconds += 1
        return after(self.seconds)

    def tried(self, act: Any) -> None:
        """Do it, or be refused; anything else is a mistake."""
        try:
            act()
        except errors.Refusal:
            pass

    @rule(who=st.integers(0, 1), reds=st.integers(0, 2), pinks=st.integers(0, 2), live=st.booleans())
    def buy(self, who: int, reds: int, pinks: int, live: bool) -> None:
        wanted: list[Any] = [(self.lipstick, reds, self.offer) if live else (self.lipstick, reds)]
        wanted = [each for each in [*wanted, (self.blush, pinks)] if each[1]]
        if wanted:
            basket = make.basket(*wanted, by=self.buyers[who], stream=self.stream)
            self.tried(lambda: basket.go(now=self.now()))

    @rule(who=st.integers(0, 1), word=st.sampled_from(["succeeded", "declined"]))
    def buy_and_hear(self, who: int, word: str) -> None:
        # In one step: what comes after the sale is a long way to stumble upon.
        try:
            sold = make.basket((self.blush, 1), by=self.buyers[who], stream=self.stream).go(now=self.now())
        except errors.Refusal:
            return
        payments.apply(intent=make.said(make.sent(sold), word), now=self.now())

    @precondition(lambda self: Purchase.objects.filter(status="accepted").exists())
    @rule(which=st.integers(0, 20))
    def send(self, which: int) -> None:
        waiting = list(Purchase.objects.filter(status="accepted").order_by("id"))
        if waiting:
            purchase = waiting[which % len(waiting)]
            alive = purchase.payments.exclude(status__in=["declined", "cancelled", "returned"]).first()
            if alive is None:
                make.sent(purchase, number=purchase.payments.count() + 1)
            elif alive.status == "created":
                Payment.objects.filter(pk=alive.pk).update(status="sent")

    @precondition(lambda self: Payment.objects.exclude(status="created").exists())
    @rule(which=st.integers(0, 20), word=st.sampled_from(WORDS))
    def hear(self, which: int, word: str) -> None:
        said = Payment.objects.exclude(status="created").order_by("id")
        waiting = said.filter(status__in=["sent", "unknown", "action_required"])
        known = list((which % 2 and waiting) or said)
        if known:
            payment = known[which // 2 % len(known)]
            payments.apply(intent=make.said(payment, word), now=self.now())

    @precondition(lambda self: Purchase.objects.exists())
    @rule(which=st.integers(0, 20))
    def try_another_card(self, which: int) -> None:
        rows = list(Purchase.objects.order_by("id"))
        if rows:
            row = rows[which % len(rows)]
            self.tried(
                lambda: charging.retry(
                    purchase_id=row.id, buyer_id=row.buyer_id, card_id=None, now=self.now()
                )
            )

    @rule()
    def let_the_holds_run_out(self) -> None:
        self.seconds += 700
        expiry.sweep(now=self.now())
        for purchase_id in expiry.in_flight(now=self.now(), limit=50):
            in_flight = Payment.objects.get(purchase=purchase_id, status__in=expiry.IN_FLIGHT)
            # What the provider does with a cancellation.
            payments.apply(intent=make.said(in_flight, "cancelled"), now=self.now())

    @rule(delta=st.integers(-2, 3))
    def restock(self, delta: int) -> None:
        self.tried(
            lambda: stock.adjust(
                merchant_id=self.lipstick.merchant_id,
                variant_id=self.lipstick.id,
                delta=delta,
                note="",
                now=self.now(),
            )
        )

    @precondition(lambda self: Order.objects.exists())
    @rule(which=st.integers(0, 20))
    def ship(self, which: int) -> None:
        sold = Order.objects.filter(status="open")  # The rest is refused, and tried all the same.
        rows = list(sold.order_by("id") or Order.objects.order_by("id"))
        if rows:
            row = rows[which % len(rows)]
            self.tried(
                lambda: fulfilment.ship(
                    merchant_id=row.merchant_id,
                    order_id=row.id,
                    carrier="DHL",
                    tracking_number="1",
                    tracking_url="",
                    now=self.now(),
                )
            )

    @precondition(lambda self: Refund.objects.filter(status="created").exists())
    @rule()
    def carry_out_a_refund(self) -> None:
        refund = Refund.objects.filter(status="created").first()
        if refund is not None:
            answer = gateway.RefundResult(
                id=f"re_{refund.id}",
                status="succeeded",
                amount=Money(refund.amount, refund.currency),
                intent_id=refund.payment.provider_id,
                charge_id=None,
                failure=None,
                refund_id=refund.id,
            )
            Refund.objects.filter(pk=refund.pk).update(status="sent")
            repaying.apply(answer=answer, now=self.now())

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        if hasattr(self, "atomic"):
            assert make.broken() == []

    @invariant()
    def what_a_buyer_is_shown_changes_only_with_its_version(self) -> None:
        if hasattr(self, "atomic"):
            for purchase_id in Purchase.objects.values_list("id", flat=True):
                body = queries.purchase_body(purchase_id)
                assert self.shown.setdefault((purchase_id, body["version"]), body) == body
                SEEN.add(body["status"])
                SEEN.update(order["status"] for order in body["orders"])

    @invariant()
    def nobody_pays_for_what_she_did_not_get(self) -> None:
        if hasattr(self, "atomic"):
            for payment in Payment.objects.filter(status__in=["succeeded", "returned"]):
                kept = payment.amount - payment.refunded_amount
                bought = payment.purchase.amount if payment.status == "succeeded" else 0
                assert Money(kept, "EUR") == Money(bought, "EUR")


@pytest.mark.django_db
def test_every_life_of_a_purchase_keeps_every_rule() -> None:
    run(
        Lives,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert {"accepted", "declined", "expired", "paid", "shipped"} <= SEEN
