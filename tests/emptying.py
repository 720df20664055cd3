"""Empties the database after a test with committed transactions, in milliseconds, not Django's half a second.

Django truncates every table and then makes all content types and permissions again. Here only tables that
hold rows are emptied, those two are kept, and triggers are off meanwhile, as the ledger refuses DELETE.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def empty_database(_case: Any = None) -> None:
    """Delete all rows of all tables that have any."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in KEPT]
        cursor.execute(
            " UNION ALL ".join(
                f"(SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\"))" for name in tables
            )
        )
        filled = [row[0] for row in cursor.fetchall()]
        if filled:
            deletes = "; ".join(f'DELETE FROM "{name}"' for name in filled)
            cursor.execute(
                f"BEGIN; SET LOCAL lock_timeout = '20s'; SET LOCAL session_replication_role = replica;"
                f" {deletes}; COMMIT"
            )


def install() -> None:
    """Use it for every transactional test of this run."""
    TransactionTestCase._fixture_teardown = empty_database  # type: ignore[attr-defined]
