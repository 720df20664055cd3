"""Transactions that meet others: bounded waits and retries, and a clear answer when the database says no."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction

from commerce import errors

log = structlog.get_logger(__name__)
T = TypeVar("T")

ATTEMPTS = 3
LOCK_TIMEOUT_MS = (
    1_000  # Long enough to queue for a hot row, short enough to say "busy" while the buyer waits.
)
PATIENT_MS = 10_000  # For background work, where nobody waits.

LOCK_NOT_AVAILABLE = "55P03"
# Deadlock, serialization failure: nothing was done, and the other one is through.
RETRIED = {"40P01", "40001"}
# No code when the connection broke; idle_in_transaction_session_timeout when this process stood still in it.
LOST = {None, "25P03"}
# https://www.postgresql.org/docs/current/errcodes-appendix.html: 25006 read-only, 53 no room or connections
# left, 57 shutting down or cancelled, 58 system error.
AWAY = ("25006", "53", "57", "58")


class Busy(errors.Unavailable):
    """A row that everybody wants was not free in time; nothing was done."""

    message = "Too many people are buying this at once. Nothing was done; try again."
    retry_ms = 300


class OutcomeUnknown(errors.Unavailable):
    """The database went away in the middle, so that its answer is not known."""

    message = "We could not confirm this. Send it again with the same key: it counts once."


def run(work: Callable[[], T], *, lock_timeout_ms: int | None = LOCK_TIMEOUT_MS) -> T:
    """Run `work` in a transaction of its own, again after a deadlock or a lost connection; `work` must bear
    that. Without a `lock_timeout_ms` it sets one itself.

    Raises Busy when a lock was not free within the time, Unavailable when the database takes no writes,
    OutcomeUnknown when the connection kept being lost.
    """
    last: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                if lock_timeout_ms is not None:
                    with connection.cursor() as cursor:
                        cursor.execute(f"SET LOCAL lock_timeout = {lock_timeout_ms:d}")
                return work()
        except (OperationalError, InterfaceError, InternalError) as error:
            last, state = error, sqlstate(error)
            log.info("transaction.failed", sqlstate=state, error=str(error).strip())
            if state == LOCK_NOT_AVAILABLE:
                raise Busy from error
            if state is not None and state.startswith(AWAY):
                raise errors.Unavailable from error
            if state not in LOST and state not in RETRIED:
                raise
            if state in LOST:
                connection.close()
    if last is not None and sqlstate(last) in RETRIED:
        raise Busy from last
    raise OutcomeUnknown from last


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's code behind a Django database error; None when the connection was lost."""
    code = getattr(error.__cause__, "pgcode", None)
    return str(code) if code else None


def violated(error: BaseException) -> str | None:
    """Return the name of the constraint behind an IntegrityError."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None)
