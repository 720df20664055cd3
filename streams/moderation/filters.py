"""Filters: what looks at a line before the room sees it. A filter finds; it never removes.

Anything with `check(text) -> Finding | None` is a filter, be it a list of words or a service elsewhere; one
that asks nobody and is done in milliseconds says `prompt = True`. Which ones the platform runs is in
settings.CHAT_FILTERS. A filter that fails, or takes longer than settings.CHAT_FILTER_MS, leaves the line for
a human to look at.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore
from typing import Protocol

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from streams.moderation import rules

log = structlog.get_logger(__name__)

THREADS = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a line should be looked at: the rule, and the part of the text that it found."""

    rule: str
    matched: str = ""


class Filter(Protocol):
    """Looks at a text."""

    def check(self, text: str) -> Finding | None:
        """Return what was found in a line of chat, None when nothing was."""
        ...


class Watch:
    """Runs filters: those that say they are `prompt` in the caller's thread, others beside it for a time.

    A filter that hangs keeps its thread; when all threads hang, lines are held after that time as before.
    """

    def __init__(self, filters: Sequence[Filter], *, seconds: float, threads: int = THREADS) -> None:
        # Looking at 200 characters takes no watch, and a busy process should not hold lines for being busy.
        self._prompt = [each for each in filters if getattr(each, "prompt", False)]
        self._others = [each for each in filters if not getattr(each, "prompt", False)]
        self._seconds = seconds
        self._free = BoundedSemaphore(threads)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="filter")

    def check(self, text: str) -> Finding | None:
        """Return the first finding; Finding(UNCHECKED) where a filter failed or took too long."""
        try:
            found = _first(self._prompt, text)
        except Exception:
            log.exception("filter.failed")
            return Finding(rules.UNCHECKED)
        return found if found is not None or not self._others else self._watched(text)

    def _watched(self, text: str) -> Finding | None:
        ends = time.monotonic() + self._seconds
        if not self._free.acquire(timeout=self._seconds):
            log.warning("filter.busy")
            return Finding(rules.UNCHECKED)
        looking = self._pool.submit(_first, self._others, text)
        looking.add_done_callback(self._freed)
        try:
            return looking.result(max(0.001, ends - time.monotonic()))
        except TooLong:
            log.warning("filter.slow", seconds=self._seconds)
        except Exception:
            log.exception("filter.failed")
        return Finding(rules.UNCHECKED)

    def _freed(self, _: "Future[Finding | None]") -> None:
        self._free.release()


def _first(filters: Sequence[Filter], text: str) -> Finding | None:
    return next((found for each in filters if (found := each.check(text)) is not None), None)


@cache
def platform() -> Watch:
    """Return the platform's filters, ready to run."""
    made: list[Filter] = [import_string(path)() for path in settings.CHAT_FILTERS]
    return Watch(made, seconds=settings.CHAT_FILTER_MS / 1000)
