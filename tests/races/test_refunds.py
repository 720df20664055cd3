"""Refunds decided at the same moment: together never more than was captured."""

import pytest
from django.db import IntegrityError, connection

from orders import fulfilment, transactions
from orders.aftersales import cancelling, refunding
from orders.models import Order, OrderLine, Payment, Purchase, Refund
from orders.settling import payments, refunds
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def paid() -> Payment:
    payment = make.sent(make.basket((make.variant(amount=1000), 1)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))
    payment.refresh_from_db()
    return payment


def owe(payment: Payment) -> Refund:
    """Decide without the purchase's lock, and of which line: the database alone stands in the way."""
    line = OrderLine.objects.get(order__purchase=payment.purchase_id)
    parts = [refunds.Part(line.id, 600)]
    return transactions.run(
        lambda: refunds.owe(payment=payment, amount=600, reason="late parcel", now=after(3), parts=parts)
    )


def test_of_four_refunds_at_once_only_those_within_the_capture_are_owed() -> None:
    payment = paid()

    outcomes = at_once([lambda: owe(payment)] * 4)

    refused = [each for each in outcomes if isinstance(each, IntegrityError)]
    assert len(refused) == 3
    assert Refund.objects.count() == 1
    assert make.broken() == []


CAPS = (
    ("orders_payment", "payment_refund_capped"),
    ("orders_payment", "payment_payouts_capped"),
    ("orders_orderline", "order_line_refund_capped"),
)


def test_control_without_the_constraints_more_than_was_captured_is_owed() -> None:
    payment = paid()
    rules = []
    with connection.cursor() as cursor:
        for table, name in CAPS:
            cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
            rules.append((table, name, cursor.fetchone()[0]))
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        at_once([lambda: owe(payment)] * 2)
        payment.refresh_from_db()
        assert payment.refunded_amount > payment.amount
        assert "refunds-within-captures" in make.broken()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_payment SET refunded_amount = 0")
            cursor.execute("UPDATE orders_orderline SET refunded_amount = 0")
            for table, name, rule in rules:
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}")


# --- a buyer, a merchant and an operator at the same moment ---


def test_a_buyer_cancels_while_her_merchant_ships() -> None:
    """One of them is first, and the other hears so; the money is never back for a parcel on its way."""
    for _ in range(4):
        payment = paid()
        order = Order.objects.get(purchase=payment.purchase_id)
        purchase = Purchase.objects.get(pk=payment.purchase_id)
        outcomes = at_once([lambda: _cancel(purchase, order), lambda: _ship(order)])  # noqa: B023
        order.refresh_from_db()
        back = Refund.objects.filter(order=order).count()
        refused = [type(each) for each in outcomes if isinstance(each, Exception)]
        assert (order.status, back, refused) in [
            ("cancelled", 1, [fulfilment.NotPaid]),
            ("shipped", 0, [cancelling.NotCancellable]),
        ]
    assert make.broken() == []


def test_all_of_an_order_is_given_back_once_by_four_at_once() -> None:
    payment = paid()
    order = Order.objects.get(purchase=payment.purchase_id)

    outcomes = at_once([lambda: _give_back(order)] * 4)

    assert sum(isinstance(each, Refund) for each in outcomes) == 1
    assert {type(each) for each in outcomes} == {Refund, refunding.NothingLeft}
    assert make.stock_of(OrderLine.objects.get(order=order).variant_id) == 10
    assert make.broken() == []


def _cancel(purchase: Purchase, order: Order) -> Purchase:
    return cancelling.cancel_by_buyer(
        buyer_id=purchase.buyer_id, purchase_id=purchase.id, order_id=order.id, reason="", now=after(5)
    )


def _ship(order: Order) -> Order:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    return fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(5), **parcel)


def _give_back(order: Order) -> Refund:
    return refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        now=after(5),
        restock=True,
    )
