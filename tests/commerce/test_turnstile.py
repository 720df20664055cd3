import threading

import pytest

from commerce import turnstile
from tests.orders.threads import at_once


def test_work_that_is_being_done_is_not_begun_again_and_nobody_waits_for_it() -> None:
    begun, passed = threading.Event(), threading.Event()
    times = []

    @turnstile.one_at_a_time
    def work() -> str:
        times.append(1)
        begun.set()
        assert passed.wait(10)
        return "done"

    def again() -> str | None:
        begun.wait(10)
        outcome = work()
        passed.set()
        return outcome

    assert at_once([work, again]) == ["done", None]
    assert (work(), len(times)) == ("done", 2)


def test_work_that_failed_can_be_done_again() -> None:
    work = turnstile.one_at_a_time(lambda: 1 / 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            work()
