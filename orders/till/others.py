"""Tills of other processes that want the same units: they wait for each other in lines of their own.

So a batch of another process is no reason to step over the row that everybody wants.
"""

from collections.abc import Set
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, OperationalError, connection

from orders import transactions
from orders.till.refusals import TillsAhead

log = structlog.get_logger(__name__)

LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS = 300, 5_000
# Kept until the transaction ends: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
IN_TURN = """
    SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = %(most_ms)s;
    SELECT pg_advisory_xact_lock(%(tills)s, line) FROM unnest(%(lines)s::int[]) AS line;
    SET LOCAL lock_timeout = %(then_ms)s; SET LOCAL statement_timeout = %(statement_ms)s
"""
TILLS = 0x711C  # What the locks of this kind are called.
LINES = 64  # Lines that units and offers are spread over; however many there are, so many locks are taken.
IN_LINE_MS = 3_000  # For all of them together.
# PostgreSQL waits for the rest of a COPY for as long as its client is there: neither statement_timeout nor
# idle_in_transaction_session_timeout ends that.
STANDING_STILL = """
    SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a
     WHERE a.state = 'active' AND a.wait_event = 'ClientRead' AND a.usename = current_user
       AND a.query_start < clock_timestamp() - %(most_ms)s * interval '1 ms'
       AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype = 'advisory'
                      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND l.classid = %(tills)s)
"""
CANCELLED = "57014"  # By the statement's timeout.


def wait(cursor: Any, counted: Set[UUID]) -> None:
    """Wait until no other till has a batch in hand that counts the same; raises TillsAhead."""
    # Sorted, so that nobody waits in a circle.
    lines = sorted({each.int % LINES for each in counted})
    times = {"most_ms": IN_LINE_MS, "then_ms": LOCK_TIMEOUT_MS, "statement_ms": STATEMENT_TIMEOUT_MS}
    try:
        cursor.execute(IN_TURN, {"tills": TILLS, "lines": lines, **times})
    except OperationalError as error:
        if transactions.sqlstate(error) == CANCELLED:
            raise TillsAhead from error
        raise


def end_what_stands_still() -> None:
    """End the sessions of tills that stopped in the middle of a COPY, outside a transaction."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(STANDING_STILL, {"tills": TILLS, "most_ms": STATEMENT_TIMEOUT_MS})
            ended = [pid for pid, _ in cursor.fetchall()]
    except DatabaseError as error:
        log.warning("till.standing_unknown", error=str(error).strip())
        return
    if ended:
        log.warning("till.session_ended", pids=ended)
