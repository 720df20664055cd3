"""Approved returns whose goods never come: over by themselves, told, and open again if wanted."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from orders import fulfilment, moves, queries, recovery, windows
from orders.aftersales import refunding, returning
from orders.books import earning
from orders.models import Order, OrderLine, Proceeds, Purchase, Refund, Return, ReturnMove
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

MERCHANT = refunding.Actor(Refund.By.MERCHANT)
TIME = windows.SENT_BACK_WITHIN.total_seconds()


def ask(order: Order, seconds: float = 200) -> Return:
    return returning.ask(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.id,
        lines=[refunding.Wanted(OrderLine.objects.get(order=order).id, 1)],
        reason=Return.Reason.DAMAGED,
        note="",
        now=after(seconds),
    )


def approve(back: Return, seconds: float = 300) -> Return:
    return returning.approve(
        merchant_id=back.merchant_id, return_id=back.id, answer="", actor=MERCHANT, now=after(seconds)
    )


@pytest.fixture
def back() -> Return:
    """One piece that may come back."""
    purchase = make.basket((make.variant(amount=1000), 1)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    order = Order.objects.get()
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(100), **parcel)
    order.refresh_from_db()
    return approve(ask(order))


def shown() -> dict[str, object]:
    (order,) = queries.purchase_body(Purchase.objects.get().id)["orders"]
    (one,) = order["aftersales"]["returns"]
    return dict(one)


def test_the_buyer_is_told_until_when_and_that_it_is_over(back: Return) -> None:
    assert shown()["until"] == int(after(300 + TIME).timestamp() * 1000)
    assert recovery.finish(now=after(299 + TIME))["returns"] == 0
    version = Purchase.objects.get().version

    assert recovery.finish(now=after(300 + TIME))["returns"] == 1
    back.refresh_from_db()
    assert (back.status, back.until) == ("lapsed", None)
    assert (shown()["status"], shown()["until"]) == ("lapsed", None)
    assert Purchase.objects.get().version > version
    last = ReturnMove.objects.latest("id")
    assert (last.old, last.new, last.by) == ("approved", "lapsed", "system")
    assert returning.lapse(return_id=back.id, now=after(9e6)).status == "lapsed"
    assert make.broken() == []


def test_what_never_came_keeps_nobodys_share_back(back: Return) -> None:
    earning.sweep(now=after(TIME))
    assert not Proceeds.objects.exists()
    recovery.finish(now=after(300 + TIME))
    earning.sweep(now=after(301 + TIME))
    assert Proceeds.objects.get().amount == 950


def test_its_merchant_lets_it_come_after_all(back: Return) -> None:
    recovery.finish(now=after(300 + TIME))
    with pytest.raises(moves.IllegalMove):
        returning.receive(
            merchant_id=back.merchant_id, return_id=back.id, actor=MERCHANT, now=after(400 + TIME)
        )
    again = approve(back, 400 + TIME)
    assert (again.status, again.until) == ("approved", after(400 + 2 * TIME))
    received = returning.receive(
        merchant_id=back.merchant_id, return_id=back.id, actor=MERCHANT, now=after(500 + TIME)
    )
    assert (received.status, received.until) == ("received", None)


def test_units_that_are_on_their_way_otherwise_do_not_come_twice(back: Return) -> None:
    Return.objects.update(until=after(400))
    returning.lapse(return_id=back.id, now=after(400))
    ask(back.order, 500)
    with pytest.raises(returning.TooMany):
        approve(back, 600)


def test_one_that_nobody_ended_is_found_and_the_database_wants_a_time(back: Return) -> None:
    Return.objects.update(until=timezone.now() - timedelta(minutes=2))
    assert make.broken() == ["returns-end-in-time"]
    with pytest.raises(IntegrityError, match="return_comes_until"):
        Return.objects.update(until=None)
