"""Refunds that are owed when the buyer's bank takes the money: each cent is had once, and none stays owed."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commerce import gateway, ledger
from commerce.money import Money
from orders import claims, recovery
from orders.aftersales import disputes
from orders.books import postings
from orders.models import Discrepancy, Dispute, Order, Payment, Refund
from orders.settling import banked, discrepancies, payments, refunds, repaying
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

PART = 1000


@pytest.fixture
def payment() -> Payment:
    """30.00 paid, of which 10.00 are owed back when the bank comes."""
    lipstick = make.variant(stocked=10, amount=1000)
    purchase = make.basket((lipstick, 3), stream=make.show(lipstick)).go(now=after(1))
    paid = make.sent(purchase)
    payments.apply(intent=make.said(paid, "succeeded"), now=after(2))
    paid.refresh_from_db()
    refunds.owe(payment=paid, amount=PART, reason="x", now=after(50), order_id=Order.objects.get().id)
    return paid


def hear(payment: Payment, status: str, *, amount: int = 3000, seconds: float = 100, **more: Any) -> None:
    told = gateway.Dispute(
        **{
            "id": f"dp_{payment.id.hex}",
            "status": status,
            "reason": "fraudulent",
            "amount": Money(amount, "EUR"),
            "charge_id": payment.charge_id,
            "intent_id": payment.provider_id,
            "due_at": after(86_400),
            "withdrawn": amount,
            "reinstated": amount if status == "won" else 0,
            **more,
        }
    )
    disputes.take_in(told=told, now=after(seconds))


def owed(account: str = ledger.REFUNDS) -> int:
    return ledger.balance(account, "EUR").amount


def sweep(seconds: float) -> None:
    for refund_id in banked.due(now=after(seconds), limit=50):
        banked.decided(refund_id=refund_id, now=after(seconds))


def refused(seconds: float = 60) -> None:
    """The provider heard of the dispute first."""
    Refund.objects.update(status="failed", failure="charge_disputed", checked_at=after(seconds))


def told() -> list[tuple[str, int]]:
    order = Order.objects.select_related("purchase").get()
    return [(each["status"], each["amount"]["amount"]) for each in claims.refunds_of(order)]


def test_while_the_bank_asks_nothing_is_sent_and_nothing_is_late(payment: Payment) -> None:
    hear(payment, "needs_response")
    row = Refund.objects.get()
    Refund.objects.update(created_at=timezone.now() - timedelta(days=9))

    repaying.send(refund_id=row.id, now=after(200))  # Sent, it would fail: there is no provider here.
    assert repaying.due(now=after(9000), limit=9) == []
    assert banked.due(now=after(9000), limit=9) == []
    row.refresh_from_db()
    assert (row.status, row.sent_at) == ("created", None)
    assert "refunds-come-to-an-end" not in make.broken()
    refused()
    assert "refunds-come-to-an-end" not in make.broken()
    Dispute.objects.update(status="lost")
    assert "refunds-come-to-an-end" in make.broken(), "the control"


@pytest.mark.parametrize("was_refused", [False, True])
def test_what_a_lost_dispute_has_paid_is_not_owed_any_more(payment: Payment, was_refused: bool) -> None:
    hear(payment, "needs_response")
    if was_refused:
        refused()
    hear(payment, "lost")
    version = payment.purchase.__class__.objects.get().version

    assert recovery.finish(now=after(300))["banked"] == 1
    row = Refund.objects.get()
    assert (row.status, row.bank_amount) == ("by_bank", PART)
    assert (owed(), owed(ledger.DISPUTES), owed(ledger.PROVIDER)) == (0, 0, 0)
    assert told() == [("bank", PART)]
    assert payment.purchase.__class__.objects.get().version > version, "she is told"
    assert banked.pay(refund_id=row.id, now=after(301)) == row, "once"
    assert banked.due(now=after(9000), limit=9) == []
    assert make.broken() == []


def test_a_refund_that_was_not_owed_from_the_dispute_is_not_the_banks(payment: Payment) -> None:
    row = Refund.objects.get()
    with pytest.raises(banked.NotByBank):
        banked.pay(refund_id=row.id, now=after(60))
    hear(payment, "needs_response")
    with pytest.raises(banked.NotByBank):
        banked.pay(refund_id=row.id, now=after(150))
    hear(payment, "lost", amount=2000, id="dp_of_the_rest")
    with pytest.raises(banked.NotByBank):
        banked.pay(refund_id=row.id, now=after(160))


def test_a_dispute_of_what_nobody_owed_leaves_the_refund_to_be_sent(payment: Payment) -> None:
    hear(payment, "lost", amount=2000)
    assert banked.due(now=after(300), limit=9) == []
    assert repaying.due(now=after(300), limit=9) == [Refund.objects.get().id]


def test_of_what_the_bank_paid_in_part_the_rest_is_sent(payment: Payment) -> None:
    hear(payment, "lost", amount=2600)
    sweep(300)

    first, rest = Refund.objects.order_by("id")
    assert (first.status, first.bank_amount) == ("by_bank", 600)
    assert (rest.status, rest.amount, rest.again_of) == ("created", 400, first)
    assert make.events("refund.owed")[-1] == {"refund": str(rest.id)}
    assert repaying.due(now=after(400), limit=9) == [rest.id]
    assert told() == [("owed", 400), ("bank", 600)]
    assert (owed(), owed(ledger.DISPUTES)) == (-400, 0)
    assert make.broken() == []


def test_after_a_won_dispute_what_was_refused_is_sent_anew_once(payment: Payment) -> None:
    hear(payment, "needs_response")
    refused()
    hear(payment, "won", seconds=200)
    sweep(300)

    first, fresh = Refund.objects.order_by("id")
    assert (first.status, fresh.status, fresh.amount) == ("failed", "created", PART)
    Refund.objects.filter(pk=fresh.pk).update(
        status="failed", failure="charge_disputed", checked_at=after(300)
    )
    assert banked.due(now=after(9000), limit=9) == [], "refused once more, it is for a human"


def test_what_the_bank_gave_back_after_all_is_owed_again(payment: Payment) -> None:
    hear(payment, "lost")
    sweep(300)
    hear(payment, "won", seconds=400)

    first, fresh = Refund.objects.order_by("id")
    assert (first.status, first.bank_amount, fresh.amount) == ("by_bank", 0, PART)
    assert (owed(), owed(ledger.DISPUTES)) == (-PART, 0)
    assert told() == [("owed", PART)]
    assert repaying.due(now=after(500), limit=9) == [fresh.id]
    assert make.broken() == []


def test_of_what_was_paid_in_part_and_given_back_a_human_is_told(payment: Payment) -> None:
    hear(payment, "lost", amount=2600)
    sweep(300)
    hear(payment, "won", amount=2600, seconds=400)
    assert Discrepancy.objects.get().ours == 600


def test_a_refund_that_arrives_beside_the_banks_money_is_a_discrepancy(payment: Payment) -> None:
    hear(payment, "lost")
    sweep(300)
    answer = gateway.RefundResult(
        id="re_1",
        status="succeeded",
        amount=Money(PART, "EUR"),
        intent_id=payment.provider_id,
        charge_id=payment.charge_id,
        failure=None,
        refund_id=Refund.objects.get().id,
    )
    with pytest.raises(discrepancies.Mismatch):
        repaying.apply(answer=answer, now=after(400))
    assert Refund.objects.get().status == "by_bank"


def test_money_that_came_too_late_and_was_disputed_is_the_banks_to_give() -> None:
    payment = make.sent(make.basket((make.variant(amount=1000), 1)).go())
    Payment.objects.filter(pk=payment.pk).update(status="returned", provider_id="pi_1", charge_id="ch_1")
    payment.refresh_from_db()
    postings.capture([payment])
    refunds.owe(payment=payment, amount=1000, reason="captured too late", now=after(3))
    hear(payment, "lost", amount=1000)
    sweep(300)
    assert (Refund.objects.get().status, owed(), owed(ledger.DISPUTES)) == ("by_bank", 0, 0)
