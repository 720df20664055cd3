"""How disputes end: what a bank gives back of what it took goes to those who bear it, once, part or whole."""

from itertools import permutations
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import gateway, ledger
from commerce.models import LedgerTransaction
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import cancelling, disputes, refunding
from orders.books import earning
from orders.models import Commission, Discrepancy, Dispute, Order, Payment, Purchase, Refund, ShippingBack
from orders.settling import banked, discrepancies, payments, refunds, repaying
from tests.orders import make, tariffing
from tests.orders.make import after

pytestmark = pytest.mark.django_db

DAY = 86_400


@pytest.fixture
def payment() -> Payment:
    """30.00 paid for three pieces in a show: 3.00 are the host's, 1.50 the platform's."""
    lipstick = make.variant(stocked=10, amount=1000)
    return paid(make.basket((lipstick, 3), stream=make.show(lipstick)).go(now=after(1)))


def paid(purchase: Purchase) -> Payment:
    found = make.sent(purchase)
    payments.apply(intent=make.said(found, "succeeded"), now=after(2))
    found.refresh_from_db()
    return found


def hear(
    payment: Payment, status: str, *, took: int = 3000, back: int = 0, seconds: float = 100, **more: Any
) -> Dispute:
    told = gateway.Dispute(
        **{
            "id": f"dp_{payment.id.hex}",
            "status": status,
            "reason": "fraudulent",
            "amount": Money(took, "EUR"),
            "charge_id": payment.charge_id,
            "intent_id": payment.provider_id,
            "due_at": after(DAY),
            "withdrawn": took,
            "reinstated": back,
            **more,
        }
    )
    found = disputes.take_in(told=told, now=after(seconds))
    assert found is not None
    return Dispute.objects.get(pk=found.pk)


def standing() -> dict[str, int]:
    accounts = {row.kind: row.balance for row in ledger.trial_balance()}
    return {kind: amount for kind, amount in accounts.items() if amount}


def give_back(amount: int | None = None) -> Refund:
    order = Order.objects.get()
    return refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        now=after(500),
        amount=Money(amount, "EUR") if amount else None,
    )


def test_what_comes_back_goes_to_those_who_bear_it_in_proportion(payment: Payment) -> None:
    hear(payment, "needs_response")
    row = hear(payment, "lost", back=1000)

    assert (row.status, row.reinstated_amount, row.reinstated_at) == ("lost", 1000, None)
    assert standing() == {"provider": 1000, "merchant": -850, "host": -100, "platform:fees": -50}
    commission = Commission.objects.get()
    assert (commission.reversed_amount, commission.status) == (200, "pending")
    assert [(each.amount, each.host_amount, each.platform_amount) for each in row.lines.all()] == [
        (2000, 200, 100)
    ]
    assert make.broken() == []
    assert not Discrepancy.objects.exists()


@pytest.mark.parametrize("took", [1, 2999, 3000])
@pytest.mark.parametrize("share", [0.001, 0.333, 0.5, 0.999])
def test_to_the_cent_as_if_the_bank_had_taken_only_the_rest(
    payment: Payment, took: int, share: float
) -> None:
    back = round(took * share)
    hear(payment, "lost", took=took, back=back)
    kept = took - back

    now = standing()
    assert now["provider"] == 3000 - kept == -sum(now.values()) + now["provider"]
    for kind, of_all in (("merchant", -2550), ("host", -300), ("platform:fees", -150)):
        assert abs(now.get(kind, 0) - of_all * (3000 - kept) / 3000) <= 2
    assert "disputes" not in now
    assert make.broken() == []
    if kept < 3000:
        assert give_back().amount == 3000 - kept, "and all that is left can be given back"
        assert make.broken() == []


def test_the_rest_may_come_back_as_well_and_then_all_is_as_it_was(payment: Payment) -> None:
    before = standing()
    hear(payment, "lost", back=777)
    row = hear(payment, "won", back=3000, seconds=200)

    assert (row.reinstated_amount, row.reinstated_at) == (3000, after(200))
    assert standing() == before
    assert (Commission.objects.get().reversed_amount, Commission.objects.get().status) == (0, "pending")
    assert make.broken() == []


