"""Fetching the feeds that are due. A fetch is claimed and written down, then made with no transaction open.

What came of it, the import, and when the feed is due again commit together, by whoever claimed it last. So a
worker that is killed leaves a feed that is due when its lease is over, and no feed is imported twice.
"""

import base64
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from catalog.feeds import imports, sources
from catalog.media import pictures
from catalog.models import FeedFetch, FeedSource, Import
from commerce import errors, faults, outbox, sealing
from commerce.outside import fetching

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
MOST_FAILURES = 10
KEPT = timedelta(days=90)

Outcome = FeedFetch.Outcome


@dataclass(frozen=True, slots=True)
class Claimed:
    """A feed that is ours to fetch until its lease is over."""

    source: FeedSource
    fetch_id: UUID


def claim(*, limit: int, now: datetime) -> list[Claimed]:
    """Claim feeds of active merchants that are due, and write down that they are fetched.

    Whoever else claims gets others.
    """
    with transaction.atomic():
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        due = FeedSource.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            free, enabled=True, due_at__lte=now, merchant__is_active=True
        )
        claimed = []
        for source in due.order_by("due_at", "id")[:limit]:
            source.attempt, source.leased_until = source.attempt + 1, now + LEASE
            lost = source.fetches.filter(outcome=Outcome.RUNNING).order_by("id").last()
            if lost is not None:
                # Of a worker that was killed, perhaps by what it fetched.
                _lose(lost, now)
                _count(source, lost.pk)
            source.save(update_fields=["attempt", "leased_until", "failures", "enabled", "off_reason"])
            if not source.enabled:
                continue
            fetch = FeedFetch.objects.create(merchant_id=source.merchant_id, source=source, started_at=now)
            claimed.append(Claimed(source, fetch.pk))
    return claimed


def fetch(claimed: Claimed, *, clock: Callable[[], datetime], by: fetching.Client) -> None:
    """Fetch a feed, and have it imported if it is another one than the last time."""
    source = claimed.source
    with tempfile.TemporaryFile() as file:
        try:
            got = _got(source, file, by)
        except sealing.CannotOpen:
            got = fetching.Fetched(None, "NO_KEY")
        faults.reach("feed.fetched")
        _take_in(claimed, got, file, clock())


def prune(*, now: datetime, limit: int = 5_000) -> int:
    """Forget fetches of long ago; returns how many."""
    old = FeedFetch.objects.filter(started_at__lt=now - KEPT).order_by("id").values("pk")[:limit]
    return FeedFetch.objects.filter(pk__in=old).delete()[0]


def _got(source: FeedSource, file: BinaryIO, by: fetching.Client) -> fetching.Fetched:
    headers, secret = {}, {}
    if source.username or source.sealed_password:
        pair = f"{source.username}:{sources.password(source)}".encode()
        secret["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    # What was not taken the last time is worth another look, though it did not change.
    if source.sha256 and _last_was_taken(source):
        if source.etag:
            headers["If-None-Match"] = source.etag
        if source.last_modified:
            headers["If-Modified-Since"] = source.last_modified
    most = settings.IMPORT_MAX_BYTES
    return by.get(source.url, into=file, most=most, headers=headers, secret=secret, unpack=True)


def _last_was_taken(source: FeedSource) -> bool:
    fetches = source.fetches.filter(outcome=Outcome.IMPORTED).select_related("job")
    last = fetches.order_by("-id").first()
    job = last.job if last else None
    return job is not None and job.status not in (Import.Status.FAILED, Import.Status.CANCELLED)


def _lose(fetch: FeedFetch, now: datetime) -> None:
    fetch.outcome, fetch.code, fetch.finished_at = Outcome.FAILED, "LOST", now
    fetch.reason = "It was begun, and nobody ended it."
    fetch.save(update_fields=["outcome", "code", "reason", "finished_at"])


def _count(row: FeedSource, fetch_id: UUID) -> None:
    """Count one more failure in a row; the last that is put up with turns the feed off, and is told."""
    row.failures += 1
    if row.failures >= MOST_FAILURES and row.enabled:
        row.enabled, row.off_reason, row.leased_until = False, FeedSource.Off.FAILING, None
        key = f"feed.off:{row.pk}:{row.attempt}"
        outbox.record(name="feed.off", payload={"feed": str(row.pk), "fetch": str(fetch_id)}, key=key)


def _take_in(claimed: Claimed, got: fetching.Fetched, file: BinaryIO, now: datetime) -> None:
    with transaction.atomic():
        row = FeedSource.objects.select_for_update().filter(pk=claimed.source.pk).first()
        if row is None or row.attempt != claimed.source.attempt or row.url != claimed.source.url:
            return
        result = FeedFetch(pk=claimed.fetch_id, status=got.status, bytes=got.size, finished_at=now)
        _judge(row, result, got, file, now)
        row.leased_until, row.due_at = None, sources.next_due(row, now)
        if result.outcome == Outcome.FAILED:
            _count(row, claimed.fetch_id)
        else:
            row.failures = 0
        row.save()
        result.save(
            update_fields=["outcome", "code", "reason", "status", "bytes", "job", "finished_at"],
            force_update=True,
        )
    log.info("feed.fetched", feed=str(row.pk), outcome=result.outcome, code=result.code, status=got.status)


def _judge(row: FeedSource, result: FeedFetch, got: fetching.Fetched, file: BinaryIO, now: datetime) -> None:
    if row.off_reason == FeedSource.Off.OPERATOR:
        result.outcome, result.code = Outcome.FAILED, sources.OffByOperations.code
        result.reason = "Operations turned it off while it was fetched."
        return
    if got.status == 304 and not got.error:
        result.outcome = Outcome.UNCHANGED
        return
    if not got.whole:
        result.outcome, result.code = Outcome.FAILED, got.error or "REFUSED"
        result.reason = _REASONS.get(result.code, pictures.REASONS.get(result.code, "")).format(
            status=got.status
        )
        return
    row.etag = got.headers.get("etag", "")[:500]
    row.last_modified = got.headers.get("last-modified", "")[:100]
    if got.sha256 == row.sha256 and _last_was_taken(row):
        result.outcome = Outcome.UNCHANGED
        return
    try:
        # Not the whole address, which may hold a token of the merchant's.
        name = f"feed of {urlsplit(row.url).hostname}"[:255]
        result.job, _ = imports.queue(merchant_id=row.merchant_id, filename=name, file=file, now=now)
    except errors.Refusal as refusal:
        result.outcome, result.code, result.reason = Outcome.FAILED, refusal.code, refusal.text[:300]
        row.etag = row.last_modified = ""
        return
    result.outcome, row.sha256 = Outcome.IMPORTED, got.sha256


_REASONS = {
    "TOO_LARGE": "It is larger than a feed may be.",
    "NO_KEY": "Its password cannot be read any more. Set it again.",
}
