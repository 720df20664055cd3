"""How sweeps go through what is due: in batches or piece by piece, until nothing is left or time is over.

A sweep may be killed anywhere and may run beside others: what it does is written batch by batch, and what is
due is what the database says. What fails is put off (`setbacks`), what is locked is left for the next run.
"""

import functools
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import TypeVar

import structlog

from commerce import errors
from orders import setbacks, transactions

log = structlog.get_logger(__name__)
K = TypeVar("K")

Find = Callable[[Collection[str]], list[K]]


def batches(
    *, kind: str, find: Find[K], end_some: Callable[[list[K]], Collection[K]], now: datetime, until: float
) -> int:
    """End what is due, batch by batch, and return how much was ended.

    `find` returns a batch of what is due, oldest first, less the ids it is given; `end_some` ends a batch in
    one transaction and returns what it ended. A batch that fails is halved until what fails stands alone.
    Past `until` (of the steady clock) no batch is begun. Raises Unavailable when the database is away.
    """
    failed = setbacks.of(kind=kind)
    without = {subject for subject, at in failed.items() if at > now}

    def attempt(batch: list[K]) -> list[K]:
        try:
            return list(end_some(batch))
        except errors.Unavailable as error:
            if not isinstance(error, transactions.Busy):
                raise
            failure: Exception = error
        except Exception as error:
            failure = error
        if len(batch) == 1:
            setbacks.note(kind=kind, subject=str(batch[0]), error=failure, now=now)
            return []
        log.warning("sweep.halved", kind=kind, size=len(batch), error=str(failure))
        half = len(batch) // 2
        ended = attempt(batch[:half])
        return [*ended, *attempt(batch[half:])] if time.monotonic() < until else ended

    count = 0
    while time.monotonic() < until and (batch := find(without)):
        ended = {str(each) for each in attempt(batch)}
        without |= {str(each) for each in batch} - ended
        setbacks.clear(kind=kind, subjects=ended & failed.keys())
        count += len(ended)
    return count


def pieces(
    *, kind: str, find: Find[K], finish: Callable[[K], object], now: datetime
) -> Iterator[Callable[[], None]]:
    """Yield what finishes each that is due, to be called by any thread, so that kinds can take turns."""
    failed = setbacks.of(kind=kind)
    without = {subject for subject, at in failed.items() if at > now}
    while batch := find(without):
        for one in batch:
            without.add(str(one))
            yield functools.partial(_finish, kind, one, finish, now, had_failed=str(one) in failed)


def _finish(kind: str, one: K, finish: Callable[[K], object], now: datetime, *, had_failed: bool) -> None:
    try:
        finish(one)
    except Exception as error:
        setbacks.note(kind=kind, subject=str(one), error=error, now=now)
    else:
        if had_failed:
            setbacks.clear(kind=kind, subjects=[str(one)])
