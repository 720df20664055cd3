"""What is left of an order that went out in part, and what counts from the last parcel on."""

from typing import Any

import pytest

from commerce.money import Money
from orders import fulfilment, queries, windows
from orders.aftersales import cancelling, refunding, returning
from orders.books import earning
from orders.models import (
    Proceeds,
    Purchase,
    Refund,
    Return,
    Shipment,
)
from tests.orders import make
from tests.orders.make import after
from tests.orders.sold import DAY, Sold, sold

pytestmark = pytest.mark.django_db


# --- what is left is given back or cancelled ---


def test_an_order_whose_rest_is_given_back_is_shipped() -> None:
    one = sold(2, 1)
    one.ship(2, 0)

    one.refund(0, 1)

    assert (one.status, one.counts) == ("shipped", [(2, 0, 0), (0, 1, 1)])
    assert make.broken() == []


def test_what_is_given_back_of_a_line_is_first_what_did_not_go_out() -> None:
    one = sold(3)
    one.ship(1)

    one.refund(1)
    assert (one.status, one.counts) == ("partly_shipped", [(1, 1, 1)])
    one.refund(2)

    assert (one.status, one.counts) == ("shipped", [(1, 2, 3)])
    assert make.broken() == []


def test_an_amount_without_units_leaves_all_to_go_out() -> None:
    one = sold(2)
    one.ship(1)
    one.refund(0, amount=Money(500, "EUR"))

    assert (one.status, one.counts) == ("partly_shipped", [(1, 0, 0)])


def test_cancelling_the_rest_pays_back_the_rest_alone() -> None:
    one = sold(2, 2)
    one.ship(2, 1)

    one.cancel()

    assert (one.status, one.counts) == ("shipped", [(2, 0, 0), (1, 1, 1)])
    assert Refund.objects.get().amount == 1000
    assert make.stock_of(one.lines[1].variant_id) == 19
    assert make.broken() == []


def test_her_wish_to_cancel_stands_in_the_way_of_the_rest_until_it_is_answered() -> None:
    one = sold(2)
    one.ship(1)
    buyer_id = Purchase.objects.get(pk=one.order.purchase_id).buyer_id
    asked = {"buyer_id": buyer_id, "purchase_id": one.order.purchase_id, "order_id": one.order.id}
    cancelling.cancel_by_buyer(reason="too slow", now=after(55), **asked)

    with pytest.raises(fulfilment.CancellationAsked):
        one.ship(1, number="2")
    one.cancel()

    one.order.refresh_from_db()
    assert (one.status, one.order.cancellation.status) == ("shipped", "granted")
    assert Refund.objects.get().amount == 1000


# --- what follows from it ---


def test_what_was_earned_is_kept_back_from_the_last_parcel_on() -> None:
    one = sold(2, in_show=True)
    one.ship(1, at=10)
    earning.sweep(now=after(10 + 20 * DAY))
    assert not Proceeds.objects.exists()
    one.ship(1, number="2", at=20 * DAY)

    earning.sweep(now=after(26 * DAY))
    assert not Proceeds.objects.exists()
    earning.sweep(now=after(27 * DAY + 1))

    assert Proceeds.objects.count() == 1


def test_its_arrival_does_not_keep_back_longer_what_was_earned() -> None:
    one = sold(1, in_show=True)
    one.ship(1, at=10)
    one.deliver(Shipment.objects.get(), at=6 * DAY)
    assert one.status == "delivered"

    earning.sweep(now=after(7 * DAY + 11))

    assert Proceeds.objects.count() == 1
    assert make.broken() == []


def until(one: Sold) -> Any:
    row = queries.purchase_of(
        buyer_id=Purchase.objects.get(pk=one.order.purchase_id).buyer_id, purchase_id=one.order.purchase_id
    )
    return windows.return_until(order=row.orders.all()[0])


def test_the_time_for_returns_is_counted_from_the_last_parcel_and_its_arrival() -> None:
    one = sold(2)
    assert until(one) is None
    one.ship(1, at=10)
    assert until(one) == after(10 + 30 * DAY)
    one.ship(1, number="2", at=5 * DAY)
    assert until(one) == after(35 * DAY)
    one.deliver(Shipment.objects.get(tracking_number="1"), at=6 * DAY)
    assert until(one) == after(36 * DAY)


def test_of_what_went_out_in_part_only_that_can_come_back() -> None:
    one = sold(3)
    one.ship(2)
    asked: dict[str, Any] = {
        "buyer_id": Purchase.objects.get(pk=one.order.purchase_id).buyer_id,
        "purchase_id": one.order.purchase_id,
        "order_id": one.order.id,
        "reason": Return.Reason.DAMAGED,
        "note": "",
        "now": after(70),
    }
    line = one.lines[0].id
    with pytest.raises(returning.TooMany):
        returning.ask(lines=[refunding.Wanted(line, 3)], **asked)
    back = returning.ask(lines=[refunding.Wanted(line, 1)], **asked)
    of: dict[str, Any] = {
        "merchant_id": one.order.merchant_id,
        "return_id": back.id,
        "actor": refunding.SYSTEM,
    }
    returning.approve(answer="", now=after(71), **of)
    returning.receive(now=after(72), **of)
    returning.refund(restock=True, amount=None, now=after(73), **of)

    assert (one.status, one.counts) == ("partly_shipped", [(2, 0, 1)])
    one.refund(1, now=after(74))
    assert (one.status, one.counts) == ("shipped", [(2, 1, 2)])
    with pytest.raises(returning.TooMany):
        returning.ask(lines=[refunding.Wanted(line, 2)], **asked)
    returning.ask(lines=[refunding.Wanted(line, 1)], **asked)
    assert make.broken() == []
