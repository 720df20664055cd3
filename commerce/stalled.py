"""Sessions of ours that stalled in the middle of a COPY, and all that they have locked with them.

PostgreSQL waits for the rest of a COPY for as long as its client is there, paused or not: neither
statement_timeout nor idle_in_transaction_session_timeout ends that, and a machine that lost its power is
there until TCP finds out, which takes hours.
"""

import time
from typing import Any

import structlog
from django.db import connection

log = structlog.get_logger(__name__)

STALLED_SECONDS = 60.0  # As long as any other transaction of ours may idle.
WATCHED_SECONDS = 1.0
_STALLED = """
    SELECT c.pid, a.query_start, c.bytes_processed
      FROM pg_stat_progress_copy c JOIN pg_stat_activity a USING (pid)
     WHERE c.command = 'COPY FROM' AND a.wait_event = 'ClientRead' AND a.usename = current_user
       AND a.application_name = current_setting('application_name') AND c.datname = current_database()
       AND a.query_start < clock_timestamp() - %s * interval '1 second'
"""


def end(*, after: float = STALLED_SECONDS, watched: float = WATCHED_SECONDS) -> int:
    """End sessions whose COPY is older than `after` seconds and brings nothing for `watched` seconds.

    Returns how many. Must not be called in a transaction: it waits.
    """
    seen = _stalled(after)
    if not seen:
        return 0
    time.sleep(watched)
    still = [pid for pid, *_ in seen & _stalled(after)]
    if still:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [still])
        log.warning("session.ended", pids=still)
    return len(still)


def _stalled(after: float) -> set[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_STALLED, [after])
        return set(cursor.fetchall())