def test_every_order_and_repetition_of_what_is_told_ends_the_same_way(payment: Payment) -> None:
    steps = [
        ("needs_response", 0),
        ("under_review", 0),
        ("lost", 1000),
        ("lost", 1000),
        ("under_review", 1000),
    ]
    for number, order in enumerate(sorted(set(permutations(steps, 4)))):
        if ("lost", 1000) not in order:
            continue
        for status, back in order:
            hear(payment, status, back=back, id=f"dp_{number}")
        row = Dispute.objects.get(provider_id=f"dp_{number}")
        assert (row.status, row.reinstated_amount) == ("lost", 1000)
        assert standing() == {"provider": 1000, "merchant": -850, "host": -100, "platform:fees": -50}
        kinds = LedgerTransaction.objects.filter(ref=f"dp_{number}").values_list("kind", flat=True)
        assert sorted(kinds) == ["dispute.partly_reinstated", "dispute.withdrawn"]
        hear(payment, "won", back=3000, id=f"dp_{number}")
    assert make.broken() == []


def test_first_comes_back_what_nobody_had_any_more(payment: Payment) -> None:
    """As what the buyer had by a refund, which is why the bank gives it back."""
    refunds.owe(payment=payment, amount=1000, reason="x", now=after(50))
    hear(payment, "needs_response")
    assert standing() == {"disputes": 1000, "refunds": -1000}

    hear(payment, "lost", back=1000)
    assert standing() == {"provider": 1000, "refunds": -1000}
    hear(payment, "won", back=3000)
    assert standing() == {
        "provider": 3000,
        "refunds": -1000,
        "merchant": -1700,
        "host": -200,
        "platform:fees": -100,
    }
    assert make.broken() == []


def test_a_refund_that_waited_for_the_bank_is_sent_when_its_money_came_back(payment: Payment) -> None:
    owed = refunds.owe(
        payment=payment, amount=1000, reason="x", now=after(50), order_id=Order.objects.get().id
    )
    hear(payment, "needs_response")
    assert repaying.due(now=after(9000), limit=9) == []
    hear(payment, "lost", back=1000)

    assert banked.due(now=after(9000), limit=9) == [], "the bank has not paid it"
    assert repaying.due(now=after(9000), limit=9) == [owed.id]


def test_a_refund_that_was_refused_meanwhile_is_sent_anew(payment: Payment) -> None:
    owed = refunds.owe(
        payment=payment, amount=1000, reason="x", now=after(50), order_id=Order.objects.get().id
    )
    hear(payment, "needs_response")
    Refund.objects.update(status="failed", failure="charge_disputed", checked_at=after(60))
    assert banked.due(now=after(150), limit=9) == []

    hear(payment, "lost", back=1000, seconds=200)
    assert banked.due(now=after(300), limit=9) == [owed.id]
    banked.decided(refund_id=owed.id, now=after(300))
    fresh = Refund.objects.get(again_of=owed)
    assert (fresh.amount, fresh.status) == (1000, "created")
    assert banked.due(now=after(400), limit=9) == []


def test_what_a_bank_had_paid_and_gives_back_is_owed_again(payment: Payment) -> None:
    owed = refunds.owe(
        payment=payment, amount=1000, reason="x", now=after(50), order_id=Order.objects.get().id
    )
    hear(payment, "lost")
    banked.pay(refund_id=owed.id, now=after(200))
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == 0

    hear(payment, "lost", back=400, seconds=300)
    owed.refresh_from_db()
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -1000
    assert (
        sum(Refund.objects.filter(again_of=owed).values_list("amount", flat=True)) == 1000 - owed.bank_amount
    )


def test_of_a_dropped_order_the_buyer_is_owed_what_came_back(payment: Payment) -> None:
    hear(payment, "lost")
    order = Order.objects.get()
    actor = refunding.Actor(Refund.By.MERCHANT)
    cancelling.cancel_by_merchant(
        merchant_id=order.merchant_id, order_id=order.id, reason="", restock=True, actor=actor, now=after(150)
    )
    for _ in range(2):
        hear(payment, "lost", back=1000, seconds=200)
    assert Refund.objects.get().amount == 1000
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -1000
    assert make.broken() == []


