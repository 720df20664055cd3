"""Charges that the provider settles in another currency than they were made in: never booked in it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commerce import gateway, ledger
from commerce.money import Money
from orders.models import Discrepancy, Payment
from orders.reconciling import movements
from orders.settling import payments
from tests.orders import make

pytestmark = pytest.mark.django_db


def test_a_movement_in_another_currency_is_for_a_human_and_books_no_fee() -> None:
    purchase = make.basket((make.variant(amount=1000), 1)).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
    payment, now = Payment.objects.get(), timezone.now()
    moved = gateway.Movement(
        id="txn_1",
        kind="charge",
        source=payment.charge_id,
        amount=Money(1000, "USD"),
        fee=Money(59, "USD"),
        made_at=now,
    )
    movements.record_all(found=[moved], now=now)
    assert movements.match(now=now + timedelta(minutes=6)) == 0

    found = Discrepancy.objects.get()
    assert (found.kind, found.payment, found.currency) == ("movement", payment, "USD")
    assert "settled in USD, and our books have it in EUR" in found.what
    assert ledger.currencies(ledger.PROVIDER) == ["EUR"]
