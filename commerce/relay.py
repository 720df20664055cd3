"""The relay: takes events from the outbox and tells each of their hearers, oldest first."""

import select
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils.module_loading import import_string
from redis.exceptions import ConnectionError as RedisDown
from redis.exceptions import TimeoutError as RedisSlow

from commerce import metrics, outbox

log = structlog.get_logger(__name__)
BATCH = 200
AWAY = (RedisDown, RedisSlow, OperationalError, InterfaceError)
IDLE_SECONDS = 1.0  # Due retries are noticed at the latest after this, without a notification.

Hearer = Callable[..., None]


class Relay:
    """Delivers events to hearers named by a table event name -> dotted paths."""

    def __init__(self, subscriptions: Mapping[str, Sequence[str]]) -> None:
        self.hearers: dict[str, list[Hearer]] = {
            name: [import_string(path) for path in paths] for name, paths in subscriptions.items()
        }

    def deliver_due(self) -> int:
        """Deliver one batch of due events; returns how many were claimed."""
        claimed = outbox.claim(limit=BATCH)
        done: list[outbox.Claimed] = []
        for event in claimed:
            try:
                self.tell(event.name, event.payload, event.key)
            except Exception as error:
                log.warning(
                    "event.failed",
                    event_name=event.name,
                    key=event.key,
                    attempts=event.attempts,
                    exc_info=True,
                )
                metrics.EVENTS.labels(event.name, _put_back(event, error)).inc()
            else:
                done.append(event)
                metrics.EVENTS.labels(event.name, "delivered").inc()
                metrics.EVENT_LAG.observe(max(0.0, time.time() - event.recorded_at.timestamp()))
        outbox.delivered(done)
        return len(claimed)

    def tell(self, name: str, payload: dict[str, Any], key: str) -> None:
        """Call every hearer of an event; raises LookupError for an event nobody was registered for."""
        if name not in self.hearers:
            raise LookupError(f"no subscription for {name!r}")
        for hearer in self.hearers[name]:
            hearer(payload, key=key)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Deliver until told to stop; a lost database connection is opened again."""
        listening: object | None = None
        while not stopped():
            try:
                close_old_connections()
                connection.ensure_connection()
                if connection.connection is not listening:
                    with connection.cursor() as cursor:
                        cursor.execute(f"LISTEN {outbox.CHANNEL}")
                    listening = connection.connection
                while self.deliver_due() == BATCH and not stopped():
                    pass
                _wait_for_notification()
            except Exception:
                log.warning("relay.interrupted", exc_info=True)
                connection.close()
                time.sleep(IDLE_SECONDS)


def _put_back(event: outbox.Claimed, error: BaseException) -> str:
    """Put an event back that could not be told; returns what became of it."""
    # An outage of any length must leave nothing in quarantine.
    if _is_outage(error):
        outbox.put_off(event, repr(error))
        return "put_off"
    return "quarantined" if outbox.failed(event, repr(error)) else "failed"


def _is_outage(error: BaseException) -> bool:
    """Say whether a part of ours is away, also when Celery wraps it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AWAY):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _wait_for_notification() -> None:
    """Return at a notification, at the latest after IDLE_SECONDS; LISTEN came before the last look."""
    raw = connection.connection
    raw.poll()
    if not raw.notifies:
        select.select([raw], [], [], IDLE_SECONDS)
        raw.poll()
    raw.notifies.clear()
