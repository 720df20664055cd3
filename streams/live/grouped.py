"""One piece of work for all who ask at the same time.

Whoever asks while it is being done for others waits for the next round, which takes all that came meanwhile.
Alone one waits for nobody; in a crowd a round costs little more than it would for one.
"""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

import structlog

from commerce import errors
from streams import metrics
from streams.live.executor import BoundedExecutor, Busy

log = structlog.get_logger(__name__)

A = TypeVar("A")
R = TypeVar("R")

MOST = 100  # Done for in one round: what it makes the event loop wait for must stay short.
WAITING = 2000  # Who may wait for the next rounds.

Begin = Callable[..., "asyncio.Task[Any]"]


class Grouped(Generic[A, R]):
    """A function that is called in a thread with what many have asked, and answers each of them."""

    def __init__(
        self,
        do: Callable[[Sequence[A]], Sequence[R | errors.Refusal]],
        *,
        name: str,
        pool: BoundedExecutor,
        begin: Begin,
    ) -> None:
        """`do` returns an answer or a refusal for each of what it is given, in the same order.

        What it raises, but for a refusal, has it called again with a half each.
        """
        self._do, self._pool, self._begin = do, pool, begin
        self._waited = metrics.POOL_WAIT.labels(name)
        self._asked: list[tuple[A, asyncio.Future[R], float]] = []
        self._round: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait for the next rounds."""
        return len(self._asked)

    async def ask(self, what: A) -> R:
        """Return the answer; raises the refusal that was found for this one alone.

        Raises Busy when too many wait already, Unavailable when the database or Redis does not answer.
        """
        if len(self._asked) >= WAITING:
            raise Busy
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asked.append((what, answer, perf_counter()))
        if self._round is None:
            # A task begins after everything that is ready now, which may ask, too.
            self._round = self._begin(self._serve(), context=contextvars.Context())
        return await answer

    async def _serve(self) -> None:
        try:
            while self._asked:
                some, self._asked = self._asked[:MOST], self._asked[MOST:]
                # Whoever has gone meanwhile needs no answer.
                some = [each for each in some if not each[1].done()]
                now = perf_counter()
                for _, _, since in some:
                    self._waited.observe(now - since)
                if some:
                    await self._answer([(what, answer) for what, answer, _ in some])
        finally:
            self._round = None

    async def _answer(self, asked: list[tuple[A, "asyncio.Future[R]"]]) -> None:
        found: Sequence[R | errors.Refusal]
        try:
            found = await self._pool.run(self._done, [what for what, _ in asked])
        except errors.Refusal as refusal:
            found = [refusal] * len(asked)
        except Exception as error:
            if len(asked) == 1:
                if not asked[0][1].done():
                    asked[0][1].set_exception(error)
                return
            # One that nobody can answer must not take the others with it.
            log.warning("grouped.failed", asked=len(asked), exc_info=error)
            half = len(asked) // 2
            await self._answer(asked[:half])
            await self._answer(asked[half:])
            return
        for (_, answer), outcome in zip(asked, found, strict=False):
            if answer.done():
                continue
            if isinstance(outcome, errors.Refusal):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

    def _done(self, asked: Sequence[A]) -> Sequence[R | errors.Refusal]:
        found = self._do(asked)
        if len(found) != len(asked):
            raise ValueError(f"{len(found)} answers to {len(asked)}")
        return found
