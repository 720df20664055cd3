"""Disputes that took a part, gave back a part, or came round after the order was dropped."""

from typing import Any

import pytest

from commerce import gateway, ledger
from commerce.money import Money
from orders.aftersales import cancelling, disputes, refunding
from orders.models import Discrepancy, Dispute, Order, Payment, Refund
from orders.settling import discrepancies, payments
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment() -> Payment:
    """30.00 paid for three pieces."""
    lipstick = make.variant(stocked=10, amount=1000)
    purchase = make.basket((lipstick, 3), stream=make.show(lipstick)).go(now=after(1))
    paid = make.sent(purchase)
    payments.apply(intent=make.said(paid, "succeeded"), now=after(2))
    paid.refresh_from_db()
    return paid


def hear(payment: Payment, status: str, *, took: int = 3000, seconds: float = 100, **more: Any) -> Dispute:
    told = gateway.Dispute(
        **{
            "id": f"dp_{payment.id.hex}",
            "status": status,
            "reason": "fraudulent",
            "amount": Money(took, "EUR"),
            "charge_id": payment.charge_id,
            "intent_id": payment.provider_id,
            "due_at": after(86_400),
            "withdrawn": took,
            "reinstated": took if status == "won" else 0,
            **more,
        }
    )
    found = disputes.take_in(told=told, now=after(seconds))
    assert found is not None
    return Dispute.objects.get(pk=found.pk)


def give_back(amount: int | None = None, *, units: int = 0) -> Refund:
    order = Order.objects.get()
    line = order.lines.get()
    return refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        now=after(150),
        amount=Money(amount, "EUR") if amount else None,
        lines=[refunding.Wanted(line.id, units)] if units else (),
    )


def test_what_a_lost_dispute_left_can_be_given_back_and_not_more(payment: Payment) -> None:
    hear(payment, "needs_response", took=1100)
    with pytest.raises(refunding.Disputed):
        give_back(100)
    hear(payment, "lost", took=1100)

    with pytest.raises(refunding.TooMuch) as refused:
        give_back(1901)
    assert refused.value.data["left"] == 1900
    assert give_back(400).amount == 400
    assert give_back().amount == 1500, "all that is left"
    with pytest.raises(refunding.Disputed):
        give_back()
    assert ledger.balance(ledger.DISPUTES, "EUR").amount == 0
    assert make.broken() == []


def test_units_are_worth_no_more_than_a_lost_dispute_has_left(payment: Payment) -> None:
    hear(payment, "lost", took=2500)
    assert give_back(units=3).amount == 500
    assert Order.objects.get().status == "cancelled"
    assert make.broken() == []


def test_cancelling_after_a_dispute_lost_in_part_gives_back_the_rest(payment: Payment) -> None:
    hear(payment, "lost", took=1100)
    order = Order.objects.get()
    actor = refunding.Actor(Refund.By.MERCHANT)
    cancelling.cancel_by_merchant(
        merchant_id=order.merchant_id, order_id=order.id, reason="", restock=True, actor=actor, now=after(200)
    )
    assert Refund.objects.get().amount == 1900
    assert make.broken() == []


@pytest.mark.parametrize("first", [True, False])
def test_a_part_given_back_though_we_won_is_booked_and_for_a_human(payment: Payment, first: bool) -> None:
    """Also when it is the first that is heard: nobody may be paid out what the bank has."""
    if not first:
        hear(payment, "needs_response")
    with pytest.raises(discrepancies.Mismatch):
        hear(payment, "won", reinstated=1000)

    row = Dispute.objects.get()
    assert (row.withdrawn_amount, row.reinstated_at, row.status) == (3000, None, "won")
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 1000
    assert Discrepancy.objects.get().theirs == 1000
    assert hear(payment, "won").reinstated_at is not None, "the rest came after it"
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 3000
    assert make.broken() == ["no-open-discrepancy"]


def drop() -> Order:
    order = Order.objects.get()
    return cancelling.cancel_by_merchant(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="lost to the bank",
        restock=True,
        actor=refunding.Actor(Refund.By.MERCHANT),
        now=after(200),
    )


def test_a_dispute_won_after_all_owes_the_buyer_of_a_dropped_order_her_money(payment: Payment) -> None:
    """She has neither goods nor money, and its merchant would have both."""
    hear(payment, "lost")
    assert drop().status == "cancelled"
    assert not Refund.objects.exists()
    left = make.stock_of(Order.objects.get().lines.get().variant_id)

    for _ in range(2):
        hear(payment, "won", seconds=300)

    refund = Refund.objects.get()
    assert (refund.amount, refund.kind, refund.by) == (3000, "cancel", "system")
    assert make.stock_of(Order.objects.get().lines.get().variant_id) == left, "on sale once"
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -3000
    assert make.broken() == []


def test_a_dispute_won_after_all_leaves_a_shipped_order_to_its_merchant(payment: Payment) -> None:
    hear(payment, "lost")
    hear(payment, "won", seconds=300)
    assert not Refund.objects.exists()


def test_a_dispute_that_is_settled_in_another_currency_is_never_booked_in_it(payment: Payment) -> None:
    with pytest.raises(discrepancies.Mismatch, match="USD"):
        hear(payment, "needs_response", took=3000, withdrawn=0, settled_in="USD")

    assert Dispute.objects.get().withdrawn_at is None
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 3000
    found = Discrepancy.objects.get()
    assert (found.kind, found.theirs, found.currency) == ("dispute", 3000, "EUR")
    assert make.broken() == ["no-open-discrepancy"]
