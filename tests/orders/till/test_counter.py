"""The counter: who waits is answered once, whatever happens to the till."""

import asyncio
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import pytest
from django.db import connection
from msgspec import structs

from catalog.shelf import stock
from commerce import errors
from orders import paces, transactions
from orders.models import Purchase
from orders.till import counter, refusals, ringing
from orders.till.asking import Asked, Receipt
from tests.orders import make
from tests.orders.till.asks import kinds, wants

pytestmark = pytest.mark.django_db(transaction=True)


# --- the counter ---


@pytest.fixture
def till() -> Iterator[counter.Till]:
    made = counter.Till()
    yield made
    made.close()


def test_threads_that_press_together_are_written_together(till: counter.Till) -> None:
    lipstick = make.variant(stocked=8)
    presses = [wants(lipstick) for _ in range(20)]
    found: list[Any] = []

    def press(each: Asked) -> None:
        try:
            found.append(till.buy(each))
        except errors.Refusal as refusal:
            found.append(refusal)

    threads = [threading.Thread(target=press, args=(each,)) for each in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(isinstance(each, Receipt) for each in found) == 8
    assert {type(each) for each in found} == {Receipt, stock.OutOfStock}
    assert make.left(lipstick) == 0
    assert make.broken() == []


async def test_an_event_loop_hands_over_and_is_answered_on_itself(till: counter.Till) -> None:
    batch = await asyncio.to_thread(_batch_of, 30)
    answers: asyncio.Queue[Any] = asyncio.Queue()
    here = threading.get_ident()

    for each in batch:
        till.hand_over(each, lambda outcome: answers.put_nowait((outcome, threading.get_ident())))

    async with asyncio.timeout(20):
        found = [await answers.get() for _ in batch]
    assert {type(outcome) for outcome, _ in found} == {Receipt}
    assert {thread for _, thread in found} == {here}


def _batch_of(n: int) -> list[Asked]:
    lipstick = make.variant(stocked=100)
    batch = [wants(lipstick) for _ in range(n)]
    connection.close()
    return batch


def test_who_presses_too_often_is_refused_and_a_repetition_is_no_press(
    settings: Any, till: counter.Till
) -> None:
    settings.PURCHASES_PER_MINUTE = 2
    lipstick, buyer = make.variant(stocked=10), make.buyer()
    presses = [wants(lipstick, by=buyer) for _ in range(3)]

    first = till.buy(presses[0])
    till.buy(presses[1])
    with pytest.raises(paces.TooFast):
        till.buy(presses[2])

    assert till.buy(presses[0]) == structs.replace(first, body=ANY, replayed=True)
    assert make.left(lipstick) == 8


def test_a_line_that_is_full_is_refused_with_how_long_to_wait() -> None:
    full = counter.Till(most_waiting=0)

    with pytest.raises(refusals.TillFull) as refused:
        full.buy(wants(make.variant()))

    assert (refused.value.code, refused.value.temporary) == ("UNAVAILABLE", True)
    assert (refused.value.retry_ms or 0) >= 500
    assert not Purchase.objects.exists()
    full.close()


def test_who_waited_too_long_is_told_so_and_nothing_was_done(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    monkeypatch.setattr(counter, "DEADLINE_SECONDS", -1.0)
    lipstick = make.variant()

    with pytest.raises(refusals.TooLate):
        till.buy(wants(lipstick))

    assert not Purchase.objects.exists()
    assert make.left(lipstick) == 10


def test_who_gets_no_answer_in_time_is_told_to_ask_with_the_same_key(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    monkeypatch.setattr(counter, "ANSWERED_WITHIN", 0.1)
    let_go, ring_up = threading.Event(), ringing.ring_up

    def slowly(*args: Any, **more: Any) -> Any:
        let_go.wait(10)
        return ring_up(*args, **more)

    monkeypatch.setattr(ringing, "ring_up", slowly)
    once = wants(make.variant())

    with pytest.raises(transactions.OutcomeUnknown):
        till.buy(once)
    let_go.set()
    monkeypatch.setattr(counter, "ANSWERED_WITHIN", 20.0)

    assert till.buy(once).replayed
    assert Purchase.objects.count() == 1


def test_a_till_that_closes_finishes_what_is_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    till = counter.Till(most_at_once=2)
    lipstick = make.variant(stocked=10)
    let_go, ring_up = threading.Event(), ringing.ring_up

    def slowly(*args: Any, **more: Any) -> Any:
        let_go.wait(10)
        return ring_up(*args, **more)

    monkeypatch.setattr(ringing, "ring_up", slowly)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda each=each: found.append(till.buy(each)))
        for each in [wants(lipstick) for _ in range(6)]
    ]
    for thread in threads:
        thread.start()
    while till.waiting < 4:
        threading.Event().wait(0.01)
    closing = threading.Thread(target=till.close)
    closing.start()
    let_go.set()
    closing.join(20)
    for thread in threads:
        thread.join(20)

    assert kinds(found) == [Receipt] * 6
    with pytest.raises(refusals.TillFull):
        till.buy(wants(lipstick))


def test_a_batch_that_breaks_the_counter_is_answered_and_the_next_one_sells(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    lipstick, ring_up = make.variant(), ringing.ring_up

    def broken(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(ringing, "ring_up", broken)
    with pytest.raises(errors.Unavailable):
        till.buy(wants(lipstick))
    monkeypatch.setattr(ringing, "ring_up", ring_up)

    assert isinstance(till.buy(wants(lipstick)), Receipt)


def test_who_was_told_that_it_is_too_late_is_told_nothing_more_when_the_batch_breaks(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(ringing, "ring_up", broken)
    lipstick = make.variant()
    answers: tuple[list[Any], list[Any]] = ([], [])
    long_ago = time.monotonic() - 2 * counter.DEADLINE_SECONDS
    till._line.put(counter._Waiting(wants(lipstick), answers[0].append, None, at=long_ago))
    till._line.put(counter._Waiting(wants(lipstick), answers[1].append, None))

    till._open()
    till.close()

    assert [kinds(each) for each in answers] == [[refusals.TooLate], [errors.Unavailable]]


def test_who_presses_while_the_till_closes_is_answered() -> None:
    closed = threading.Event()

    class Line(queue.SimpleQueue[Any]):
        """Lets the till close while somebody is about to put a purchase in line."""

        def put(self, item: Any, *more: Any) -> None:
            if item is None:
                closed.set()
            else:
                threads[0].start()
                closed.wait(0.5)
            super().put(item, *more)

    till = counter.Till()
    till._line = Line()
    threads = [threading.Thread(target=till.close)]
    till._open()

    assert isinstance(till.buy(wants(make.variant())), Receipt)
    threads[0].join(10)


def test_a_till_goes_on_after_its_connection_was_lost(till: counter.Till) -> None:
    lipstick = make.variant()
    till.buy(wants(lipstick))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert isinstance(till.buy(wants(lipstick)), Receipt)
    assert make.left(lipstick) == 8
