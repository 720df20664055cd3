"""Threads for work that waits for the network: bounded, shared, and with connections that come back."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from commerce import pool


@pytest.fixture
def four() -> Iterator[pool.Pool]:
    made = pool.Pool(name="test", threads=4)
    yield made
    made.close()


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def test_as_many_run_at_once_as_there_are_threads_and_no_more(four: pool.Pool) -> None:
    together = threading.Barrier(4, timeout=10)
    lock, now, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1

    assert four.each([work] * 12, until=soon()) == 12
    assert most == 4


def test_callers_at_once_share_the_threads(four: pool.Pool) -> None:
    together = threading.Barrier(4, timeout=10)
    callers = [
        threading.Thread(target=four.each, args=([together.wait],), kwargs={"until": soon()})
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert not together.broken


def test_what_fails_stops_no_other(four: pool.Pool) -> None:
    done: list[int] = []

    def work(n: int) -> None:
        if n % 2:
            raise RuntimeError(n)
        done.append(n)

    assert four.each([lambda n=n: work(n) for n in range(10)], until=soon()) == 10  # type: ignore[misc]
    assert sorted(done) == [0, 2, 4, 6, 8]


def test_past_its_time_nothing_is_begun_and_what_was_is_waited_for(four: pool.Pool) -> None:
    done: list[float] = []
    end = soon(0.05)

    def work() -> None:
        while time.monotonic() < end:
            time.sleep(0.005)
        done.append(time.monotonic())

    assert four.each([work] * 100, until=end) == 4
    assert len(done) == 4


def test_a_call_gives_back_and_raises_what_the_work_does(four: pool.Pool) -> None:
    assert four.call(lambda: threading.current_thread().name) == "test"
    with pytest.raises(ZeroDivisionError):
        four.call(lambda: 1 // 0)


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_its_connection_until_it_is_idle_or_the_connection_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.2)
    one = pool.Pool(name="test", threads=1)

    def backend() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    first = one.call(backend)
    assert one.call(backend) == first
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [first])
    with pytest.raises(Exception, match=r"terminat|closed"):
        one.call(backend)
    second = one.call(backend)
    assert second != first

    def gone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [second])
            return bool(cursor.fetchone()[0] == 0)

    end = soon()
    while not gone():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert one.call(backend) != second
    one.close()


@pytest.mark.django_db
def test_in_a_transaction_the_callers_own_thread_does_it(four: pool.Pool) -> None:
    names: list[str] = []
    four.each([lambda: names.append(threading.current_thread().name)] * 2, until=soon())
    assert set(names) == {threading.current_thread().name}


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_followed_by_another(four: pool.Pool, end: type[BaseException]) -> None:
    def dies() -> None:
        raise end

    assert four.each([dies] * 9, until=soon()) == 9
    done: list[int] = []
    later = threading.Thread(
        target=lambda: four.each([lambda: done.append(1)] * 9, until=soon()), daemon=True
    )
    later.start()
    later.join(10)
    assert len(done) == 9


def test_a_closed_pool_takes_no_work_instead_of_waiting_for_ever() -> None:
    one = pool.Pool(name="test", threads=1)
    assert one.call(lambda: 7) == 7
    one.close()

    def ask() -> None:
        with pytest.raises(RuntimeError, match="closed"):
            one.call(lambda: 7)
        with pytest.raises(RuntimeError, match="closed"):
            one.each([lambda: 7], until=soon())
        asked.append(True)

    asked: list[bool] = []
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(10)
    assert asked == [True]
