"""Background work of the catalog. A task may run twice or never: the database says what is left to do."""

import time
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from catalog import imports

# Well below the tasks' time limit; a longer feed goes on in a task of its own.
SLICE_SECONDS = 45.0
LOST_AFTER = timedelta(seconds=20)


@shared_task(name="catalog.read_feed", queue="notify", acks_late=True)
def read_feed(*, import_id: str, **_: object) -> None:
    """Read a merchant's feeds for a while, and come back when there is more."""
    deadline = time.monotonic() + SLICE_SECONDS
    progress = imports.run(
        import_id=UUID(import_id), now=timezone.now(), go_on=lambda: time.monotonic() < deadline
    )
    if progress is imports.Progress.MORE:
        read_feed.apply_async(kwargs={"import_id": import_id})


@shared_task(name="catalog.sweep", queue="notify")
def sweep(**_: object) -> None:
    """Take up the imports whose worker or message was lost."""
    for import_id in imports.stalled(before=timezone.now() - LOST_AFTER):
        read_feed.apply_async(kwargs={"import_id": str(import_id)})
