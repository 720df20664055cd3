"""Refunds decided at the same moment: together never more than was captured."""

import pytest
from django.db import IntegrityError, connection

from orders import payments, refunds, transactions
from orders.models import Payment, Refund
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
    """Decide without the purchase's lock: the database alone stands in the way."""
    return transactions.run(
        lambda: refunds.owe(payment=payment, amount=600, reason="late parcel", now=after(3))
    )


def test_of_four_refunds_at_once_only_those_within_the_capture_are_owed() -> None:
    payment = paid()

    outcomes = at_once([lambda: owe(payment)] * 4)

    refused = [each for each in outcomes if isinstance(each, IntegrityError)]
    assert len(refused) == 3
    assert Refund.objects.count() == 1
    assert make.broken() == []


def test_control_without_the_constraints_more_than_was_captured_is_owed() -> None:
    payment = paid()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_payment DROP CONSTRAINT payment_refund_capped")
        cursor.execute("ALTER TABLE orders_orderline DROP CONSTRAINT order_line_refund_capped")
    try:
        at_once([lambda: owe(payment)] * 2)
        payment.refresh_from_db()
        assert payment.refunded_amount > payment.amount
        assert "refunds-within-captures" in make.broken()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_payment SET refunded_amount = 0")
            cursor.execute("UPDATE orders_orderline SET refunded_amount = 0")
            cursor.execute(
                "ALTER TABLE orders_payment ADD CONSTRAINT payment_refund_capped"
                " CHECK (refunded_amount <= amount)"
            )
            cursor.execute(
                "ALTER TABLE orders_orderline ADD CONSTRAINT order_line_refund_capped"
                " CHECK (refunded_quantity <= quantity AND refunded_amount <= amount)"
            )
