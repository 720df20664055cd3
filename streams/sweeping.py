"""How the clock's sweeps go through what is due: each by itself, so that one that fails stops no other.

What failed is still due, so the next sweep tries it again.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

import structlog
from django.db import connection

log = structlog.get_logger(__name__)


def each(kind: str, due: Iterable[UUID], finish: Callable[[UUID], bool]) -> int:
    """Finish what is due one by one, each in a transaction of its own; returns how many were finished.

    Raises only when the database is away.
    """
    count = 0
    for subject in due:
        try:
            count += finish(subject)
        except Exception:
            if not connection.is_usable():
                raise
            log.exception("sweep.failed", kind=kind, id=str(subject))
    return count
