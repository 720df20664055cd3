"""One batch, one transaction: known keys are answered, the rest is decided and written, each on its own.

A batch is never lost to one purchase in it. Where a lock is not free in time, the batch goes through without
the purchases that need it; where the database refuses something, the batch is halved until the one purchase
that it refuses stands alone.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from django.db import DatabaseError, IntegrityError, connection

from commerce import errors, faults, idempotency
from orders import queries, transactions
from orders.till import deciding, reading, writing
from orders.till.asking import Asked, Outcome, Receipt
from orders.till.facts import Facts
from orders.till.refusals import Busy

log = structlog.get_logger(__name__)

LOCK_TIMEOUT_MS = 300
STATEMENT_TIMEOUT_MS = 5_000
KEY_TAKEN_AGAIN = 3  # Somebody else's commit came between: read again, and the key is known.


class Rung(NamedTuple):
    """What came of each purchase of a batch, and whether locked rows were stepped over."""

    outcomes: list[Outcome]
    stepped_over: bool


def ring_up(
    batch: Sequence[Asked],
    *,
    waited: Sequence[float] = (),
    patient: bool = True,
    now: datetime | None = None,
) -> Rung:
    """Carry out a batch in this thread and return what came of each, in its order; nothing is raised.

    `waited` says for how many seconds each has been here: offers are judged by the moment of arrival. With
    `patient` off, rows that somebody else keeps locked are not waited for. `now` is the database's clock
    unless it is given.
    """
    waited = waited or [0.0] * len(batch)
    try:
        return Rung(_attempt(batch, waited, patient, now), stepped_over=not patient)
    except transactions.Busy:
        if patient:
            return ring_up(batch, waited=waited, patient=False, now=now)
        return Rung([Busy() for _ in batch], stepped_over=True)
    except errors.Refusal as refusal:
        return Rung([refusal for _ in batch], stepped_over=False)
    except DatabaseError as error:
        if len(batch) == 1:
            log.exception("till.refused_by_database", key=str(batch[0].key))
            return Rung([error], stepped_over=False)
        log.warning("till.halved", size=len(batch), error=str(error))
    except Exception as error:
        if len(batch) == 1:
            log.exception("till.failed", key=str(batch[0].key))
            return Rung([error], stepped_over=False)
        log.exception("till.halved", size=len(batch))
    half = len(batch) // 2
    first = ring_up(batch[:half], waited=waited[:half], patient=patient, now=now)
    second = ring_up(batch[half:], waited=waited[half:], patient=patient, now=now)
    return Rung([*first.outcomes, *second.outcomes], first.stepped_over or second.stepped_over)


def _attempt(
    batch: Sequence[Asked], waited: Sequence[float], patient: bool, now: datetime | None
) -> list[Outcome]:
    begun = time.monotonic()

    def work() -> list[Outcome]:
        return _batch(batch, waited, begun, patient, now)

    for attempt in range(KEY_TAKEN_AGAIN):
        try:
            outcomes = transactions.run(work, lock_timeout_ms=LOCK_TIMEOUT_MS)
            faults.reach("till.committed")
            return outcomes
        except IntegrityError as error:
            # The same key in another process: the first to commit stands, and now it can be read.
            if transactions.violated(error) != "purchase_key_once" or attempt == KEY_TAKEN_AGAIN - 1:
                raise
    raise AssertionError("unreachable")


def _batch(
    batch: Sequence[Asked], waited: Sequence[float], begun: float, patient: bool, now: datetime | None
) -> list[Outcome]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS:d}")
    outcomes = _known(batch)
    first: dict[tuple[UUID, UUID], int] = {}
    fresh = []
    for n, asked in enumerate(batch):
        if n in outcomes:
            continue
        # The same key twice in one batch: the second gets what the first gets.
        if first.setdefault((asked.buyer_id, asked.key), n) == n:
            fresh.append(n)
    faults.reach("till.begun")
    if fresh:
        facts = reading.read([batch[n] for n in fresh], patient=patient, now=now)
        faults.reach("till.locked")
        _decide(batch, waited, begun, fresh, facts, outcomes)
        faults.reach("till.written")
    for n, asked in enumerate(batch):
        if n not in outcomes:
            outcomes[n] = _repeated(asked, batch, first, outcomes)
    return [outcomes[n] for n in range(len(batch))]


def _decide(
    batch: Sequence[Asked],
    waited: Sequence[float],
    begun: float,
    fresh: Sequence[int],
    facts: Facts,
    outcomes: dict[int, Outcome],
) -> None:
    accepted = []
    since = time.monotonic() - begun
    for n in fresh:
        try:
            at = facts.now - timedelta(seconds=waited[n] + since) if waited[n] else facts.now
            accepted.append((n, deciding.decide(batch[n], facts, at=at)))
        except errors.Refusal as refusal:
            outcomes[n] = refusal
    written = writing.write([each for _, each in accepted], facts)
    for (n, _), receipt in zip(accepted, written, strict=True):
        outcomes[n] = receipt


def _known(batch: Sequence[Asked]) -> dict[int, Outcome]:
    """Return the answers to keys that were used before."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT known.id, asked.buyer_id, asked.key, known.fingerprint
              FROM unnest(%s::uuid[], %s::uuid[]) AS asked (buyer_id, key)
             CROSS JOIN LATERAL (SELECT p.id, p.fingerprint FROM orders_purchase p
                                  WHERE p.buyer_id = asked.buyer_id AND p.key = asked.key LIMIT 1) AS known
            """,
            [_array(asked.buyer_id for asked in batch), _array(asked.key for asked in batch)],
        )
        rows = {(buyer_id, key): (pk, mark) for pk, buyer_id, key, mark in cursor.fetchall()}
    outcomes: dict[int, Outcome] = {}
    for n, asked in enumerate(batch) if rows else ():
        known = rows.get((asked.buyer_id, asked.key))
        if known is not None:
            outcomes[n] = (
                _again(known[0]) if known[1] == asked.fingerprint else idempotency.IdempotencyMismatch()
            )
    return outcomes


def _again(purchase_id: UUID) -> Receipt:
    body = queries.purchase_body(purchase_id, replayed=True)
    return Receipt(purchase_id, orjson.dumps(body).decode(), replayed=True)


def _repeated(
    asked: Asked,
    batch: Sequence[Asked],
    first: dict[tuple[UUID, UUID], int],
    outcomes: dict[int, Outcome],
) -> Outcome:
    earlier = first[asked.buyer_id, asked.key]
    outcome = outcomes[earlier]
    if batch[earlier].fingerprint != asked.fingerprint:
        return idempotency.IdempotencyMismatch()
    if isinstance(outcome, Receipt):
        return _again(outcome.purchase_id)
    return outcome


def _array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"
