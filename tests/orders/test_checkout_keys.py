"""One key buys once: what a press that comes again is answered."""

from uuid import uuid4

import pytest

from catalog.shelf import stock
from commerce import idempotency
from commerce.models import Card, Event
from orders.models import Purchase
from streams import shows
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


def test_the_same_key_buys_once_and_gets_the_same_purchase() -> None:
    lipstick = make.variant(stocked=10)
    basket = make.basket((lipstick, 1))

    first, replayed = basket.again()
    second, replayed_again = basket.again(now=after(30))

    assert (replayed, replayed_again) == (False, True)
    assert first == second
    assert make.left(lipstick) == 9
    assert Event.objects.filter(name="purchase.accepted").count() == 1


def test_a_known_key_answers_also_when_the_goods_have_gone() -> None:
    lipstick = make.variant(stocked=1)
    stream = make.show(lipstick)
    basket = make.basket((lipstick, 1), stream=stream)
    first = basket.go()
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(5))

    assert basket.again(now=after(10)) == (first, True)


def test_a_retry_that_has_seen_more_of_the_show_is_the_same_purchase() -> None:
    lipstick = make.variant()
    stream = make.show(lipstick)
    basket = make.basket((lipstick, 1), stream=stream, seen=("k3f9", 1))
    first = basket.go()
    basket.seen = ("k3f9", 9)

    assert basket.again() == (first, True)


def test_a_key_used_for_something_else_is_a_mismatch() -> None:
    lipstick, blush = make.variant(), make.variant()
    buyer = make.buyer()
    basket = make.basket((lipstick, 1), by=buyer)
    basket.go()

    for other in (
        make.basket((lipstick, 2), by=buyer, key=basket.key),
        make.basket((blush, 1), by=buyer, key=basket.key),
        make.basket((lipstick, 1), by=buyer, key=basket.key, card=Card.objects.get(user=buyer)),
        make.basket((lipstick, 1), by=buyer, key=basket.key, stream=make.show(lipstick)),
    ):
        with pytest.raises(idempotency.IdempotencyMismatch):
            other.go()
    assert Purchase.objects.count() == 1


def test_two_buyers_may_use_the_same_key() -> None:
    lipstick = make.variant()
    key = uuid4()

    purchases = {make.basket((lipstick, 1), key=key).go() for _ in range(2)}

    assert len(purchases) == 2


def test_a_refused_press_may_be_sent_again_with_its_key() -> None:
    lipstick = make.variant(stocked=0)
    basket = make.basket((lipstick, 1))
    with pytest.raises(stock.OutOfStock):
        basket.go()
    stock.adjust(merchant_id=lipstick.merchant_id, variant_id=lipstick.id, delta=1, note="", now=NOW)

    assert basket.again()[1] is False
