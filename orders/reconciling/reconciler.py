"""The reconciler: reads the provider's own lists since the last time, so that nothing depends on webhooks.

Events that no webhook brought are read as if one had; intents that are not with us as they are there are
applied; movements of money are matched with our books. A list's mark moves when it was read to its end, so
whoever is killed in between begins again. Reading twice changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from django.db import connection
from django.db.models import Min

from commerce import faults, gateway
from orders import states
from orders.models import Mark, Payment
from orders.payouts import debts
from orders.reconciling import kinds, movements, notices
from orders.settling import capturing, discrepancies, payments

log = structlog.get_logger(__name__)
T = TypeVar("T")
Status = Payment.Status

# Clocks differ, and what was made a moment ago may not be listed yet.
OVERLAP = timedelta(minutes=2)
KEPT = timedelta(days=30)  # By the provider, of its events (https://docs.stripe.com/api/events).
LEFT_OPEN = timedelta(minutes=1)  # What nobody wants any more has its own task, which may be lost.
BATCH = 100

# Which of our statuses say the same as the provider's.
SAME: dict[str, frozenset[str]] = {
    "succeeded": frozenset({Status.SUCCEEDED, Status.RETURNED}),
    "declined": frozenset({Status.DECLINED, Status.CANCELLED}),
    "cancelled": frozenset({Status.CANCELLED, Status.DECLINED}),
    "held": frozenset({Status.AUTHORIZED}),
    "requires_action": frozenset({Status.ACTION_REQUIRED}),
    "processing": frozenset(Status.values),
}


def reconcile(*, now: datetime) -> dict[str, int]:
    """Read the provider's lists since their marks; returns what was read and found of each, nothing when
    somebody else is at it. One list that cannot be read keeps no other from being read; then raises what was
    in its way (Unavailable, Refused), and its mark stays.
    """
    done: dict[str, int] = {}
    failed: list[Exception] = []
    with _alone() as alone:
        if not alone:
            return {}
        for name, read in LISTS.items():
            try:
                done[name] = _since_mark(name, read, now)
            except Exception as error:
                log.warning("reconcile.failed", list=name, error=str(error))
                failed.append(error)
        done["matched"] = movements.match(now=now)
        if "movements" in done:
            done["not_there"] = movements.look_for_ours(now=now)
        debts.forget(now=now)
    if failed:
        raise failed[0]
    return done


def _since_mark(name: str, read: Callable[[datetime, datetime], int], now: datetime) -> int:
    mark = Mark.objects.filter(name=name).first()
    # What is older than our first payment is not ours.
    at = mark.at if mark else Payment.objects.aggregate(first=Min("created_at"))["first"] or now
    if name == "events" and at < now - KEPT:
        discrepancies.note(
            discrepancies.Difference(
                kind=discrepancies.Kind.GAP,
                provider_id=f"events since {at:%Y-%m-%d %H:%M}",
                what="the provider no longer has all events since they were read last",
            ),
            now=now,
        )
    count = read(at - OVERLAP, now)
    faults.reach("reconcile.before_mark")
    Mark.objects.update_or_create(name=name, defaults={"at": max(at, now)})
    return count


def _events(since: datetime, now: datetime) -> int:
    found = gateway.events_since(since, types=kinds.READ)
    return sum(notices.record_all(found=batch, now=now) for batch in _batches(found))


def _movements(since: datetime, now: datetime) -> int:
    found = gateway.movements_since(since)
    return sum(movements.record_all(found=batch, now=now) for batch in _batches(found))


def _intents(since: datetime, now: datetime) -> int:
    return sum(_apply(batch, now) for batch in _batches(gateway.intents_since(since)))


def _apply(batch: list[gateway.Intent], now: datetime) -> int:
    """Apply those of the intents that are not with us as they are there; returns how many."""
    named = {each.payment_id for each in batch if each.payment_id}
    unnamed = [each.id for each in batch if each.payment_id is None]
    by_id = {row.pk: row for row in Payment.objects.filter(pk__in=named)}
    by_intent = {row.provider_id: row for row in Payment.objects.filter(provider_id__in=unnamed)}
    count = 0
    for intent in batch:
        row = by_id.get(intent.payment_id) if intent.payment_id else by_intent.get(intent.id)
        if row is not None and _as_ours(intent, row):
            _close(intent, row, now)
            continue
        count += 1
        try:
            payments.apply(intent=intent, now=now)
        except discrepancies.Mismatch as mismatch:
            log.warning("reconcile.differs", intent=intent.id, error=str(mismatch))
    return count


def _as_ours(intent: gateway.Intent, row: Payment) -> bool:
    asked = (intent.id, intent.amount.amount, intent.amount.currency)
    if asked != (row.provider_id, row.amount, row.currency):
        return False
    whole = intent.status != "succeeded" or intent.received == intent.amount
    return whole and row.status in SAME[intent.status]


def _close(intent: gateway.Intent, row: Payment, now: datetime) -> None:
    """End at the provider what is over here and could still be paid there: the task for it was lost."""
    over = row.status not in states.ALIVE and row.finished_at and row.finished_at < now - LEFT_OPEN
    if not over or intent.status not in ("declined", "requires_action", "held"):
        return
    try:
        capturing.let_go(payment_id=row.pk, now=now)
    except (gateway.Refused, discrepancies.Mismatch) as error:
        log.error("reconcile.left_open", intent=intent.id, error=str(error))


LISTS: dict[str, Callable[[datetime, datetime], int]] = {
    "events": _events,
    "intents": _intents,
    "movements": _movements,
}


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    batch: list[T] = []
    for each in found:
        batch.append(each)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _alone() -> Iterator[bool]:
    """Hold a lock for which nobody waits; a process that dies lets it go with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended('reconcile', 0))")
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended('reconcile', 0))")
