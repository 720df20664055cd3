"""What comes after the sale in the merchant admin: returns, disputes, and several orders in one parcel."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commerce import gateway
from commerce.models import Merchant, User
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import disputes, refunding, returning
from orders.models import Dispute, Order, OrderLine, Payment, Refund, Return, Shipment
from orders.settling import payments
from tests.deskfolk import client_of
from tests.orders import make
from tests.orders.test_desk import sold, text

pytestmark = pytest.mark.django_db


def sent(order: Order) -> Order:
    """Let all of an order go out."""
    fulfilment.ship(
        merchant_id=order.merchant_id,
        order_id=order.pk,
        carrier="DHL",
        tracking_number="",
        tracking_url="",
        now=timezone.now(),
    )
    return order


def wanted_back(order: Order, units: int = 1, note: str = "") -> Return:
    line = OrderLine.objects.filter(order=order).order_by("id")[0]
    return returning.ask(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.pk,
        lines=[refunding.Wanted(line.pk, units)],
        reason=Return.Reason.DAMAGED,
        note=note,
        now=timezone.now(),
    )


def send(client: Client, back: Return, action: str, **form: Any) -> Any:
    said = {"merchant": str(back.merchant_id), **form}
    return client.post(f"/merchant/returns/{back.pk}/{action}/", said, follow=True)


def test_a_return_waits_is_let_come_received_and_paid_back() -> None:
    order = sent(sold(2))
    client = client_of(order.merchant)
    back = wanted_back(order, note="It is broken")
    assert "return to be answered" in text(client, "/merchant/")
    assert f"/merchant/returns/{back.pk}/" in text(client, "/merchant/returns/?status=asked")
    assert f"/merchant/returns/{back.pk}/" in text(client, f"/merchant/orders/{order.pk}/")
    assert "It is broken" in text(client, f"/merchant/returns/{back.pk}/")

    send(client, back, "answer", verb="approve", answer="To Lindenweg")
    assert "return to be answered" not in text(client, "/merchant/")
    send(client, back, "answer", verb="receive")
    page = text(client, f"/merchant/returns/{back.pk}/")
    assert "€10.00" in page and "On sale again" in page
    assert "is here and not paid back" in text(client, "/merchant/")
    send(client, back, "refund", restock="on")

    back.refresh_from_db()
    assert (back.status, back.answer) == ("refunded", "To Lindenweg")
    assert [row.amount for row in Refund.objects.all()] == [1000]
    page = text(client, f"/merchant/returns/{back.pk}/")
    for words in (
        "Asked, by the buyer",
        "May come, by you",
        "Here, pay it back, by you",
        "Paid back, by you",
    ):
        assert words in page
    assert "Give back" not in page


def test_a_part_of_a_return_is_paid_back_once() -> None:
    order = sent(sold(2))
    client = client_of(order.merchant)
    back = wanted_back(order, units=2)
    send(client, back, "answer", verb="approve")
    for wrong in ("1,000", "x", "-3", "0"):
        send(client, back, "refund", amount=wrong)
    assert not Refund.objects.exists()
    assert "more than is left" in send(client, back, "refund", amount="20.01").content.decode()
    for _ in range(2):
        send(client, back, "refund", amount="7,50", key="k")
    assert [row.amount for row in Refund.objects.all()] == [750]


def test_a_return_is_refused_with_words_and_cannot_be_paid_back() -> None:
    order = sent(sold(1))
    client = client_of(order.merchant)
    back = wanted_back(order)
    send(client, back, "answer", verb="refuse", answer="It was worn")
    assert "It was worn" in text(client, f"/merchant/returns/{back.pk}/")
    send(client, back, "refund")
    assert not Refund.objects.exists()
    assert send(client, back, "answer", verb="burn").status_code == 404


def test_who_may_not_give_money_back_is_not_offered_to() -> None:
    order = sent(sold(1))
    back = wanted_back(order)
    page = text(client_of(order.merchant, "viewer"), f"/merchant/returns/{back.pk}/")
    assert "Let it come" not in page and "Give back" not in page


# --- disputes ---


def contested(order: Order, status: str = "needs_response") -> Dispute:
    payment = Payment.objects.get(purchase=order.purchase_id, status="succeeded")
    took = 0 if status.startswith("warning") else payment.amount
    row = disputes.take_in(
        told=gateway.Dispute(
            id=f"dp_{uuid4().hex}",
            status=status,
            reason="product_not_received",
            amount=Money(payment.amount, payment.currency),
            charge_id=payment.charge_id,
            intent_id=payment.provider_id,
            due_at=timezone.now(),
            withdrawn=took,
            reinstated=0,
        ),
        now=timezone.now(),
    )
    assert row is not None
    return row


def test_a_dispute_waits_and_says_what_speaks_for_the_merchant() -> None:
    order = sold(2)
    client = client_of(order.merchant)
    row = contested(order)
    theirs = contested(sold(1))
    assert "dispute to be answered" in text(client, "/merchant/")
    whole = text(client, "/merchant/disputes/?open=yes")
    assert str(row.pk) in whole and str(theirs.pk) not in whole and "€20.00" in whole

    page = text(client, f"/merchant/disputes/{row.pk}/")
    for words in ("Product not received", "Answer it", "No parcel was recorded", "Send this to the bank"):
        assert words in page, words
    assert "Send this to the bank" not in text(
        client_of(order.merchant, "viewer"), f"/merchant/disputes/{row.pk}/"
    )
    sent(order)
    assert "without a number to follow it" in text(client, f"/merchant/disputes/{row.pk}/")
    assert f"/merchant/disputes/{row.pk}/" in text(client, f"/merchant/orders/{order.pk}/")


def test_what_several_merchants_sold_is_answered_by_operations() -> None:
    goods = [make.variant(amount=1000, stocked=5, seller=make.merchant()) for _ in range(2)]
    purchase = make.basket(*[(each, 1) for each in goods]).go(now=timezone.now())
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
    mine, theirs = purchase.orders.order_by("id")
    row = contested(mine)
    client = client_of(mine.merchant)

    page = text(client, f"/merchant/disputes/{row.pk}/")
    assert "Others sold a part" in page and "Send this to the bank" not in page and str(theirs.pk) not in page
    answer = client.post(
        f"/merchant/disputes/{row.pk}/evidence/", {"merchant": str(mine.merchant_id)}, follow=True
    )
    assert "Yellowcart answers the bank for all of you" in answer.content.decode()
    row.refresh_from_db()
    assert row.submitted_at is None


# --- several in one parcel ---


def two_of(buyer: User | None = None) -> tuple[Merchant, list[Order]]:
    """Return a merchant and two paid orders of one buyer to one address."""
    seller, ada = make.merchant(), buyer or make.buyer()
    rows = []
    for _ in range(2):
        goods = make.variant(amount=1000, stocked=5, seller=seller)
        purchase = make.basket((goods, 2), by=ada).go(now=timezone.now())
        payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
        rows.append(purchase.orders.get())
    return seller, rows


def test_one_buyers_orders_go_out_in_one_parcel_once() -> None:
    seller, (first, second) = two_of()
    client = client_of(seller)
    assert f"/merchant/together/{first.pk}/" in text(client, "/merchant/together/")
    assert "1 more order of this buyer" in text(client, f"/merchant/orders/{second.pk}/")
    where = f"/merchant/together/{second.pk}/"
    assert text(client, where).count("checked") == 2

    form = {"merchant": str(seller.pk), "orders": [str(first.pk), str(second.pk)], "key": "k"}
    assert client.post(where, form).status_code == 400
    named = {**form, "carrier": "DHL", "tracking_number": "7"}
    answers = [client.post(where, named, follow=True).content.decode() for _ in range(2)]
    assert "The parcel is recorded" in answers[0]
    assert "This parcel was recorded already." in answers[1]

    parcel = Shipment.objects.get()
    assert sorted(parcel.lines.values_list("order", "quantity")) == sorted([(first.pk, 2), (second.pk, 2)])
    assert set(Order.objects.values_list("status", flat=True)) == {"shipped"}
    assert "Nothing to put together" in text(client, "/merchant/together/")
    assert "Nothing to send" in text(client, where)


def test_only_what_is_ticked_goes_out_and_nothing_that_was_not_offered() -> None:
    seller, (first, second) = two_of()
    other = sold(1, of=seller)
    client = client_of(seller)
    where = f"/merchant/together/{first.pk}/"
    form = {"merchant": str(seller.pk), "carrier": "DHL"}
    for wrong in ([], [str(first.pk), str(other.pk)], ["x"]):
        assert client.post(where, {**form, "orders": wrong}).status_code == 400
    assert client.post(where, {**form, "orders": [str(second.pk)]}).status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("open", "shipped")


# --- how much it costs ---


def statements(client: Client, address: str) -> int:
    text(client, address)
    with CaptureQueriesContext(connection) as asked:
        text(client, address)
    return len(asked)


def test_lists_cost_the_same_however_long_they_are() -> None:
    order = sent(sold(9))
    client = client_of(order.merchant)
    contested(order, "warning_needs_response")
    wanted_back(order)
    seller, _ = two_of()
    hers = client_of(seller)
    before = [
        statements(client, "/merchant/returns/"),
        statements(client, "/merchant/disputes/"),
        statements(client, "/merchant/"),
        statements(hers, "/merchant/together/"),
    ]
    for _ in range(3):
        wanted_back(order)
        contested(order, "warning_needs_response")
    for _ in range(2):
        ada = make.buyer()
        for _ in range(2):
            goods = make.variant(amount=1000, stocked=5, seller=seller)
            purchase = make.basket((goods, 1), by=ada).go(now=timezone.now())
            payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
    assert before == [
        statements(client, "/merchant/returns/"),
        statements(client, "/merchant/disputes/"),
        statements(client, "/merchant/"),
        statements(hers, "/merchant/together/"),
    ]
