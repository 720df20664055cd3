"""Threads that want the same done have it done together: what one alone would do in a transaction of its own,
one of them does for all that have come, in one transaction.

Nobody is hurt by his neighbours: what could not be done with the others is done alone by who wanted it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Generic, TypeVar, Union

import structlog
from django.db import connection

log = structlog.get_logger(__name__)
K = TypeVar("K")
R = TypeVar("R")


class Alone(Enum):
    """What becomes of one in company that has to be done alone."""

    ALONE = "alone"


ALONE: Final = Alone.ALONE
# What became of one: what it returns, what it raises, or that it has to be done alone.
Outcome = Union[R, Exception, Alone]  # noqa: UP007 - as R | ... mypy does not take it for an alias.
Do = Callable[[Sequence[K]], list[Outcome[R]]]


class Together(Generic[K, R]):
    """Gathers what threads want done; `do` returns for each what came of it, in their order."""

    def __init__(self, do: Do[K, R], *, name: str, most: int, gather_seconds: float) -> None:
        """At most so many are done at once; who comes first waits so long for others."""
        self._do, self._name, self._most, self._gather = do, name, most, gather_seconds
        self._lock = threading.Lock()
        self._waiting: list[_Wish[K, R]] = []
        self._led = False

    def one(self, item: K) -> R:
        """Have one done, with those of other threads that come meanwhile; raises what came of it.

        Within a transaction of the caller it is done alone, in that.
        """
        if connection.in_atomic_block:
            return self._alone(item)
        mine = _Wish[K, R](item)
        with self._lock:
            self._waiting.append(mine)
            leading = not self._led
            self._led = True
        if leading:
            time.sleep(self._gather)
            self._lead(mine)
        else:
            mine.done.wait()
            if mine.leads:
                self._lead(mine)
        if mine.outcome is ALONE:
            return self._alone(item)
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome

    def _lead(self, mine: "_Wish[K, R]") -> None:
        """Do what has come, then hand the lead to one of those that came meanwhile."""
        with self._lock:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            self._together(batch)
        finally:
            with self._lock:
                heir = self._waiting[0] if self._waiting else None
                self._led = heir is not None
            for each in batch:
                if each is not mine:
                    each.done.set()
            if heir is not None:
                heir.leads = True
                heir.done.set()

    def _together(self, batch: "list[_Wish[K, R]]") -> None:
        if len(batch) == 1:
            return  # It is done alone, by who wants it.
        try:
            outcomes = self._do([each.item for each in batch])
        except Exception as error:
            log.warning("together.failed", what=self._name, size=len(batch), error=repr(error))
            return
        for each, outcome in zip(batch, outcomes, strict=True):
            each.outcome = outcome

    def _alone(self, item: K) -> R:
        (outcome,) = self._do([item])
        if isinstance(outcome, Exception):
            raise outcome
        assert outcome is not ALONE, "alone is alone"
        return outcome


class _Wish(Generic[K, R]):
    """What one thread wants done, and what came of it."""

    def __init__(self, item: K) -> None:
        self.item = item
        self.done = threading.Event()
        self.leads = False
        self.outcome: R | Exception | Alone = ALONE
