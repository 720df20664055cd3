"""Accepted purchases pass through charging as on a conveyor: attempts are written down many at once, the
provider is asked by as many threads as may ask it, and what it says is taken in many at once.

So no connection to the database waits for the network, and a transaction is shared by all who come at the
same time. What cannot be done in company is done alone, and hurts nobody.
"""

import functools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from commerce import faults, gateway, pool
from orders.settling import attempts, charging, payments
from orders.settling.attempts import Attempt, Said, Unanswered
from orders.settling.outcomes import ALONE, Outcome

log = structlog.get_logger(__name__)
R = TypeVar("R")

AT_ONCE = 64  # Attempts that are begun, and answers that are applied, in one transaction.
# Who comes first waits for so many, and so many seconds at most. What is applied together is one event,
# of which each costs the relay as much as 25 purchases in it.
BEGUN, BEGUN_WITHIN = 24, 0.03
APPLIED, APPLIED_WITHIN = 48, 0.12
UNAPPLIED = 4 * AT_ONCE  # So many answers wait to be applied, and nothing more is asked.
ALONE_THREADS = 8  # Each with a connection to the database, when there is work for it.


@dataclass(frozen=True, slots=True)
class Passed:
    """A purchase that has come to the end: charged, not to be charged, left for the sweep, or failed."""

    purchase_id: UUID
    at: datetime
    error: Exception | None


@dataclass(slots=True, eq=False)
class _Piece:
    """A purchase on its way."""

    purchase_id: UUID
    clock: Callable[[], datetime]
    until: float
    told: "queue.SimpleQueue[Passed]"
    at: datetime
    asking: bool = False  # It has one of the places for those who ask.
    attempt: Attempt | None = None
    said: Said | None = None
    over: bool = False


