"""The outbox: what happened is recorded in the transaction that made it happen and delivered afterwards.

Events are claimed as unsent rows, never by walking `id > cursor`: ids do not commit in order, so a cursor
would step over a slow transaction's event. Delivery is at least once; hearers bear a second one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection, models, transaction
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Event

CHANNEL = "outbox"
CLAIM_SECONDS = 30
MAX_ATTEMPTS = 10
AWAY_SECONDS = 5


class OutsideTransaction(RuntimeError):
    """An event was recorded outside a transaction, so it could be told without having happened."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that this process may deliver until its claim runs out."""

    id: int
    name: str
    key: str
    payload: dict[str, Any]
    attempts: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits in the outbox, and how old the oldest of it is."""

    waiting: int
    oldest_seconds: float
    quarantined: int


def record(*, name: str, payload: dict[str, Any], key: str | None = None, lane: str = "") -> None:
    """Record that something happened, once per key, and wake the relay when the transaction commits.

    Whoever hears events of a lane can ask which were recorded before (`waiting_before`). Raises
    OutsideTransaction when there is no transaction to belong to.
    """
    _record([(name, payload, key)], lane=lane)


def record_all(events: Iterable[tuple[str, dict[str, Any], str | None]]) -> None:
    """Record many events (name, payload, key) in one statement; raises OutsideTransaction."""
    _record(events, lane="")


def waiting_before(*, key: str, lane: str) -> list[tuple[str, dict[str, Any]]]:
    """Return key and payload of what was recorded in a lane before this event and waits to be told."""
    this = Event.objects.filter(key=key).values("id")
    waiting = Event.objects.filter(lane=lane, delivered_at=None, quarantined_at=None, id__lt=this)
    return list(waiting.exclude(lane="").order_by("id").values_list("key", "payload"))


def _record(events: Iterable[tuple[str, dict[str, Any], str | None]], *, lane: str) -> None:
    if not connection.in_atomic_block:
        raise OutsideTransaction
    rows = [(name, key or str(ids.new()), orjson.dumps(payload).decode()) for name, payload, key in events]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO commerce_event (name, key, payload, lane, attempts, error)
            SELECT name, key, payload::jsonb, %s, 0, ''
              FROM unnest(%s::text[], %s::text[], %s::text[]) AS event (name, key, payload)
                ON CONFLICT DO NOTHING;
            NOTIFY {CHANNEL}
            """,
            [lane, *(list(column) for column in zip(*rows, strict=True))],
        )


def claim(*, limit: int) -> list[Claimed]:
    """Claim due events, oldest first, for CLAIM_SECONDS; another relay skips them meanwhile.

    The claim is committed before anything is delivered, so no transaction stays open over a network call.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE commerce_event SET due_at = now() + make_interval(secs => %s), attempts = attempts + 1
             WHERE id IN (SELECT id FROM commerce_event
                           WHERE delivered_at IS NULL AND quarantined_at IS NULL AND due_at <= now()
                           ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING id
            """,
            [CLAIM_SECONDS, limit],
        )
        claimed = [row[0] for row in cursor.fetchall()]
    events = Event.objects.filter(id__in=claimed).order_by("id")
    return [Claimed(e.id, e.name, e.key, e.payload, e.attempts, e.created_at) for e in events]


def delivered(events: Iterable[Claimed]) -> None:
    """Mark events as delivered."""
    Event.objects.filter(id__in=[event.id for event in events]).update(delivered_at=Now(), error="")


def failed(event: Claimed, error: str) -> bool:
    """Put an event back with exponential back-off (1 s to 5 min), or in quarantine after MAX_ATTEMPTS.

    Says whether it is in quarantine now.
    """
    row = Event.objects.filter(id=event.id, delivered_at=None)
    if event.attempts >= MAX_ATTEMPTS:
        row.update(quarantined_at=Now(), error=error[:2000])
        return True
    wait = timedelta(seconds=min(2 ** (event.attempts - 1), 300))
    row.update(due_at=models.ExpressionWrapper(Now() + wait, models.DateTimeField()), error=error[:2000])
    return False


def put_off(event: Claimed, error: str) -> None:
    """Put an event back for AWAY_SECONDS without counting the try, as no fault of its own."""
    Event.objects.filter(id=event.id, delivered_at=None).update(
        due_at=models.ExpressionWrapper(Now() + timedelta(seconds=AWAY_SECONDS), models.DateTimeField()),
        attempts=models.F("attempts") - 1,
        error=error[:2000],
    )


def release(*, event_id: int, now: datetime) -> bool:
    """Take an event out of quarantine so that it is tried anew; False when it was not there."""
    return bool(
        Event.objects.filter(id=event_id)
        .exclude(quarantined_at=None)
        .update(quarantined_at=None, attempts=0, due_at=now)
    )


def backlog() -> Backlog:
    """Return what waits now, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)
              FROM commerce_event WHERE delivered_at IS NULL AND quarantined_at IS NULL
            """
        )
        waiting, oldest = cursor.fetchone()
    quarantined = Event.objects.exclude(quarantined_at=None).count()
    return Backlog(waiting, max(0.0, float(oldest)), quarantined)


def prune(*, before: datetime, limit: int) -> int:
    """Delete at most `limit` events delivered before that moment, oldest first; returns how many."""
    old = Event.objects.filter(delivered_at__lt=before).order_by("id").values("id")[:limit]
    count, _ = Event.objects.filter(id__in=old).delete()
    return count
