import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.models import User
from orders import panels, queries
from orders.models import Payment, Purchase
from orders.settling import answers, charging, payments
from streams.frames import buying
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


def end(purchase: Purchase, word: str) -> Payment:
    payment = make.sent(purchase)
    payments.apply(intent=make.said(payment, word), now=after(5))
    return payment


def test_sales_are_what_was_paid_per_item_and_in_all() -> None:
    lipstick, blush = make.variant(amount=2000, stocked=20), make.variant(amount=1000, stocked=20)
    stream = make.show(lipstick, blush)
    other = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=1500, quota=10, per_buyer=5)
    end(make.basket((lipstick, 2, offer), (blush, 1), stream=stream).go(), "succeeded")
    end(make.basket((lipstick, 1), stream=stream).go(), "succeeded")
    end(make.basket((blush, 1), stream=stream).go(), "declined")
    make.basket((blush, 1), stream=stream).go()
    end(make.basket((lipstick, 1), stream=other).go(), "succeeded")
    end(make.basket((make.variant(), 1), stream=stream).go(), "succeeded")

    sales = queries.sales_of_stream(stream_id=stream.id, host_id=stream.host_id)

    assert (sales["units"], sales["purchases"]) == (4, 2)
    assert sales["revenue"] == [{"amount": 6000, "currency": "EUR"}]
    assert sales["commission"] == [{"amount": 600, "currency": "EUR"}]
    items = {item["item"]: (item["units"], item["revenue"][0]["amount"]) for item in sales["items"]}
    assert items == {
        str(make.item(stream, lipstick).id): (3, 5000),
        str(make.item(stream, blush).id): (1, 1000),
    }


def test_another_hosts_show_has_sold_nothing() -> None:
    lipstick = make.variant()
    stream, other = make.show(lipstick), make.show(lipstick)
    end(make.basket((lipstick, 1), stream=stream).go(), "succeeded")

    sales = queries.sales_of_stream(stream_id=stream.id, host_id=other.host_id)

    assert (sales["units"], sales["revenue"], sales["items"]) == (0, [], [])


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("declined", "PAYMENT_DECLINED"),
        ("cancelled", "PAYMENT_CANCELLED"),
        ("succeeded", None),
        ("processing", None),
    ],
)
def test_a_purchase_says_why_it_was_not_paid(word: str, reason: str | None) -> None:
    purchase = make.basket((make.variant(), 1)).go()
    end(purchase, word)

    body = queries.purchase_body(purchase.id)

    msgspec.convert(body, buying.Purchase)
    assert body["reason"] == reason
    assert (body["message"] is None) == (reason is None)


def test_money_given_back_is_said_whatever_else_happened() -> None:
    lipstick = make.variant(stocked=1)
    purchase = make.basket((lipstick, 1)).go()
    payment = end(purchase, "declined")
    make.basket((lipstick, 1)).go()
    payments.apply(intent=make.said(payment, "succeeded"), now=after(9))

    body = queries.purchase_body(purchase.id)

    assert (body["status"], body["reason"]) == ("declined", "PAYMENT_RETURNED")
    assert body["message"] == answers.RETURNED_LATE


def test_a_second_try_forgets_the_first_cards_reason() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    end(purchase, "declined")
    charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(9))

    body = queries.purchase_body(purchase.id)

    assert (body["status"], body["reason"], body["message"]) == ("accepted", None, None)


def test_a_list_of_purchases_costs_the_same_however_long() -> None:
    buyer = make.buyer()

    def counted(number: int) -> int:
        for _ in range(number):
            end(make.basket((make.variant(), 1), (make.variant(), 2), by=buyer).go(), "succeeded")
        with CaptureQueriesContext(connection) as asked:
            rows = list(queries.purchases_of(buyer_id=buyer.id))
            assert [queries.render_purchase(row)["status"] for row in rows] == ["paid"] * len(rows)
        return len(asked)

    assert counted(1) == counted(4)


def test_a_snapshot_shows_the_latest_ten_of_this_show() -> None:
    lipstick = make.variant(stocked=50)
    stream, other = make.show(lipstick), make.show(lipstick)
    buyer: User = make.buyer()
    bought = [make.basket((lipstick, 1), by=buyer, stream=stream).go() for _ in range(12)]
    make.basket((lipstick, 1), by=buyer, stream=other).go()

    shown = panels.own([(stream.id, buyer.id)])[stream.id, buyer.id]["purchases"]

    assert [one["id"] for one in shown] == [str(each.id) for each in reversed(bought)][:10]
    for one in shown:
        msgspec.convert(one, buying.Purchase)
    msgspec.convert(panels.cart(buyer.id, stream.id), buying.Cart)
