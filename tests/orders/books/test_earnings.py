"""What the studio says a host has sold and earned."""

import pytest

from orders.books import earnings
from orders.models import Purchase
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


def paid(purchase: Purchase) -> None:
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))


def declined(purchase: Purchase) -> None:
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))


def test_only_paid_purchases_are_sales_and_waiting_ones_are_told_apart() -> None:
    lipstick = make.variant(amount=2000, seller=make.merchant(commission_bp=1_500))
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=1000, per_buyer=2)
    paid(make.basket((lipstick, 2, offer), stream=stream, by=make.buyer("Lina")).go())
    declined(make.basket((lipstick, 1), stream=stream).go())
    make.basket((lipstick, 3), stream=stream).go()

    body = earnings.of_show(host_id=stream.host_id, stream_id=stream.id)

    assert (body["units"], body["purchases"], body["being_paid"]) == (2, 1, 3)
    assert body["revenue"] == [{"amount": 2000, "currency": "EUR"}]
    assert body["commission"] == [{"amount": 300, "currency": "EUR"}]
    [line] = body["latest"]
    assert (line["buyer"], line["quantity"], line["amount"]["amount"], line["offer"]) == (
        "Lina",
        2,
        2000,
        True,
    )


def test_a_hosts_shows_are_told_apart_and_other_hosts_sales_are_not_hers() -> None:
    lipstick = make.variant(amount=2000, stocked=50)
    hers, other = make.show(lipstick), make.show(lipstick)
    for _ in range(2):
        paid(make.basket((lipstick, 1), stream=hers).go())
    paid(make.basket((lipstick, 5), stream=other).go())
    paid(make.basket((lipstick, 1)).go())

    assert earnings.of_host(host_id=hers.host_id) == {
        str(hers.id): {
            "units": 2,
            "purchases": 2,
            "revenue": [{"amount": 4000, "currency": "EUR"}],
            "commission": [{"amount": 400, "currency": "EUR"}],
        }
    }
    assert earnings.of_show(host_id=hers.host_id, stream_id=other.id)["units"] == 0


def test_shows_that_sold_in_two_currencies_say_both() -> None:
    euros, pounds = make.variant(amount=2000), make.variant(amount=1500, currency="GBP")
    stream = make.show(euros, pounds)
    paid(make.basket((euros, 1), stream=stream).go())
    paid(make.basket((pounds, 2), stream=stream).go())

    [body] = earnings.of_host(host_id=stream.host_id).values()

    assert body["revenue"] == [{"amount": 2000, "currency": "EUR"}, {"amount": 3000, "currency": "GBP"}]
    assert body["units"] == 3
