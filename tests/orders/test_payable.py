"""What the payment provider would refuse is refused before anybody is told that it is hers."""

import pytest

from catalog.models import Variant
from commerce import errors
from orders import pricing
from orders.carts import bodies
from orders.models import Hold, Purchase
from streams.offers import rules
from tests.orders import make
from tests.orders.make import NOW

pytestmark = pytest.mark.django_db


def refused(code: str, variant: Variant, quantity: int = 1) -> errors.Refusal:
    """Buy it; nothing may have happened."""
    with pytest.raises(errors.Refusal) as caught:
        make.basket((variant, quantity)).go()
    assert caught.value.code == code
    assert not Purchase.objects.exists()
    assert not Hold.objects.exists()
    assert make.left(variant) == 10
    return caught.value


@pytest.mark.parametrize(("amount", "currency", "least"), [(24, "EUR", 50), (14, "GBP", 30), (24, "JPY", 50)])
def test_a_purchase_below_the_smallest_payment_takes_nothing(amount: int, currency: str, least: int) -> None:
    sticker = make.variant(amount=amount, currency=currency)

    refusal = refused("TOO_CHEAP", sticker, 2)

    assert isinstance(refusal, pricing.TooCheap)
    assert refusal.data["least"] == least
    assert make.basket((sticker, 3)).go().amount == 3 * amount
    assert make.broken() == []


def test_an_old_price_with_a_digit_too_many_takes_nothing() -> None:
    lamp = make.variant(amount=5124, currency="KWD")

    refused("NOT_PAYABLE", lamp)

    assert make.basket((lamp, 5)).go().amount == 25_620


def test_a_cart_says_which_of_its_totals_cannot_be_paid() -> None:
    for amount, currency, why in [
        (24, "EUR", "TOO_CHEAP"),
        (50, "GBP", None),
        (49, "JPY", "TOO_CHEAP"),
        (5124, "KWD", "NOT_PAYABLE"),
        (5120, "KWD", None),
    ]:
        line = bodies.Line(make.variant(amount=amount, currency=currency).id, 1)
        body = bodies.of_guest(version=1, lines=[line], stream_id=None, now=NOW)
        expected = {"amount": amount, "currency": currency} | ({"refused": why} if why else {})
        assert body["totals"] == [expected]


def test_no_offer_is_opened_at_a_price_that_could_not_be_paid() -> None:
    lamp = make.variant(amount=5120, currency="KWD")
    show = make.show(lamp)

    with pytest.raises(rules.BadOffer) as caught:
        make.offer(show, lamp, amount=4995)

    assert "amount" in caught.value.data["errors"]
    assert make.offer(show, lamp, amount=4990).amount == 4990
