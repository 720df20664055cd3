"""What somebody else keeps locked for long, in rows that the till itself never locks: others go on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from catalog.models import Stock
from commerce.models import User
from orders import transactions
from orders.till import asking, counter, ringing, writing
from orders.till.asking import Receipt
from tests.orders import make
from tests.orders.make import NOW
from tests.orders.till import asks
from tests.orders.till.asks import kinds, rung, wants

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def open_elsewhere(act: Callable[[], object]) -> Iterator[None]:
    """Do something in a transaction of somebody else, which stays open."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                act()
                held.set()
                done.wait(30)
                transaction.set_rollback(True)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("stocked", [20, 1000], ids=["few", "plenty"])
def test_a_buyer_whose_own_row_is_locked_costs_herself_and_not_the_batch(stocked: int) -> None:
    lipstick = make.variant(stocked=stocked)
    batch = [wants(lipstick) for _ in range(8)]

    with open_elsewhere(lambda: User.objects.filter(pk=batch[3].buyer_id).update(email="x@example.com")):
        outcomes = rung(*batch)

    assert kinds(outcomes) == [Receipt] * 3 + [transactions.Busy] + [Receipt] * 4
    assert make.left(lipstick) == stocked - 7
    assert make.broken() == []


@pytest.mark.parametrize("stocked", [20, 1000], ids=["few", "plenty"])
def test_a_key_that_another_till_has_in_hand_for_long_costs_itself_and_not_the_batch(
    stocked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks.meet(monkeypatch)
    lipstick, serum = make.variant(stocked=stocked), make.variant(stocked=stocked)
    buyer = make.buyer()
    twice = wants(serum, by=buyer)
    batch = [wants(lipstick) for _ in range(7)]
    batch.insert(3, twice)

    def at_the_other_till() -> None:
        # It has written all, and what it counts is not locked yet.
        with patch.object(writing, "_counted"):
            ringing._batch([asking.Press(twice)], True, True, NOW)

    with open_elsewhere(at_the_other_till):
        outcomes = rung(*batch)

    assert kinds(outcomes) == [Receipt] * 3 + [transactions.Busy] + [Receipt] * 4
    assert make.left(lipstick) == stocked - 7
    assert make.broken() == []


def test_who_is_stuck_is_looked_for_no_longer_than_others_can_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ringing, "SEARCHED_SECONDS", 0)
    lipstick = make.variant(stocked=20)
    batch = [wants(lipstick) for _ in range(8)]

    with open_elsewhere(lambda: User.objects.filter(pk=batch[3].buyer_id).update(email="x@example.com")):
        outcomes = rung(*batch)

    assert kinds(outcomes) == [transactions.Busy] * 8
    assert make.left(lipstick) == 20


def test_what_is_sold_while_locked_rows_are_stepped_over_does_not_prolong_that() -> None:
    till, hot, other = counter.Till(), make.variant(), make.variant()
    try:
        with open_elsewhere(lambda: Stock.objects.filter(pk=hot.pk).update(version=2)):
            with pytest.raises(transactions.Busy):
                till.buy(wants(hot))
            wary_until = till._wary_until
            assert wary_until > 0
            assert isinstance(till.buy(wants(other)), Receipt)
    finally:
        till.close()

    assert till._wary_until == wary_until