class Conveyor:
    """Charges purchases for all callers of the process."""

    def __init__(self, *, calls: int) -> None:
        """So many calls are made at once."""
        self._places = calls
        self._lock = threading.Lock()
        self._wanted: deque[_Piece] = deque()
        self._answered: deque[_Piece] = deque()
        self._asking = 0
        self._beginning = self._applying = False
        self._under_way, self._closed = 0, False
        self._begin_now, self._apply_now = threading.Event(), threading.Event()
        self._calls = pool.Pool(name="settle.calls", threads=calls)
        self._books = pool.Pool(name="settle.books", threads=2)
        self._alone = pool.Pool(name="settle.alone", threads=ALONE_THREADS)

    def charge_all(
        self, purchase_ids: Iterable[UUID], *, clock: Callable[[], datetime], until: float
    ) -> Iterator[Passed]:
        """Charge purchases as `charging.charge` does, each at its time by the clock; yields each at its end.

        Past `until` (of the steady clock) none is begun. Not for a caller in a transaction. Raises
        RuntimeError when it is closed.
        """
        told: queue.SimpleQueue[Passed] = queue.SimpleQueue()
        pieces = [_Piece(each, clock, until, told, clock()) for each in purchase_ids]
        with self._lock:
            if self._closed:
                raise RuntimeError("The conveyor is closed.")
            self._under_way += len(pieces)
            self._wanted.extend(pieces)
            self._wake()
        for _ in pieces:
            yield told.get()

    def charge(self, purchase_id: UUID, *, clock: Callable[[], datetime], until: float) -> None:
        """Charge one purchase in the company of others; raises what went wrong."""
        (passed,) = self.charge_all([purchase_id], clock=clock, until=until)
        if passed.error is not None:
            raise passed.error

    def close(self) -> None:
        """Take nothing more, and let the threads end when what was given before has come to its end."""
        with self._lock:
            self._closed, empty = True, not self._under_way
        if empty:
            self._close_pools()

    def _close_pools(self) -> None:
        # Each station hands on to the next one's threads, so that none ends before the last piece has.
        for each in (self._calls, self._books, self._alone):
            each.close()

    def _wake(self) -> None:
        """Have begun and applied what can be; the lock is held."""
        coming = min(self._room(), len(self._wanted))
        if coming and not self._beginning:
            self._beginning = True
            self._books.give(functools.partial(self._station, self._to_begin, self._begin))
        if self._answered and not self._applying:
            self._applying = True
            self._books.give(functools.partial(self._station, self._to_apply, self._apply))
        # While nobody else is under way there is nobody to wait for.
        if coming and (coming >= BEGUN or not self._asking):
            self._begin_now.set()
        if self._answered and (len(self._answered) >= APPLIED or not self._asking):
            self._apply_now.set()

    def _room(self) -> int:
        if len(self._answered) >= UNAPPLIED:
            return 0
        return min(self._places - self._asking, AT_ONCE)

    def _station(self, coming: Callable[[], list[_Piece]], do: Callable[[list[_Piece]], None]) -> None:
        """Do what comes, batch by batch, until nothing does."""
        while pieces := coming():
            try:
                do(pieces)
            except BaseException as error:
                log.exception("conveyor.failed", size=len(pieces))
                for piece in pieces:
                    self._end(piece, error)

    def _to_begin(self) -> list[_Piece]:
        self._begin_now.wait(BEGUN_WITHIN)
        with self._lock:
            self._begin_now.clear()
            pieces = [self._wanted.popleft() for _ in range(min(self._room(), len(self._wanted)))]
            for piece in pieces:
                piece.asking = True
            self._asking += len(pieces)
            self._beginning = bool(pieces)
        return pieces

    def _begin(self, pieces: list[_Piece]) -> None:
        resting, now = gateway.is_resting(), time.monotonic()
        fresh = []
        for piece in pieces:
            if resting or now >= piece.until:
                self._end(piece)
            else:
                piece.at = piece.clock()
                fresh.append(piece)
        if not fresh:
            return
        wanted = [(piece.purchase_id, piece.at) for piece in fresh]
        outcomes = _tried(lambda: attempts.begin_all(wanted, alone=False), len(fresh))
        for piece, outcome in zip(fresh, outcomes, strict=True):
            if isinstance(outcome, Attempt):
                piece.attempt = outcome
                self._calls.give(functools.partial(self._ask, piece, outcome))
            elif outcome is ALONE:
                self._give_alone(piece, _charge_alone)
            else:
                self._end(piece, outcome)

    def _ask(self, piece: _Piece, attempt: Attempt) -> None:
        try:
            piece.said = attempts.ask(attempt)
        except BaseException as error:
            self._end(piece, error)
            return
        with self._lock:
            self._leave(piece)
            self._answered.append(piece)
            self._wake()

    def _to_apply(self) -> list[_Piece]:
        self._apply_now.wait(APPLIED_WITHIN)
        with self._lock:
            self._apply_now.clear()
            pieces = [self._answered.popleft() for _ in range(min(AT_ONCE, len(self._answered)))]
            self._applying = bool(pieces)
            self._wake()
        return pieces

    def _apply(self, pieces: list[_Piece]) -> None:
        said = [(piece, piece.said) for piece in pieces if isinstance(piece.said, gateway.Intent)]
        if said:
            answers = [(intent, piece.at) for piece, intent in said]
            outcomes = _tried(lambda: payments.apply_all(answers), len(said))
            faults.reach("settle.after_apply")
            for (piece, _), outcome in zip(said, outcomes, strict=True):
                self._taken_in(piece, outcome)
        silent = [(piece, piece.said) for piece in pieces if isinstance(piece.said, Unanswered)]
        if silent:
            noted = [(piece.attempt, what) for piece, what in silent if piece.attempt is not None]
            came = _tried(lambda: _noted(noted), len(silent))
            for (piece, what), each in zip(silent, came, strict=True):
                self._taken_in(piece, ALONE if what.refused is not None else each)

    def _taken_in(self, piece: _Piece, outcome: Outcome[object]) -> None:
        if outcome is ALONE:
            self._give_alone(piece, _take_in_alone)
        else:
            self._end(piece, outcome if isinstance(outcome, Exception) else None)

    def _give_alone(self, piece: _Piece, work: Callable[[_Piece], None]) -> None:
        def do() -> None:
            try:
                work(piece)
            except BaseException as error:
                self._end(piece, error)
            else:
                self._end(piece)

        self._alone.give(do)

    def _leave(self, piece: _Piece) -> None:
        """Give up a piece's place among those who ask; the lock is held."""
        if piece.asking:
            piece.asking = False
            self._asking -= 1

    def _end(self, piece: _Piece, error: BaseException | None = None) -> None:
        with self._lock:
            self._leave(piece)
            first, piece.over = not piece.over, True
            self._under_way -= first
            last = first and self._closed and not self._under_way
            self._wake()
        if last:
            self._close_pools()
        if first:
            failed = error if error is None or isinstance(error, Exception) else RuntimeError(repr(error))
            piece.told.put(Passed(piece.purchase_id, piece.at, failed))


def _charge_alone(piece: _Piece) -> None:
    charging.charge(purchase_id=piece.purchase_id, now=piece.at)


def _take_in_alone(piece: _Piece) -> None:
    if piece.attempt is not None and piece.said is not None:
        attempts.take_in(piece.attempt, piece.said, piece.at)


def _noted(silent: Sequence[tuple[Attempt, Unanswered]]) -> list[Outcome[None]]:
    attempts.note(silent)
    return [None] * len(silent)


def _tried(work: Callable[[], Sequence[Outcome[R]]], size: int) -> Sequence[Outcome[R]]:
    """Return what comes of many; when they cannot be done together, that each has to be done alone."""
    try:
        return work()
    except Exception as error:
        log.warning("conveyor.alone", size=size, error=repr(error))
        connection.close_if_unusable_or_obsolete()
        return [ALONE] * size


@functools.cache
def belt() -> Conveyor:
    """Return the conveyor of this process."""
    return Conveyor(calls=settings.SETTLE_THREADS)
