"""Threads for work that mostly waits for somebody else's network: bounded in number, each with a database
connection of its own that is kept between pieces of work.

A thread that has had nothing to do for IDLE_SECONDS closes its connection and ends.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

import structlog
from django.db import connection

log = structlog.get_logger(__name__)
T = TypeVar("T")

IDLE_SECONDS = 10.0
CONNECTION_SECONDS = 600.0  # What was set aside for a connection in the database is given back now and then.


class Pool:
    """At most so many threads, begun when there is work for them; every caller of the process shares them."""

    def __init__(self, *, name: str, threads: int) -> None:
        self._name, self._most = name, threads
        self._pieces: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._under_way = 0
        self._closed = False

    def call(self, work: Callable[[], T]) -> T:
        """Do one piece of work and return what it returns; raises what it raises.

        Within a transaction of the caller it is done in its own thread.
        """
        if connection.in_atomic_block:
            return work()
        done: Future[T] = Future()

        def piece() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._give(piece)
        return done.result()

    def each(self, pieces: Iterable[Callable[[], object]], *, until: float) -> int:
        """Do pieces of work, as many at once as there are threads, and return how many were begun.

        They are taken from the iterable when there is room for them. Past `until` (of the steady clock) none
        is begun; those that were are waited for. What a piece raises is logged and stops no other. Within a
        transaction of the caller they are done one by one in its own thread, which alone sees what it wrote.
        """
        if connection.in_atomic_block:
            return _one_by_one(pieces, until)
        room = threading.Semaphore(self._most)
        begun = 0

        def wrapped(work: Callable[[], object]) -> Callable[[], None]:
            def piece() -> None:
                nonlocal begun
                try:
                    if time.monotonic() < until:
                        with self._lock:
                            begun += 1
                        work()
                except BaseException:  # SystemExit, too: it would end a thread that everybody counts on.
                    log.exception("pool.failed", pool=self._name)
                finally:
                    room.release()

            return piece

        coming = iter(pieces)
        try:
            while True:
                room.acquire()
                work = next(coming, None) if time.monotonic() < until else None
                if work is None:
                    break
                self._give(wrapped(work))
        finally:
            room.release()
            for _ in range(self._most):
                room.acquire()
        return begun

    def give(self, work: Callable[[], object]) -> None:
        """Have a piece of work done, and do not wait for it; what it raises is logged."""

        def piece() -> None:
            try:
                work()
            except BaseException:  # SystemExit, too: it would end a thread that everybody counts on.
                log.exception("pool.failed", pool=self._name)

        self._give(piece)

    @property
    def under_way(self) -> int:
        """How many pieces of work are being done or wait for a thread."""
        return self._under_way

    def close(self) -> None:
        """Let the threads end when what was given them is done; raises RuntimeError for what comes later."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._pieces.put(_end)

    def _give(self, piece: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"The pool {self._name} is closed.")
            self._under_way += 1
            self._pieces.put(piece)
            if self._threads < min(self._most, self._under_way):
                self._threads += 1
                threading.Thread(target=self._serve, name=self._name, daemon=True).start()

    def _serve(self) -> None:
        kept = _Kept()
        while True:
            try:
                piece = self._pieces.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if not self._pieces.empty():
                        continue
                    self._threads -= 1
                break
            if piece is _end:
                break
            try:
                piece()
            finally:
                with self._lock:
                    self._under_way -= 1
                kept.tidy()
        connection.close()


def _end() -> None:
    """What a thread is given to end."""


class _Kept:
    """This thread's connection. Django's own rule closes it after each request, of which there are none."""

    def __init__(self) -> None:
        self._seen: object | None = None

    def tidy(self) -> None:
        """Close the connection when it is broken or old."""
        if connection.connection is not self._seen:
            self._seen = connection.connection
            connection.close_at = time.monotonic() + CONNECTION_SECONDS
        old = connection.close_at is not None and time.monotonic() > connection.close_at
        if connection.errors_occurred or old:
            connection.close_if_unusable_or_obsolete()


def _one_by_one(pieces: Iterable[Callable[[], object]], until: float) -> int:
    begun = 0
    for work in pieces:
        if time.monotonic() >= until:
            break
        begun += 1
        try:
            work()
        except Exception:
            log.exception("pool.failed")
    return begun
