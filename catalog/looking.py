"""Fetching pictures and feeds that are due: threads that wait for others' networks, not Celery's own."""

import time
from collections.abc import Callable, Iterator
from functools import cache, partial

from django.conf import settings

from catalog.feeds import gathering
from catalog.media import pictures
from commerce import clock
from commerce.outside import fetching
from commerce.pool import Pool

SECONDS = 30.0  # For all hops of one.


@cache
def threads() -> Pool:
    """Return the threads of this process that fetch."""
    return Pool(name="pictures", threads=settings.PICTURE_THREADS)


@cache
def client() -> fetching.Client:
    """Return what this process fetches with."""
    return fetching.Client(loopback=settings.WEBHOOK_ALLOW_LOOPBACK, seconds=SECONDS)


def look(*, seconds: float) -> int:
    """Take the pictures that are due, claiming for so long at most; returns how many."""
    ends = time.monotonic() + seconds
    return threads().each(_due(ends), until=ends + pictures.LEASE.total_seconds() / 2)


def gather(*, seconds: float) -> int:
    """Fetch the feeds that are due, claiming for so long at most; returns how many."""
    ends = time.monotonic() + seconds
    return threads().each(_feeds(ends), until=ends + gathering.LEASE.total_seconds() / 2)


def _feeds(ends: float) -> Iterator[Callable[[], object]]:
    while time.monotonic() < ends:
        claimed = gathering.claim(limit=settings.PICTURE_THREADS, now=clock.database_now())
        if not claimed:
            return
        for each in claimed:
            yield partial(gathering.fetch, each, clock=clock.database_now, by=client())


def _due(ends: float) -> Iterator[Callable[[], object]]:
    while time.monotonic() < ends:
        # No more than are begun at once: a lease begins when it is claimed.
        claimed = pictures.claim(limit=settings.PICTURE_THREADS, now=clock.database_now())
        if not claimed:
            return
        for each in claimed:
            yield partial(pictures.take, each, clock=clock.database_now, by=client())
