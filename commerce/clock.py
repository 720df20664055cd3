"""The one clock by which all processes agree on what is over."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's clock, also within a transaction that began earlier; UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: tuple[datetime] = cursor.fetchone()
    return row[0]
