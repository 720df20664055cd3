"""Batches: arrival decides, one bad purchase fails alone, and everybody gets an answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import DataError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from catalog.models import Stock
from catalog.shelf import stock
from commerce import idempotency
from orders import queries, transactions
from orders.carts import contents
from orders.models import Cart, CartLine, Purchase
from orders.till import asking, deciding, receipts, refusals, ringing, writing
from orders.till.asking import Asked, Receipt
from streams import offers
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.till.asks import asked, kinds, rung, wants

pytestmark = pytest.mark.django_db(transaction=True)


# --- one transaction for many ---


def test_the_first_to_arrive_get_the_last_pieces() -> None:
    lipstick = make.variant(stocked=3)

    outcomes = rung(*(wants(lipstick, n) for n in (2, 2, 1, 1)))

    assert kinds(outcomes) == [Receipt, stock.OutOfStock, Receipt, stock.OutOfStock]
    assert [outcomes[1].data["left"], outcomes[3].data["left"]] == [1, 0]
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_a_batch_is_one_transaction_of_few_statements() -> None:
    lipstick = make.variant(stocked=500)

    def statements(size: int) -> int:
        batch = [wants(lipstick) for _ in range(size)]
        count = 0

        def counted(execute: Any, *args: Any) -> Any:
            nonlocal count
            count += 1
            return execute(*args)

        with connection.execute_wrapper(counted):
            assert set(kinds(rung(*batch))) == {Receipt}
        return count

    assert statements(1) == statements(40) <= 25


def test_a_receipt_says_what_reading_the_purchase_says() -> None:
    lipstick, other = make.variant(amount=1999), make.variant(amount=2500, title="")
    stream = make.show(lipstick, other)
    offer = make.offer(stream, lipstick, amount=999)

    (receipt,) = rung(asked(make.basket((lipstick, 1, offer), (other, 2), stream=stream)), now=after(1))

    assert orjson.loads(receipt.body) == queries.purchase_body(receipt.purchase_id)


def test_a_key_twice_in_a_batch_is_one_purchase() -> None:
    lipstick = make.variant(stocked=10)
    once = wants(lipstick)

    first, second = rung(once, once)

    assert (first.purchase_id, first.replayed) == (second.purchase_id, not second.replayed)
    assert make.left(lipstick) == 9
    (later,) = rung(once)
    assert (
        orjson.loads(second.body) == orjson.loads(first.body) | {"replayed": True} == orjson.loads(later.body)
    )


def test_a_crowd_that_comes_back_with_its_keys_costs_as_many_statements_as_one() -> None:
    lipstick = make.variant(stocked=50)
    batch = [wants(lipstick) for _ in range(30)]
    rung(*batch)

    def statements(size: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert all(outcome.replayed for outcome in rung(*batch[:size]))
        return len(asked)

    assert statements(1) == statements(30)


def test_a_key_with_something_else_is_refused_in_the_batch_and_after_it() -> None:
    lipstick, buyer, key = make.variant(stocked=10), make.buyer(), uuid4()
    one, two = wants(lipstick, 1, by=buyer, key=key), wants(lipstick, 2, by=buyer, key=key)

    assert kinds(rung(one, two)) == [Receipt, idempotency.IdempotencyMismatch]
    assert kinds(rung(two, one)) == [idempotency.IdempotencyMismatch, Receipt]
    assert make.left(lipstick) == 9


def test_two_buyers_may_have_the_same_key() -> None:
    lipstick, key = make.variant(stocked=10), uuid4()

    assert kinds(rung(wants(lipstick, key=key), wants(lipstick, key=key))) == [Receipt, Receipt]


def test_one_that_the_database_refuses_fails_alone() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    poisoned = wants(lipstick, stream=stream, seen=("e" * 17, 1))  # The column takes sixteen.

    outcomes = rung(*(wants(lipstick) for _ in range(4)), poisoned, *(wants(lipstick) for _ in range(3)))

    assert kinds(outcomes) == [Receipt] * 4 + [DataError] + [Receipt] * 3
    assert make.left(lipstick) == 3
    assert make.broken() == []


def test_a_mistake_of_ours_costs_one_purchase_and_not_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=10)
    batch = [wants(lipstick) for _ in range(5)]
    decide = deciding.decide

    def stumble(each: Asked, *args: Any, **more: Any) -> Any:
        if each is batch[2]:
            raise ZeroDivisionError
        return decide(each, *args, **more)

    monkeypatch.setattr(deciding, "decide", stumble)

    assert kinds(rung(*batch)) == [Receipt, Receipt, ZeroDivisionError, Receipt, Receipt]
    assert make.left(lipstick) == 6


@contextmanager
def locked(rows: QuerySet[Any]) -> Iterator[None]:
    """Keep a row locked by somebody else."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            rows.select_for_update().get()
            held.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        yield
    finally:
        done.set()
        thread.join()


def test_a_locked_row_is_stepped_over_and_the_rest_of_the_batch_sells() -> None:
    hot, other = make.variant(), make.variant()

    with locked(Stock.objects.filter(pk=hot.id)):
        batch = [wants(other), wants(hot), wants(other)]
        found = ringing.ring_up([asking.Press(each) for each in batch], now=NOW)

    assert kinds(found.outcomes) == [Receipt, transactions.Busy, Receipt]
    assert found.stepped_over
    assert (make.left(hot), make.left(other)) == (10, 8)
    assert make.broken() == []


