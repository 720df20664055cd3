"""Disputes: what the bank takes is borne and given back, once each way, whatever is told how often."""

from itertools import permutations
from typing import Any

import pytest

from commerce import gateway, ledger
from commerce.models import LedgerTransaction
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import disputes, evidence, refunding
from orders.models import Commission, Discrepancy, Dispute, Order, OrderLine, Payment, Refund
from orders.settling import discrepancies, payments, refunds
from streams.models import ChatMessage, ShowEvent
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment() -> Payment:
    """30.00 paid in a show: 3.00 are the host's, 1.50 the platform's."""
    lipstick = make.variant(stocked=10, amount=1000)
    stream = make.show(lipstick)
    purchase = make.basket((lipstick, 3), stream=stream, seen=("k3f9", 30)).go(now=after(1))
    paid = make.sent(purchase)
    payments.apply(intent=make.said(paid, "succeeded"), now=after(2))
    paid.refresh_from_db()
    return paid


def told(payment: Payment, status: str, **more: Any) -> gateway.Dispute:
    took = 0 if status.startswith("warning") else payment.amount
    return gateway.Dispute(
        **{
            "id": f"dp_{payment.id.hex}",
            "status": status,
            "reason": "product_not_received",
            "amount": Money(payment.amount, payment.currency),
            "charge_id": payment.charge_id,
            "intent_id": payment.provider_id,
            "due_at": after(86_400),
            "withdrawn": took,
            "reinstated": took if status == "won" else 0,
            **more,
        }
    )


def hear(payment: Payment, status: str, seconds: float = 100, **more: Any) -> Dispute:
    found = disputes.take_in(told=told(payment, status, **more), now=after(seconds))
    assert found is not None
    return Dispute.objects.get(pk=found.pk)


def standing() -> dict[str, int]:
    accounts = {row.kind: row.balance for row in ledger.trial_balance()}
    return {kind: amount for kind, amount in accounts.items() if amount}


SOLD = {"provider": 3000, "merchant": -2550, "host": -300, "platform:fees": -150}


def test_what_the_bank_takes_is_borne_by_those_who_had_it(payment: Payment) -> None:
    dispute = hear(payment, "needs_response")

    assert (dispute.status, dispute.withdrawn_amount, dispute.due_at) == (
        "needs_response",
        3000,
        after(86_400),
    )
    assert standing() == {}
    assert (Commission.objects.get().reversed_amount, Commission.objects.get().status) == (300, "reversed")
    assert make.broken() == []


def test_won_it_is_theirs_again(payment: Payment) -> None:
    hear(payment, "needs_response")
    hear(payment, "under_review")
    dispute = hear(payment, "won", 200)

    assert (dispute.status, dispute.reinstated_at) == ("won", after(200))
    assert standing() == SOLD
    assert (Commission.objects.get().reversed_amount, Commission.objects.get().status) == (0, "pending")
    assert make.broken() == []


def test_lost_it_stays_gone(payment: Payment) -> None:
    hear(payment, "needs_response")
    assert hear(payment, "lost").status == "lost"
    assert standing() == {}
    assert make.broken() == []


def test_every_order_and_repetition_of_what_is_told_ends_the_same_way(payment: Payment) -> None:
    steps = ["needs_response", "under_review", "won"]
    for number, order in enumerate(permutations(steps * 2, 4)):
        if "won" not in order:
            continue
        for status in order:
            hear(payment, status, id=f"dp_{number}")
        dispute = Dispute.objects.get(provider_id=f"dp_{number}")
        assert dispute.status == "won"
        assert standing() == SOLD, order
        if number > 60:
            break
    kinds = list(LedgerTransaction.objects.filter(ref="dp_0").values_list("kind", flat=True))
    assert sorted(kinds) in ([], ["dispute.reinstated", "dispute.withdrawn"])
    assert make.broken() == []


def test_an_inquiry_takes_nothing_and_may_be_refunded(payment: Payment) -> None:
    dispute = hear(payment, "warning_needs_response")
    assert (dispute.withdrawn_at, standing()) == (None, SOLD)
    order = Order.objects.get()
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        now=after(150),
        amount=Money(100, "EUR"),
    )
    assert Refund.objects.get().amount == 100
    assert hear(payment, "warning_closed").status == "warning_closed"
    assert make.broken() == []


def test_what_the_bank_took_is_not_given_back_a_second_time(payment: Payment) -> None:
    hear(payment, "needs_response")
    order = Order.objects.get()
    ask: dict[str, Any] = {
        "merchant_id": order.merchant_id,
        "order_id": order.id,
        "reason": "x",
        "actor": refunding.SYSTEM,
        "now": after(150),
    }
    with pytest.raises(refunding.Disputed):
        refunding.refund(**ask)
    hear(payment, "won")
    assert refunding.refund(**ask).amount == 3000
    assert make.broken() == []


