"""The counter: one thread per process, with a connection of its own, that carries out what doors hand over.

While a batch is written, the next one gathers. Whoever hands a purchase over waits for nothing here: the
answer comes by a callback, on the caller's event loop or into a future. A purchase is answered exactly once,
whatever happens to the socket that it came by.
"""

import asyncio
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from django.db import connection

from commerce import errors
from orders import metrics, paces, transactions
from orders.till import ringing
from orders.till.asking import Asked, Outcome, Press, Receipt
from orders.till.refusals import TillFull, TooLate
from orders.till.standing import Watch

log = structlog.get_logger(__name__)

MOST_WAITING = 10_000
MOST_AT_ONCE = 500
LINGER_SECONDS = 0.005  # How long the first of a batch waits for company.
DEADLINE_SECONDS = 5.0  # After so long in line nothing is begun for a purchase any more.
ANSWERED_WITHIN = 30.0  # For threads that wait; more than what a batch takes unless something is badly wrong.
BUSY_SECONDS = 1.0  # After a lock was not free, locked rows are stepped over for so long.

Answer = Callable[[Outcome], None]


@dataclass(slots=True)
class _Waiting:
    """A purchase in line, and how its answer finds back."""

    asked: Asked
    answer: Answer
    loop: asyncio.AbstractEventLoop | None
    refused: errors.Refusal | None = None
    at: float = field(default_factory=time.monotonic)


