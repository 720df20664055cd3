"""Sending what is due: threads that wait for merchants' networks, and none of Celery's own."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache, partial

import structlog
from django.conf import settings

from commerce import clock, faults, metrics
from commerce.pool import Pool
from commerce.webhooks import deliveries, sending, signing

log = structlog.get_logger(__name__)

AGENT = "Yellowcart-Webhooks/1"
LOOK_SECONDS = 0.5


@cache
def threads() -> Pool:
    """Return the threads of this process that send."""
    return Pool(name="webhooks", threads=settings.WEBHOOK_THREADS)


@cache
def client() -> sending.Client:
    """Return what this process sends with."""
    return sending.Client(loopback=settings.WEBHOOK_ALLOW_LOOPBACK)


def send_due(*, seconds: float) -> int:
    """Send what is due, claiming for so long at most; returns how many tries were made.

    Also what becomes due meanwhile, as the next message about an object when the one before is delivered.
    """
    ends = time.monotonic() + seconds
    # A claimed try is made: past this moment the pool would leave it to its lease.
    return threads().each(_Round(ends).pieces(), until=ends + deliveries.LEASE.total_seconds())


def send_one(claimed: deliveries.Claimed, *, clock: Callable[[], datetime], by: sending.Client) -> bool:
    """Make one try, with no transaction open, and write down what became of it."""
    faults.reach("webhook.before_send")
    outcome = _post(claimed, clock(), by)
    faults.reach("webhook.after_send")
    answered = "unanswered" if outcome.status is None else "refused"
    metrics.WEBHOOK_TRIES.labels("delivered" if outcome.delivered else answered).inc()
    log.info(
        "webhook.tried",
        delivery=str(claimed.id),
        attempt=claimed.attempt,
        status=outcome.status,
        error=outcome.error,
        milliseconds=outcome.milliseconds,
    )
    return deliveries.finish(claimed, outcome, now=clock())


def _post(claimed: deliveries.Claimed, now: datetime, by: sending.Client) -> sending.Outcome:
    body = claimed.body.encode()
    try:
        signed = signing.headers(message_id=claimed.message_id, at=now, body=body, secrets=claimed.secrets)
    except signing.KeyGone:
        log.error("webhook.key_gone", delivery=str(claimed.id))
        return sending.Outcome(None, "NO_KEY")
    headers = {"Content-Type": "application/json", "User-Agent": AGENT, "Accept": "*/*", **signed}
    return by.post(claimed.url, headers=headers, body=body)


class _Round:
    """Claims as there are threads for it, until nothing is due and nothing under way."""

    def __init__(self, ends: float) -> None:
        self._ends = ends
        self._changed = threading.Condition()
        self._under_way = self._ended = 0

    def pieces(self) -> Iterator[Callable[[], object]]:
        """Return tries to make, waiting for those under way behind which others may become due."""
        while time.monotonic() < self._ends:
            with self._changed:
                idle, ended = not self._under_way, self._ended
            # Each of these is begun well before its lease runs out, whatever the others wait for.
            claimed = deliveries.claim(limit=2 * settings.WEBHOOK_THREADS, now=clock.database_now())
            for each in claimed:
                with self._changed:
                    self._under_way += 1
                yield partial(self._send, each)
            if claimed:
                continue
            if idle:
                return
            with self._changed:
                # What has ended since it was looked may have made another one due.
                if self._ended == ended:
                    self._changed.wait(LOOK_SECONDS)

    def _send(self, claimed: deliveries.Claimed) -> None:
        try:
            send_one(claimed, clock=clock.database_now, by=client())
        finally:
            with self._changed:
                self._under_way -= 1
                self._ended += 1
                self._changed.notify()
