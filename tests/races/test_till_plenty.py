"""Where there is plenty, tills write at once and lock what they count at the end; it may be gone by then."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from catalog.models import Stock, Variant
from catalog.shelf import stock
from orders.till import asking, others, reading, refusals, ringing, writing
from orders.till.asking import Receipt
from tests.orders import make
from tests.orders.make import NOW
from tests.orders.till import asks
from tests.orders.till.asks import kinds, meet, rung, wants

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[], object]


def elsewhere(act: Act) -> Any:
    """Carry something out in a thread of its own, to its end; return what it returned."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert found, "it did not come to its end"
    return found[0]


def once_before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Act) -> list[Any]:
    """Have something happen elsewhere before the first call of a function; returns what came of it."""
    called = getattr(owner, name)
    came: list[Any] = []

    def first(*args: Any, **named: Any) -> Any:
        if not came:
            came.append(None)  # Said before: the other one may call it, too.
            came[0] = elsewhere(act)
        return called(*args, **named)

    monkeypatch.setattr(owner, name, first)
    return came


def set_to(lipstick: Variant, available: int) -> Act:
    return lambda: stock.set_level(
        merchant_id=lipstick.merchant_id, variant_id=lipstick.id, available=available, note="", now=NOW
    )


def test_a_till_with_plenty_does_not_wait_until_another_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=100)
    other = wants(lipstick)
    came = once_before(monkeypatch, writing, "write", lambda: rung(other))

    assert kinds(rung(wants(lipstick), wants(lipstick))) == [Receipt, Receipt]

    assert kinds(came[0]) == [Receipt]
    assert make.left(lipstick) == 97
    assert make.broken() == []


def test_control_a_till_that_trusts_nobody_makes_the_other_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PLENTY", 1_000)
    monkeypatch.setattr(others, "IN_LINE_MS", 100)
    lipstick = make.variant(stocked=100)
    other = wants(lipstick)
    came = once_before(monkeypatch, writing, "write", lambda: rung(other))

    assert kinds(rung(wants(lipstick))) == [Receipt]

    assert kinds(came[0]) == [refusals.TillsAhead]


@pytest.mark.parametrize(("left", "sold"), [(0, 0), (1, 1), (2, 2), (50, 3)])
def test_what_went_while_it_was_written_is_counted_anew(
    monkeypatch: pytest.MonkeyPatch, left: int, sold: int
) -> None:
    lipstick = make.variant(stocked=100)
    once_before(monkeypatch, writing, "_lock_trusted", set_to(lipstick, left))

    outcomes = rung(*(wants(lipstick) for _ in range(3)))

    assert kinds(outcomes).count(Receipt) == sold
    assert {type(each) for each in outcomes if not isinstance(each, Receipt)} <= {stock.OutOfStock}
    assert make.left(lipstick) == left - sold
    assert make.broken() == []


def test_control_without_a_second_look_it_sells_what_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*, units: Any, now: Any) -> None:
        for variant_id, taken in units.items():
            row = Stock.objects.get(pk=variant_id)
            Stock.objects.filter(pk=variant_id).update(available=max(0, row.available - taken))

    monkeypatch.setattr(writing, "_lock_trusted", lambda units: None)
    monkeypatch.setattr(stock, "take_locked", write)

    with pytest.raises(AssertionError):
        test_what_went_while_it_was_written_is_counted_anew(monkeypatch, 1, 1)


def test_behind_the_second_look_stands_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=100)
    once_before(monkeypatch, writing, "_lock_trusted", set_to(lipstick, 1))
    looked = stock.lock

    # Whoever looks sees what there was.
    monkeypatch.setattr(stock, "lock", lambda ids, **how: dict.fromkeys(looked(ids, **how), 100))

    outcomes = rung(wants(lipstick), wants(lipstick))

    assert kinds(outcomes).count(Receipt) == 1
    assert make.left(lipstick) == 0


def test_a_till_that_has_written_waits_its_turn_before_the_row_is_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch that trusts nobody keeps the row for long: whoever wants it only for a moment lines up, too."""
    monkeypatch.setattr(others, "IN_LINE_MS", 100)
    lipstick = make.variant(stocked=100)
    in_line, over = threading.Event(), threading.Event()

    def keep() -> None:
        from django.db import transaction

        try:
            with transaction.atomic(), connection.cursor() as cursor:
                others.wait(cursor, {lipstick.id})
                in_line.set()
                over.wait(20)
        finally:
            connection.close()

    keeper = threading.Thread(target=keep)
    keeper.start()
    assert in_line.wait(10)
    try:
        outcomes = rung(wants(lipstick))
    finally:
        over.set()
        keeper.join(20)

    assert kinds(outcomes) == [refusals.TillsAhead]
    assert make.left(lipstick) == 100


@pytest.mark.parametrize("what", ["offer", "coupon"])
def test_what_has_limits_of_its_own_is_never_trusted(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    lipstick = make.variant(stocked=100)
    stream = make.show(lipstick)
    if what == "offer":
        basket = make.basket((lipstick, 1, make.offer(stream, lipstick, quota=50)), stream=stream)
        one = asks.asked(basket)
    else:
        basket = make.basket((lipstick, 1), stream=stream)
        one = asks.asked(basket, coupon_id=make.coupon(stream, lipstick.merchant).id)
    looked: list[Any] = []
    monkeypatch.setattr(stock, "look", looked.append)

    rung(one)

    assert looked == []


def test_many_tills_sell_the_last_of_plenty_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PLENTY", 1)
    pieces, tills, batches, size = 60, 4, 6, 5
    lipstick = make.variant(stocked=pieces)
    lines = [[[wants(lipstick) for _ in range(size)] for _ in range(batches)] for _ in range(tills)]
    outcomes: list[Any] = []

    def sell(its: list[list[asking.Asked]]) -> None:
        try:
            for batch in its:
                outcomes.extend(ringing.ring_up([asking.Press(each) for each in batch], now=NOW).outcomes)
        finally:
            connection.close()

    threads = [threading.Thread(target=sell, args=(its,)) for its in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert kinds(outcomes).count(Receipt) == pieces
    assert {type(each) for each in outcomes if not isinstance(each, Receipt)} == {stock.OutOfStock}
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_keys_are_written_in_one_order_however_they_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tills that have the same keys in hand wait for each other, and never in a circle."""
    copy = writing._copy
    written: list[list[UUID]] = []

    def watched(cursor: Any, table: str, columns: str, rows: Any) -> None:
        if table == "orders_purchase":
            written.extend([UUID(each) for each in row.split("\t")[1:3]] for row in rows)
        copy(cursor, table, columns, rows)

    monkeypatch.setattr(writing, "_copy", watched)
    lipstick = make.variant(stocked=100)
    batch = sorted((wants(lipstick) for _ in range(5)), key=lambda each: each.buyer_id, reverse=True)

    assert kinds(rung(*batch)) == [Receipt] * 5

    assert written == sorted([each.buyer_id, each.key] for each in batch)


def test_without_turns_the_row_itself_keeps_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    meet(monkeypatch)
    lipstick = make.variant(stocked=100)
    other = wants(lipstick, 95)
    came = once_before(monkeypatch, writing, "_lock_trusted", lambda: rung(other))

    outcomes = rung(wants(lipstick, 6))

    # The other one had fewer than plenty, and sold; this one found less than it wanted when it looked again.
    assert kinds(came[0]) == [Receipt]
    assert kinds(outcomes) == [stock.OutOfStock]
    assert make.left(lipstick) == 5
