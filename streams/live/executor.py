"""Threads that do blocking work for the event loop: bounded in number, and in what may wait for them.

asgiref runs all synchronous code of an event loop in one shared thread; there one slow query would hold up
every viewer of the process. Nothing of the sockets ever runs there.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection
from redis.exceptions import RedisError

from commerce import errors

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Busy(errors.Unavailable):
    message = "The server is busy. Nothing was done; try again."


class BoundedExecutor:
    """A pool of threads, each with its own database connection that is kept between tasks."""

    def __init__(self, *, name: str, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._most = threads + waiting
        self._now = 0

    async def run(self, task: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a blocking function in a thread.

        Raises Busy when too many wait already, Unavailable when the database or Redis does not answer.
        """
        if self._now >= self._most:
            raise Busy
        self._now += 1
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: context.run(_with_connection, lambda: task(*args, **kwargs))
        )
        # Counted until the thread is free again, even when whoever asked has gone.
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def stop(self) -> None:
        """Let tasks that run finish, and begin no other."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, future: "asyncio.Future[R]") -> None:
        self._now -= 1
        if not future.cancelled():
            future.exception()  # Seen, also when nobody waits for it any more.


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
