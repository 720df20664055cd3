"""Work that a process does one at a time: rung for again while it runs, it is already being done."""

import functools
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def one_at_a_time(work: Callable[P, T]) -> Callable[P, T | None]:
    """Let only one thread of this process do the work; who comes meanwhile gets None at once."""
    busy = threading.Lock()

    @functools.wraps(work)
    def pass_through(*args: P.args, **kwargs: P.kwargs) -> T | None:
        if not busy.acquire(blocking=False):
            return None
        try:
            return work(*args, **kwargs)
        finally:
            busy.release()

    return pass_through
