"""Background work of the catalog. A task may run twice or never: the database says what is left to do."""

import time
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from catalog import looking
from catalog.feeds import exports, gathering, imports, notices
from catalog.media import pictures
from catalog.pricing import applying
from commerce import clock, turnstile

# Well below the tasks' time limit; a longer feed goes on in a task of its own.
SLICE_SECONDS = 45.0
LOST_AFTER = timedelta(seconds=20)
# Of many prices due at once, the rest is for the next ring.
PRICES_SECONDS = 10.0


@shared_task(name="catalog.read_feed", queue="notify", acks_late=True)
def read_feed(*, import_id: str, **_: object) -> None:
    """Read a merchant's feeds for a while, and come back when there is more."""
    deadline = time.monotonic() + SLICE_SECONDS
    progress = imports.run(
        import_id=UUID(import_id),
        now=timezone.now(),
        go_on=lambda: time.monotonic() < deadline,
        clock=timezone.now,
    )
    if progress is imports.Progress.MORE:
        read_feed.apply_async(kwargs={"import_id": import_id})


@shared_task(name="catalog.write_export", queue="notify", acks_late=True)
def write_export(*, export_id: str, **_: object) -> None:
    """Write a merchant's file for a while, and come back when there is more."""
    deadline = time.monotonic() + SLICE_SECONDS
    more = exports.run(
        export_id=UUID(export_id),
        now=timezone.now(),
        go_on=lambda: time.monotonic() < deadline,
        clock=timezone.now,
    )
    if more:
        write_export.apply_async(kwargs={"export_id": export_id})


@shared_task(name="catalog.sweep", queue="notify")
def sweep(**_: object) -> None:
    """Take up the imports and exports whose worker or message was lost; drop files that are too old."""
    now = timezone.now()
    for import_id in imports.stalled(before=now - LOST_AFTER):
        read_feed.apply_async(kwargs={"import_id": str(import_id)})
    for export_id in exports.stalled(before=now - LOST_AFTER):
        write_export.apply_async(kwargs={"export_id": str(export_id)})
    exports.expire(now=now)


@shared_task(name="catalog.look_at_pictures", queue="notify")
@turnstile.one_at_a_time
def look_at_pictures(**_: object) -> int:
    """Fetch and look at the pictures that are due, with threads of its own."""
    return looking.look(seconds=SLICE_SECONDS)


@shared_task(name="catalog.fetch_feeds", queue="notify")
@turnstile.one_at_a_time
def fetch_feeds(**_: object) -> int:
    """Fetch the feeds that are due."""
    return looking.gather(seconds=SLICE_SECONDS)


@shared_task(
    name="catalog.tell_feed_off",
    queue="notify",
    autoretry_for=(OSError,),
    retry_backoff=30,
    retry_backoff_max=3600,
    max_retries=8,
)
def tell_feed_off(*, feed_id: str, **_: object) -> int:
    """Write to a merchant that a feed of its is fetched no more."""
    return notices.feed_off(feed_id=UUID(feed_id))


@shared_task(name="catalog.tidy_pictures", queue="notify")
@turnstile.one_at_a_time
def tidy_pictures(**_: object) -> int:
    """Remove the files that no product has any more, and what was noted of old fetches."""
    gathering.prune(now=clock.database_now())
    return pictures.sweep(now=clock.database_now())


@shared_task(name="catalog.apply_prices", queue="sweep")
@turnstile.one_at_a_time
def apply_prices(**_: object) -> int:
    """Begin and end announced prices that are due by the database's clock."""
    deadline = time.monotonic() + PRICES_SECONDS
    applied = 0
    while some := applying.apply_due(now=clock.database_now()):
        applied += some
        if time.monotonic() > deadline:
            break
    return applied
