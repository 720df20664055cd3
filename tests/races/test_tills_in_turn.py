"""Tills of several processes want the same row: they take turns, however long a batch takes."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from orders import transactions
from orders.till import asking, others, refusals, ringing, writing
from orders.till.asking import Receipt
from tests.orders import make
from tests.orders.till.asks import kinds, meet, rung, wants

pytestmark = pytest.mark.django_db(transaction=True)

SLOW_SECONDS = 1.2  # More than a till waits for a row that somebody else keeps.


@pytest.fixture
def first_is_slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the first batch has its rows; it keeps them for longer than others wait for a row."""
    has_them, write = threading.Event(), writing.write

    def slowly(*args: Any) -> Any:
        if not has_them.is_set():
            has_them.set()
            time.sleep(SLOW_SECONDS)
        return write(*args)

    monkeypatch.setattr(writing, "write", slowly)
    return has_them


def two_tills(first_is_slow: threading.Event) -> tuple[list[Any], ringing.Rung]:
    lipstick = make.variant(stocked=3)
    one, two = [wants(lipstick) for _ in range(2)], [wants(lipstick) for _ in range(2)]
    outcomes: list[Any] = []

    def ring() -> None:
        try:
            outcomes.extend(rung(*one))
        finally:
            connection.close()

    thread = threading.Thread(target=ring)
    thread.start()
    assert first_is_slow.wait(10)
    second = ringing.ring_up([asking.Press(each) for each in two], now=make.NOW)
    thread.join(20)
    assert make.broken() == []
    return outcomes, second


def test_the_second_till_waits_for_the_first_and_sells_what_is_left(first_is_slow: threading.Event) -> None:
    first, second = two_tills(first_is_slow)

    assert kinds(first) == [Receipt, Receipt]
    assert sorted(kind.__name__ for kind in kinds(second.outcomes)) == ["OutOfStock", "Receipt"]
    assert not second.stepped_over


def test_without_turns_its_buyers_would_be_sent_away(
    first_is_slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(monkeypatch)

    first, second = two_tills(first_is_slow)

    assert kinds(first) == [Receipt, Receipt]
    assert kinds(second.outcomes) == [transactions.Busy, transactions.Busy]
    assert second.stepped_over


def test_a_till_whose_turn_does_not_come_sends_its_buyers_away_and_steps_over_nothing(
    first_is_slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "IN_LINE_MS", 100)

    first, second = two_tills(first_is_slow)

    assert kinds(first) == [Receipt, Receipt]
    assert kinds(second.outcomes) == [refusals.TillsAhead, refusals.TillsAhead]
    assert not second.stepped_over
