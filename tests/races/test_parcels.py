"""Two systems of a merchant send the same last unit at the same moment."""

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection

from orders import fulfilment
from orders.models import Order, OrderLine, Shipment
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def sold() -> OrderLine:
    payment = make.sent(make.basket((make.variant(), 2)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))
    return OrderLine.objects.get(order__purchase=payment.purchase_id)


def ship(line: OrderLine, number: int) -> Order:
    return fulfilment.pack(
        merchant_id=line.merchant_id,
        order_id=line.order_id,
        label=fulfilment.Label("DHL", str(number)),
        lines=[fulfilment.Packed(line.id, 2)],
        now=after(5),
    )


def test_the_last_units_go_out_once() -> None:
    for _ in range(4):
        line = sold()

        outcomes = at_once([partial(ship, line, n) for n in range(4)])

        line.refresh_from_db()
        refused = [type(each) for each in outcomes if isinstance(each, Exception)]
        assert refused == [fulfilment.NotPaid] * 3, outcomes
        assert line.shipped_quantity == 2
    assert Shipment.objects.count() == 4
    assert make.broken() == []


def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no order locked, nor its purchase and lines."""

    def same(rows: Any, *args: Any, **options: Any) -> Any:
        return rows.all()

    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", same)


def test_control_without_locks_the_database_stands_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked(monkeypatch)
    refused: list[type] = []
    for _ in range(20):
        line = sold()
        outcomes = at_once([partial(ship, line, n) for n in range(4)])
        refused += [type(each) for each in outcomes if isinstance(each, Exception)]
        line.refresh_from_db()
        assert line.shipped_quantity == 2
        if IntegrityError in refused:
            return
    pytest.fail("no two of them met")


def test_control_without_either_more_goes_out_than_was_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked(monkeypatch)
    name = "order_line_shipped_capped"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        rule = cursor.fetchone()[0]
        cursor.execute(f"ALTER TABLE orders_orderline DROP CONSTRAINT {name}")
    try:
        for _ in range(20):
            line = sold()
            at_once([partial(ship, line, n) for n in range(4)])
            line.refresh_from_db()
            if line.shipped_quantity > 2:
                assert "parcels-add-up" in make.broken()
                return
        pytest.fail("no two of them met")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_orderline SET shipped_quantity = 0")
            cursor.execute(f"ALTER TABLE orders_orderline ADD CONSTRAINT {name} {rule}")