def test_a_dispute_of_all_after_a_refund_of_a_part_costs_the_platform_the_part(payment: Payment) -> None:
    refund = refunds.owe(payment=payment, amount=1000, reason="x", now=after(50))
    hear(payment, "needs_response")
    assert standing() == {"disputes": 1000, "refunds": -1000}
    assert refund.amount == 1000
    hear(payment, "won")
    assert ledger.balance(ledger.DISPUTES, "EUR").amount == 0
    assert make.broken() == []


def test_a_second_dispute_takes_from_nobody_what_the_first_has_taken(payment: Payment) -> None:
    hear(payment, "lost")
    assert standing() == {}

    second = hear(payment, "needs_response", 200, id="dp_second")

    assert second.lines.count() == 0
    assert standing() == {"disputes": payment.amount, "provider": -payment.amount}
    assert make.broken() == []


def test_two_disputes_of_parts_are_borne_to_the_cent(payment: Payment) -> None:
    parts = (1_333, 1_667)
    for number, part in enumerate(parts):
        amount = Money(part, "EUR")
        hear(payment, "lost", 100 + number, id=f"dp_{number}", amount=amount, withdrawn=part)

    assert standing() == {}
    assert make.broken() == []


def test_a_dispute_of_what_is_not_ours_is_left_alone(payment: Payment) -> None:
    foreign = told(payment, "needs_response", intent_id="pi_else", charge_id="ch_else")
    assert disputes.take_in(told=foreign, now=after(3)) is None
    dollars = told(payment, "needs_response", amount=Money(3000, "USD"))
    assert disputes.take_in(told=dollars, now=after(3)) is None
    assert not Dispute.objects.exists()


def test_the_evidence_shows_what_she_saw_what_was_said_and_the_parcel(payment: Payment) -> None:
    purchase = payment.purchase
    order, line = Order.objects.get(), OrderLine.objects.get()
    parcel = {"carrier": "DHL", "tracking_number": "JD0001", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(50), **parcel)
    stream = purchase.stream
    assert stream is not None
    for offset in (5, 29, 30, 31):
        ShowEvent.objects.create(
            stream=stream, epoch=line.frame_epoch, offset=offset, key=str(offset), frame={"t": f"e{offset}"}
        )
    stranger = make.user("Ada")
    for number, (author, words, seconds) in enumerate(
        [
            (purchase.buyer, "Does it smudge?", -30),
            (stream.host.user, "It does not.", -20),
            (stranger, "Mine did.", -10),
            (stranger, "Much later.", 500),
        ]
    ):
        key = f"00000000-0000-0000-0000-00000000000{number}"
        ChatMessage.objects.create(stream=stream, author=author, key=key, text=words, at=after(1 + seconds))
    dispute = hear(payment, "needs_response")

    found = evidence.bundle(Dispute.objects.get(pk=dispute.pk))
    words = evidence.text(found)
    sent = evidence.for_provider(found)

    assert [event["type"] for event in found["seen"]] == ["e29", "e30"]
    assert [(each["who"], each["text"]) for each in found["chat"]] == [
        ("Noa (the buyer)", "Does it smudge?"),
        ("the host", "It does not."),
        ("a viewer", "Mine did."),
    ]
    assert "Ada" not in words
    assert "3 x Velvet lipstick" in words
    assert "10.00 EUR each" in words
    assert "DHL JD0001" in words
    assert sent["shipping_tracking_number"] == "JD0001"
    assert sent["shipping_date"] == "2030-05-01"
    assert sent["customer_name"] == "Noa"
    assert sent["shipping_address"] == "Noa, Lindenweg 4, 28195, Bremen, DE"


@pytest.mark.parametrize("moved", [{"withdrawn": 3100}, {"reinstated": 3100}])
def test_another_amount_than_was_booked_is_for_a_human(payment: Payment, moved: dict[str, int]) -> None:
    hear(payment, "needs_response")
    with pytest.raises(discrepancies.Mismatch):
        hear(payment, "under_review", **moved)

    (open_one,) = Discrepancy.objects.all()
    assert (open_one.kind, open_one.theirs) == ("dispute", 3100)
    assert ledger.balance("provider", "EUR").amount == 0, "what it took is gone, and nothing came back"
    assert hear(payment, "won").reinstated_at is not None
    assert make.broken() == ["no-open-discrepancy"]