@pytest.mark.parametrize("in_time", [True, False])
def test_receipts_are_rendered_when_nobody_waits_for_the_rows_any_more(
    in_time: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot, free = make.variant(), []
    render, write = receipts.Receipts.render, writing.write

    def look() -> None:
        def locks() -> None:
            with transaction.atomic():
                free.append(Stock.objects.select_for_update(skip_locked=True).filter(pk=hot.id).exists())
            connection.close()

        thread = threading.Thread(target=locks)
        thread.start()
        thread.join(10)

    def looked_at(given: receipts.Receipts) -> list[Receipt]:
        look()
        return render(given)

    def rendered_too_soon(*args: Any) -> receipts.Receipts:
        given = write(*args)
        given.render()
        return given

    monkeypatch.setattr(receipts.Receipts, "render", looked_at)
    if not in_time:
        monkeypatch.setattr(writing, "write", rendered_too_soon)

    assert kinds(rung(wants(hot))) == [Receipt]
    assert free == ([True] if in_time else [False, True])


def test_who_changes_her_cart_at_this_moment_is_asked_to_press_again() -> None:
    """Stepped over, her cart would keep what she bought, and what it holds would be taken a second time."""
    lipstick, buyer = make.variant(), make.buyer()
    contents.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=1, stream_id=None, now=NOW)

    with locked(Cart.objects.filter(pk=buyer.id)):
        outcomes = rung(wants(lipstick, by=buyer), wants(lipstick))

    assert kinds(outcomes) == [transactions.Busy, Receipt]
    assert CartLine.objects.get().quantity == 1
    assert make.left(lipstick) == 9
    assert make.broken() == []


# --- when it arrived ---


def test_an_offer_is_judged_by_the_moment_of_arrival() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=5, seconds=60)
    batch = [asked(make.basket((lipstick, 1, offer), stream=stream)) for _ in range(2)]

    presses = [
        asking.Press(each, time.monotonic() - ago) for each, ago in zip(batch, (2.0, 0.5), strict=True)
    ]
    outcomes = ringing.ring_up(presses, now=after(61)).outcomes

    assert kinds(outcomes) == [Receipt, offers.OfferEnded]


def test_the_clock_is_the_databases() -> None:
    lipstick = make.variant(stocked=10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        before = cursor.fetchone()[0]

    (receipt,) = ringing.ring_up([asking.Press(wants(lipstick))]).outcomes

    assert isinstance(receipt, Receipt)
    made = Purchase.objects.get(pk=receipt.purchase_id)
    assert before <= made.created_at <= before + timedelta(seconds=20)
    assert make.broken() == []


def _read_row_by_row(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = %s", [table])
        (rows,) = cursor.fetchone()
    return int(rows)


@pytest.mark.parametrize("guard", [True, False])
def test_a_shop_that_was_empty_when_the_connection_was_made_is_not_read_row_by_row(
    guard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guard:
        monkeypatch.setattr(
            ringing, "SETTINGS", ringing.SETTINGS.replace("SET LOCAL enable_seqscan = off;", "")
        )
    lipstick = make.variant(stocked=500)
    tables = ("orders_purchase", "orders_order", "orders_orderline")
    with connection.cursor() as cursor:
        # As in a new database, whose empty tables have been looked at.
        cursor.execute(f"VACUUM ANALYZE {', '.join(tables)}")
    connection.close()
    before = sum(map(_read_row_by_row, tables))

    for _ in range(3):
        assert set(kinds(rung(*(wants(lipstick) for _ in range(30))))) == {Receipt}

    read = sum(map(_read_row_by_row, tables)) - before
    assert (read == 0) if guard else (read > 1_000)


def test_who_pressed_long_ago_buys_nothing_any_more_and_her_key_is_still_answered() -> None:
    lipstick = make.variant(stocked=10)
    old, bought, young = (wants(lipstick) for _ in range(3))
    rung(bought)
    now = time.monotonic()
    ages = {old: ringing.FORGOTTEN_SECONDS + 1, bought: ringing.FORGOTTEN_SECONDS + 1, young: 20.0}

    outcomes = ringing.ring_up(
        [asking.Press(each, now - age) for each, age in ages.items()], now=NOW
    ).outcomes

    assert kinds(outcomes) == [refusals.TooLate, Receipt, Receipt]
    assert isinstance(outcomes[1], Receipt)
    assert outcomes[1].replayed
    assert make.left(lipstick) == 8


def test_a_batch_that_stood_still_has_lost_its_rows_and_is_carried_out_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lipstick, write = make.variant(stocked=1), writing.write
    soon = ringing.SETTINGS.replace(f"session_timeout = {ringing.IDLE_TIMEOUT_MS}", "session_timeout = 50")
    assert soon != ringing.SETTINGS
    monkeypatch.setattr(ringing, "SETTINGS", soon)
    times: list[float] = []

    def stands_still(*args: Any) -> Any:
        times.append(time.monotonic())
        while len(times) == 1 and not _gone():
            time.sleep(0.01)
        return write(*args)

    monkeypatch.setattr(writing, "write", stands_still)

    assert kinds(rung(wants(lipstick))) == [Receipt]

    assert len(times) == 2
    assert make.left(lipstick) == 0


def _gone() -> bool:
    """Say whether the server has ended the session of this thread, asking in another one."""
    pid = connection.connection.get_backend_pid()
    found: list[bool] = []

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", [pid])
            found.append(cursor.fetchone()[0])
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(10)
    return found == [True]
