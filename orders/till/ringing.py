"""One batch, one transaction: known keys are answered, the rest is decided and written, each on its own.

A batch is never lost to one purchase in it. Where a lock is not free in time, the batch goes through without
the purchases that need it; where the database refuses something, or somebody else keeps locked what only its
foreign keys and unique keys look at, the batch is halved until the one purchase concerned stands alone.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from django.db import IntegrityError, connection

from commerce import errors, faults, idempotency
from orders import queries, transactions
from orders.till import deciding, others, reading, receipts, writing
from orders.till.asking import Asked, Outcome, Press, Receipt
from orders.till.facts import Facts
from orders.till.refusals import TillsAhead, TooLate
from streams import waitingroom

log = structlog.get_logger(__name__)

IDLE_TIMEOUT_MS = 5_000  # A process that is stopped in the middle lets go of what it has locked.
# All is found by its key. PostgreSQL keeps the plans of its foreign keys as it made them when the connection
# was new; in a shop that was empty then they would go on reading whole tables, row by row.
SETTINGS = f"""
    SET LOCAL lock_timeout = {others.LOCK_TIMEOUT_MS};
    SET LOCAL statement_timeout = {others.STATEMENT_TIMEOUT_MS};
    SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS};
    SET LOCAL enable_seqscan = off; SELECT clock_timestamp()
"""
FORGOTTEN_SECONDS = 30.0  # Whoever pressed was told long ago that nothing is known of it, and may be gone.
# A key that another till has in hand, or the row of a buyer who is being changed, cannot be stepped over.
SHORT_LOCK_TIMEOUT_MS = 50  # With all that can be stepped over stepped over, for what cannot.
SEARCHED_SECONDS = 2.0  # How long a batch is halved to find whose they are; others wait in line meanwhile.
KEY_TAKEN_AGAIN = 3  # Somebody else's commit came between: read again, and the key is known.


class Rung(NamedTuple):
    """What came of each purchase of a batch, and whether locked rows were stepped over."""

    outcomes: list[Outcome]
    stepped_over: bool


def ring_up(presses: Sequence[Press], *, patient: bool = True, now: datetime | None = None) -> Rung:
    """Carry out a batch in this thread and return what came of each, in its order; nothing is raised.

    With `patient` off, rows that somebody else keeps locked are not waited for. `now` is the database's clock
    unless it is given.
    """
    return _ring_up(presses, patient, now, time.monotonic() + SEARCHED_SECONDS)


def _ring_up(presses: Sequence[Press], patient: bool, now: datetime | None, search_until: float) -> Rung:
    try:
        return Rung(_attempt(presses, patient, now), stepped_over=not patient)
    except TillsAhead as refusal:
        others.end_what_stands_still()
        return Rung([refusal for _ in presses], stepped_over=False)
    except transactions.Busy as refusal:
        if patient:
            return _ring_up(presses, False, now, time.monotonic() + SEARCHED_SECONDS)
        if len(presses) == 1 or time.monotonic() > search_until:
            return Rung([refusal for _ in presses], stepped_over=True)
    except errors.Refusal as refusal:
        return Rung([refusal for _ in presses], stepped_over=False)
    except Exception as error:
        # What the database refuses, or a mistake of ours: whose it is shows when the batch is halved.
        if len(presses) == 1:
            log.exception("till.failed", key=str(presses[0].asked.key))
            return Rung([error], stepped_over=False)
        log.warning("till.halved", size=len(presses), error=str(error))
    half = len(presses) // 2
    first = _ring_up(presses[:half], patient, now, search_until)
    second = _ring_up(presses[half:], patient, now, search_until)
    return Rung([*first.outcomes, *second.outcomes], first.stepped_over or second.stepped_over)


def _attempt(presses: Sequence[Press], patient: bool, now: datetime | None) -> list[Outcome]:
    try:
        return _written(presses, patient, may_trust=True, now=now)
    except writing.SoldMeanwhile:
        # There was plenty, and now there is less than this batch wants: it is counted under the lock.
        return _written(presses, patient, may_trust=False, now=now)


def _written(
    presses: Sequence[Press], patient: bool, *, may_trust: bool, now: datetime | None
) -> list[Outcome]:
    for attempt in range(1, KEY_TAKEN_AGAIN + 1):
        try:
            answers = transactions.run(lambda: _batch(presses, patient, may_trust, now), lock_timeout_ms=None)
            faults.reach("till.committed")
            return answers()
        except IntegrityError as error:
            # The same key in another process: the first to commit stands, and now it can be read.
            if transactions.violated(error) != "purchase_key_once" or attempt == KEY_TAKEN_AGAIN:
                raise
    raise AssertionError("unreachable")


def _batch(
    presses: Sequence[Press], patient: bool, may_trust: bool, now: datetime | None
) -> Callable[[], list[Outcome]]:
    """Decide and write a batch; returns what gives its answers, to be called when it is committed."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        clock = reading.Clock(now or cursor.fetchone()[0], time.monotonic())
    batch = [press.asked for press in presses]
    outcomes = _known(batch)
    # Her units are set aside: the waiting room, which may have lost its memory, has no say in that.
    at_door = [n for n, press in enumerate(presses) if isinstance(press.refused, waitingroom.NotYourTurn)]
    turns = reading.with_turns(batch[n] for n in at_door)
    excused = {n for n in at_door if batch[n].buyer_id in turns}
    first: dict[tuple[UUID, UUID], int] = {}
    fresh = []
    for n, press in enumerate(presses):
        if n in outcomes:
            continue
        if press.at is not None and press.at < clock.read_at - FORGOTTEN_SECONDS:
            outcomes[n] = TooLate()
        elif press.refused is not None and n not in excused:
            outcomes[n] = press.refused
        # The same key twice in one batch: the second gets what the first gets.
        elif first.setdefault((press.asked.buyer_id, press.asked.key), n) == n:
            fresh.append(n)
    faults.reach("till.begun")
    sold: dict[int, deciding.Accepted] = {}
    given: receipts.Receipts | None = None
    if fresh:
        wanted = [batch[n] for n in fresh]
        facts = reading.read(wanted, patient=patient, may_trust=may_trust, clock=clock)
        faults.reach("till.locked")
        if not patient:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {SHORT_LOCK_TIMEOUT_MS}")
        sold, refused = _decide(presses, fresh, facts)
        outcomes |= refused
        given = writing.write(list(sold.values()), facts)
        faults.reach("till.written")

    def answers() -> list[Outcome]:
        if given is not None:
            outcomes.update(zip(sold, given.render(), strict=True))
        for n, asked in enumerate(batch):
            if n not in outcomes:
                earlier = first[asked.buyer_id, asked.key]
                outcomes[n] = _repeated(asked, batch[earlier], outcomes[earlier])
        return [outcomes[n] for n in range(len(batch))]

    return answers


