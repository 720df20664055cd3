"""Threads that do blocking work for the event loop: bounded in number, and in what may wait for them.

asgiref runs all synchronous code of an event loop in one shared thread; there one slow query would hold up
every viewer of the process. Nothing of the sockets ever runs there.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import ParamSpec, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection
from redis.exceptions import RedisError

from commerce import errors
from streams import metrics
from streams.live import tally

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Busy(errors.Unavailable):
    message = "The server is busy. Nothing was done; try again."


class BoundedExecutor:
    """A pool of threads, each with its own database connection that is kept between tasks."""

    def __init__(self, *, name: str, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._waited = metrics.POOL_WAIT.labels(name)
        self._most = threads + waiting
        self._now = 0

    async def run(self, task: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a blocking function in a thread.

        Raises Busy when too many wait already, Unavailable when the database or Redis does not answer.
        """
        if self._now >= self._most:
            raise Busy
        self._now += 1
        tally.here.working += 1
        context, asked = contextvars.copy_context(), perf_counter()

        def work() -> R:
            self._waited.observe(perf_counter() - asked)
            return context.run(_with_connection, lambda: task(*args, **kwargs))

        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # Counted until the thread is free again, even when whoever asked has gone.
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    @property
    def busy(self) -> int:
        """How many tasks run or wait."""
        return self._now

    def stop(self) -> None:
        """Let tasks that run finish, and begin no other."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, future: "asyncio.Future[R]") -> None:
        self._now -= 1
        tally.here.working -= 1
        if not future.cancelled():
            future.exception()  # Seen, also when nobody waits for it any more.


class Crews:
    """A pool of threads for each app whose commands are carried out, so that none waits for another's."""

    def __init__(self, *, threads: int, waiting: int) -> None:
        self._threads, self._waiting = threads, waiting
        self._crews: dict[str, BoundedExecutor] = {}

    def of(self, app: str) -> BoundedExecutor:
        """Return the pool of an app."""
        crew = self._crews.get(app)
        if crew is None:
            crew = self._crews[app] = BoundedExecutor(name=app, threads=self._threads, waiting=self._waiting)
        return crew

    def busy_by_app(self) -> dict[str, int]:
        """Return how many tasks run or wait, pool by pool."""
        return {app: crew.busy for app, crew in list(self._crews.items())}

    @property
    def busy(self) -> int:
        """How many tasks run or wait."""
        return sum(crew.busy for crew in self._crews.values())

    def stop(self) -> None:
        """Let tasks that run finish, and begin no other."""
        for crew in self._crews.values():
            crew.stop()


def _with_connection(task: Callable[[], R]) -> R:
    _keep()
    try:
        return task()
    except (OperationalError, InterfaceError, RedisError) as error:
        log.warning("executor.unavailable", error=str(error))
        raise errors.Unavailable from None
    finally:
        _keep()


def _keep() -> None:
    # The setting closes connections at once, for threads that serve one request; these threads live on.
    connection.close_at = None
    connection.close_if_unusable_or_obsolete()
