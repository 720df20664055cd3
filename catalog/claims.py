"""One worker at a time: a claim goes with the connection of a worker that was killed; none times out.

A turn is shorter: it ends with its transaction, and whoever else wants it waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# The advisory locks that are held in this database, for a query which compares them with `hashtextextended`.
HELD = """
    SELECT classid::bigint << 32 | objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextmanager
def claim(key: str) -> Iterator[bool]:
    """Hold a claim while the block runs, where nobody else does; tells whether it is held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        claimed = bool(cursor.fetchone()[0])
    try:
        yield claimed
    finally:
        # A connection that is gone has taken its lock along.
        if claimed and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def turn(key: str) -> None:
    """Wait until nobody else has this turn, and keep it until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [key])