def _decide(
    presses: Sequence[Press], fresh: Sequence[int], facts: Facts
) -> tuple[dict[int, deciding.Accepted], dict[int, Outcome]]:
    """Return what is sold and who is refused, by the number of the press."""
    sold: dict[int, deciding.Accepted] = {}
    refused: dict[int, Outcome] = {}
    for n in fresh:
        press = presses[n]
        waited = 0.0 if press.at is None else facts.read_at - press.at
        try:
            at = facts.now - timedelta(seconds=max(0.0, waited))
            if press.refused is not None and not deciding.is_turn(press.asked, facts, at=at):
                raise press.refused
            sold[n] = deciding.decide(press.asked, facts, at=at)
        except errors.Refusal as refusal:
            refused[n] = refusal
    return sold, refused


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
    # Read together: after a process was lost, everybody comes back with her key at once.
    bodies = queries.replayed_bodies({pk for pk, _ in rows.values()})
    outcomes: dict[int, Outcome] = {}
    for n, asked in enumerate(batch) if rows else ():
        known = rows.get((asked.buyer_id, asked.key))
        if known is not None:
            pk, fingerprint = known
            outcomes[n] = (
                Receipt(pk, orjson.dumps(bodies[pk]).decode(), replayed=True)
                if fingerprint == asked.fingerprint
                else idempotency.IdempotencyMismatch()
            )
    return outcomes


def _repeated(asked: Asked, first: Asked, outcome: Outcome) -> Outcome:
    if first.fingerprint != asked.fingerprint:
        return idempotency.IdempotencyMismatch()
    return receipts.replayed(outcome) if isinstance(outcome, Receipt) else outcome


def _array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"