class Till:
    """A line of purchases and the thread that carries them out."""

    def __init__(
        self,
        *,
        most_waiting: int = MOST_WAITING,
        most_at_once: int = MOST_AT_ONCE,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._line: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._most_waiting, self._most_at_once, self._linger = most_waiting, most_at_once, linger
        self._closed = False
        self._pace = 1_000.0  # Purchases per second, as the last batches went.
        self._wary_until = 0.0
        self._opening = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watch = Watch()

    @property
    def waiting(self) -> int:
        """How many purchases wait."""
        return self._line.qsize()

    def hand_over(self, asked: Asked, answer: Answer) -> None:
        """Put a purchase in line; `answer` is called on the running event loop with what came of it.

        Raises TillFull; then nothing was done and nothing will be.
        """
        self._put(_Waiting(asked, answer, asyncio.get_running_loop()))

    def buy(self, asked: Asked, *, refused: errors.Refusal | None = None) -> Receipt:
        """Put a purchase in line and wait for it in this thread.

        Who was `refused` at the door gets that, unless the key is known. Raises what `ringing.ring_up`
        gives as an outcome, TillFull, TooLate, and OutcomeUnknown when no answer comes in time: the same key
        finds out.
        """
        answer: Future[Outcome] = Future()
        self._put(_Waiting(asked, answer.set_result, None, refused))
        try:
            outcome = answer.result(ANSWERED_WITHIN)
        except TimeoutError:
            raise transactions.OutcomeUnknown from None
        if not isinstance(outcome, Receipt):
            raise outcome
        return outcome

    def close(self) -> None:
        """Take no more, finish what is in line, and end the thread."""
        with self._opening:
            if self._closed:
                return
            self._closed = True
            self._line.put(None)
        if self._thread is not None:
            self._thread.join()
        self._watch.stop()

    # --- the line ---

    def _put(self, waiting: _Waiting) -> None:
        # Under the lock: what comes behind the end of the line would never be answered.
        with self._opening:
            length = self._line.qsize()
            if self._closed or length >= self._most_waiting:
                raise TillFull(retry_ms=max(500, round(1000 * length / self._pace)))
            if self._thread is None:
                self._open()
            waiting.at -= self._watch.age()
            self._line.put(waiting)

    def _open(self) -> None:
        self._watch.start()
        self._thread = threading.Thread(target=self._work, name="till", daemon=True)
        self._thread.start()

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Wait for the next batch; also returns whether the till is open after it."""
        first = self._line.get()
        if first is None:
            return [], False
        batch, until = [first], first.at + self._linger
        while len(batch) < self._most_at_once:
            try:
                # What came while the last batch was written is there already; the first one waits a moment.
                left = until - time.monotonic()
                each = self._line.get(timeout=left) if left > 0 else self._line.get_nowait()
            except queue.Empty:
                break
            if each is None:
                return batch, False
            batch.append(each)
        return batch, True

    # --- the work ---

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next()
            try:
                batch = _in_time(batch)
                if batch:
                    self._carry_out(batch)
            except BaseException:
                # The counter never closes by a mistake; those concerned may ask again with the same key.
                log.exception("till.batch_lost", size=len(batch))
                _answer([(each, errors.Unavailable()) for each in batch])
            metrics.TILL_WAITING.set(self._line.qsize())
        connection.close()

    def _carry_out(self, batch: list[_Waiting]) -> None:
        begun = time.monotonic()
        patient = begun >= self._wary_until
        # The setting closes connections at once, for threads that serve one request; this one lives on.
        connection.close_at = None
        connection.close_if_unusable_or_obsolete()
        refusals = paces.allow_many(
            [
                (each.asked.buyer_id, {line.offer_id for line in each.asked.lines if line.offer_id})
                for each in batch
            ]
        )
        rung = ringing.ring_up(
            [
                Press(each.asked, each.at, each.refused or refused)
                for each, refused in zip(batch, refusals, strict=True)
            ],
            patient=patient,
        )
        taken = time.monotonic() - begun
        # Not by what went on because of it: in a rush it would never wait, or trust, again.
        if rung.stepped_over and patient:
            self._wary_until = time.monotonic() + BUSY_SECONDS
        self._pace = 0.8 * self._pace + 0.2 * len(batch) / max(taken, 0.001)
        _answer(list(zip(batch, rung.outcomes, strict=True)))
        metrics.TILL_BATCH.observe(len(batch))
        metrics.TILL_WAIT.observe(begun - batch[0].at)
        metrics.TILL_WRITE.observe(taken)


def _in_time(batch: list[_Waiting]) -> list[_Waiting]:
    """Tell those who have waited for too long, and return the others."""
    oldest = time.monotonic() - DEADLINE_SECONDS
    late = [each for each in batch if each.at < oldest]
    if late:
        _answer([(each, TooLate()) for each in late])
    return [each for each in batch if each.at >= oldest] if late else batch


def _answer(answers: list[tuple[_Waiting, Outcome]]) -> None:
    """Give everybody what came of it, each event loop in one go."""
    for name, times in Counter(_name(outcome) for _, outcome in answers).items():
        metrics.TILL_OUTCOMES.labels(name).inc(times)
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Answer, Outcome]]] = defaultdict(list)
    for waiting, outcome in answers:
        if waiting.loop is None:
            _give(waiting.answer, outcome)
        else:
            by_loop[waiting.loop].append((waiting.answer, outcome))
    for loop, its in by_loop.items():
        try:
            loop.call_soon_threadsafe(_give_all, its)
        except RuntimeError:  # The loop is gone, and everybody on it.
            log.info("till.nobody_waits", size=len(its))


def _give_all(answers: list[tuple[Answer, Outcome]]) -> None:
    for answer, outcome in answers:
        _give(answer, outcome)


def _give(answer: Answer, outcome: Outcome) -> None:
    try:
        answer(outcome)
    except Exception:
        log.exception("till.answer_failed")


def _name(outcome: Outcome) -> str:
    if isinstance(outcome, Receipt):
        return "replayed" if outcome.replayed else "accepted"
    return outcome.code if isinstance(outcome, errors.Refusal) else "failed"


_here: Till | None = None
_making = threading.Lock()


def here() -> Till:
    """Return the till of this process."""
    global _here
    with _making:
        if _here is None or _here._closed:
            _here = Till()
        return _here


def close() -> None:
    """Close the till of this process, after what is in line."""
    if _here is not None:
        _here.close()