def test_also_when_it_came_back_before_the_bank_had_decided(payment: Payment) -> None:
    hear(payment, "needs_response")
    order = Order.objects.get()
    Order.objects.filter(pk=order.pk).update(status="cancelled")
    hear(payment, "under_review", back=1000, seconds=200)
    assert not Refund.objects.exists()
    hear(payment, "lost", back=1000, seconds=300)
    assert Refund.objects.get().amount == 1000


def test_shipping_comes_back_before_goods_and_its_tax_with_it() -> None:
    one = make.variant(amount=1000, seller=make.merchant(commission_bp=1000, fee_bp=500))
    tariffing.tax(one.merchant, bp=1900)
    tariffing.on_top(one.merchant)
    tariffing.zone(one.merchant, "DE", amount=500)
    found = paid(make.basket((one, 2), stream=make.show(one), total=2975).go(now=after(1)))
    before = standing()

    hear(found, "lost", took=2975, back=300)
    parcel = ShippingBack.objects.get()
    assert (parcel.amount, parcel.tax_amount) == (295, 48)
    assert Commission.objects.get().reversed_amount == 200, "the goods are the bank's still"
    assert make.broken() == []
    hear(found, "won", took=2975, back=2975)
    assert standing() == before
    assert make.broken() == []


def test_all_shipping_and_some_goods() -> None:
    one = make.variant(amount=1000, seller=make.merchant(commission_bp=1000, fee_bp=500))
    tariffing.zone(one.merchant, "DE", amount=500)
    found = paid(make.basket((one, 2), stream=make.show(one), total=2500).go(now=after(1)))
    hear(found, "lost", took=2500, back=1500)
    assert not ShippingBack.objects.exists()
    assert Commission.objects.get().reversed_amount == 100
    assert make.broken() == []


def test_what_was_earned_meanwhile_comes_back_to_what_may_be_paid_out(payment: Payment) -> None:
    hear(payment, "lost", took=1500)
    order = Order.objects.get()
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(150), **parcel)
    earning.sweep(now=after(20 * DAY))
    hear(payment, "lost", took=1500, back=600, seconds=21 * DAY)

    assert {kind: amount for kind, amount in standing().items() if kind != "provider"} == {
        "payable:merchant": -1785,
        "payable:host": -210,
        "platform:fees": -105,
    }
    assert make.broken() == []


def test_a_third_part_is_for_a_human(payment: Payment) -> None:
    """The provider knows one movement out and one back."""
    hear(payment, "lost", back=500)
    with pytest.raises(discrepancies.Mismatch, match="more parts"):
        hear(payment, "lost", back=900)
    assert (Dispute.objects.get().reinstated_amount, Discrepancy.objects.get().theirs) == (500, 900)
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 500
    assert make.broken() == ["no-open-discrepancy"]


def test_more_than_was_taken_is_not_booked(payment: Payment) -> None:
    with pytest.raises(discrepancies.Mismatch):
        hear(payment, "lost", took=1000, back=1001)
    assert Dispute.objects.get().reinstated_amount == 0
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 2000


def test_the_database_gives_back_no_more_than_was_taken_and_counts_as_back_what_is_whole(
    payment: Payment,
) -> None:
    hear(payment, "lost", took=1000)
    rows = Dispute.objects.all()
    with pytest.raises(IntegrityError, match="dispute_gives_back_no_more"), transaction.atomic():
        rows.update(reinstated_amount=1001)
    with pytest.raises(IntegrityError, match="dispute_reinstated_whole"), transaction.atomic():
        rows.update(reinstated_amount=999, reinstated_at=after(1))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE orders_dispute DROP CONSTRAINT dispute_gives_back_no_more")
    rows.update(reinstated_amount=1001)
    assert "disputes-are-booked" in make.broken(), "the control"
