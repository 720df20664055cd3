"""Work that keeps failing is put off, each time for longer, and never keeps other work waiting.

A sweep takes the oldest first, so without this as many as it takes at once could stop it for ever.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection

from commerce import errors
from orders.models import Setback

log = structlog.get_logger(__name__)

FIRST = timedelta(seconds=10)
LONGEST = timedelta(minutes=10)
FORGOTTEN_AFTER = timedelta(days=1)  # It was finished another way: by a task, or by hand.


def of(*, kind: str) -> dict[str, datetime]:
    """Return the subjects of that kind that failed, and until when each is put off."""
    return dict(Setback.objects.filter(kind=kind).values_list("subject", "until"))


def note(*, kind: str, subject: str, error: Exception, now: datetime) -> None:
    """Put a subject off for FIRST, then for twice as long each time up to LONGEST.

    Where somebody else is away it stays at FIRST: that is not the subject's fault, and over at once for all.
    """
    log.error("leftover.failed", kind=kind, id=subject, exc_info=error)
    most = FIRST if isinstance(error, errors.Refusal) and error.temporary else LONGEST
    why = f"{type(error).__name__}: {error}"[:300]
    values: list[Any] = [kind, subject, now + FIRST, why, now, most, FIRST]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO orders_setback AS had (kind, subject, failures, until, error)
            VALUES (%s, %s, 1, %s, %s)
            ON CONFLICT (kind, subject) DO UPDATE SET failures = had.failures + 1, error = EXCLUDED.error,
                   until = %s + least(%s, %s * power(2, least(had.failures, 20)))
            """,
            values,
        )


def clear(*, kind: str, subjects: Collection[str]) -> None:
    """Forget that these failed, now that they are finished."""
    if subjects:
        Setback.objects.filter(kind=kind, subject__in=list(subjects)).delete()


def forget(*, now: datetime) -> None:
    """Forget what failed long ago and was not met again."""
    Setback.objects.filter(until__lt=now - FORGOTTEN_AFTER).delete()
