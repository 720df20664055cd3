"""The figures by which PostgreSQL plans what is asked of goods, made anew where a feed has outgrown them.

Of tables that nobody has analyzed yet it believes that a merchant has a handful of goods, and reads all of
them for each batch of a feed. Autovacuum finds out in a while; for a shop's first million goods that is late.
"""

import structlog
from django.db import DatabaseError, connection

from catalog.models import Price, Product, Stock, Variant

log = structlog.get_logger(__name__)

FIRST_ROWS = 1_000
OUTGROWN = 4  # Times what PostgreSQL knows of.


def due(*, rows: int, looked_at: int) -> bool:
    """Say whether to look again after so many variants of a feed, the last time being `looked_at`."""
    return rows >= max(FIRST_ROWS, OUTGROWN * looked_at)


def keep_up(*, rows: int) -> bool:
    """Have the tables of goods analyzed if many more variants came than is known; says whether they were.

    A server that does not let us, or not for so long, is no reason to read on no further.
    """
    variants = Variant._meta.db_table
    tables = ", ".join(model._meta.db_table for model in (Product, Variant, Price, Stock))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [variants])
            if OUTGROWN * max(0.0, cursor.fetchone()[0]) >= rows:
                return False
            # What autovacuum has in hand is left to it.
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {tables}")
    except DatabaseError as error:
        if not connection.is_usable():
            raise
        log.warning("figures.failed", rows=rows, error=str(error))
        return False
    log.info("figures.made", rows=rows)
    return True
