"""The bench's PostgreSQL: as the project starts it, with an ear for the statements that are logged."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from commerce import redis_client
from config import servers
from config.children import Child

_SAID = ("LOG:  statement:", "LOG:  execute ")

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
statements: list[str] = []  # Those that were logged so far.


def _hear(_name: str, line: str) -> None:
    for said in _SAID:
        if said in line:
            statements.append(line.split(said, 1)[1].strip())
            return
    # One that is written over several lines begins in the next.
    if statements and not statements[-1]:
        statements[-1] = line.strip()


def logged() -> dict[str, str]:
    """Return what makes PostgreSQL log every statement of a process, as its environment."""
    return {"DATABASE_URL": f"{os.environ['DATABASE_URL']}&options={quote('-c log_statement=all')}"}


def empty() -> None:
    """Forget what a benchmark has left: others would work off what it has sold."""
    with connection.cursor() as cursor:
        tables = [f'"{name}"' for name in connection.introspection.table_names(cursor) if name not in KEPT]
        # The ledger refuses TRUNCATE, but for whoever may turn triggers off.
        cursor.execute(
            f"BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE {', '.join(tables)}; COMMIT"
        )
    redis_client.sync().flushall()


@contextlib.contextmanager
def running(var: Path) -> Iterator[None]:
    """Run PostgreSQL under a folder until the block ends; raises CannotStart."""
    child = Child(replace(servers.postgres(var), quiet=False), hear=_hear)
    try:
        child.wait_ready()
        yield
    finally:
        child.stop()
