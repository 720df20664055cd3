"""Feeds that are fetched on a schedule: where merchants have them, how often, and with which password."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from catalog import conflicts
from catalog.models import FeedFetch, FeedSource
from commerce import errors, ids, outbox, sealing
from commerce.models import Merchant
from commerce.outside import addresses, fetching

MOST_SOURCES = 20

Off = FeedSource.Off


class UnknownFeed(errors.NotFound):
    """The merchant has no such feed."""

    message = "There is no such feed."


class BadFeedUrl(errors.Invalid):
    """Nothing is fetched from this address; the sentence says why."""

    code = "BAD_FEED_URL"
    message = "Nothing can be fetched from this address."


class BadRhythm(errors.Invalid):
    """It is fetched either every so many minutes or daily at an hour."""

    code = "BAD_RHYTHM"
    message = "Name either every_minutes or daily_at_hour."


class FeedTaken(errors.Conflict):
    """Another feed of the merchant has this address."""

    code = "FEED_TAKEN"
    message = "This address is fetched already."


class TooManyFeeds(errors.Conflict):
    """A merchant has a limited number of feeds that are fetched."""

    code = "TOO_MANY_FEEDS"
    message = f"At most {MOST_SOURCES} feeds are fetched for a merchant. Remove one first."


class FeedOff(errors.Conflict):
    """A feed that is off is not fetched; `reason` says why it is."""

    code = "FEED_OFF"
    message = "This feed is turned off. Turn it on first."


class OffByOperations(errors.Conflict):
    """Operations turned a feed off, and only they turn it on again; till then it stays."""

    code = "FEED_OFF_BY_OPERATIONS"
    message = "Operations turned this feed off. Ask them to turn it on."


_CONFLICTS = {"feed_source_once": FeedTaken}


def of_merchant(*, merchant_id: UUID) -> QuerySet[FeedSource]:
    """Return a merchant's feeds."""
    return FeedSource.objects.filter(merchant_id=merchant_id)


def one(*, merchant_id: UUID, feed_id: UUID) -> FeedSource:
    """Return one of a merchant's feeds; raises UnknownFeed."""
    found = of_merchant(merchant_id=merchant_id).filter(pk=feed_id).first()
    if found is None:
        raise UnknownFeed
    return found


def fetches(*, merchant_id: UUID, feed_id: UUID) -> QuerySet[FeedFetch]:
    """Return the times that a feed was fetched; raises UnknownFeed."""
    source = one(merchant_id=merchant_id, feed_id=feed_id)
    return FeedFetch.objects.filter(merchant_id=merchant_id, source=source)


def last(source: FeedSource) -> FeedFetch | None:
    """Return the last time that a feed was fetched."""
    return source.fetches.order_by("-id").first()


def create(
    *,
    merchant_id: UUID,
    url: str,
    every_minutes: int | None,
    daily_at_hour: int | None,
    username: str,
    password: str,
    enabled: bool,
    now: datetime,
) -> FeedSource:
    """Have a feed fetched from now on, the first time at once.

    Raises BadFeedUrl, BadRhythm, FeedTaken, TooManyFeeds.
    """
    _check(url)
    made = FeedSource(
        id=ids.new(),
        merchant_id=merchant_id,
        url=url,
        every_minutes=every_minutes,
        daily_at_hour=daily_at_hour,
        username=username,
        enabled=enabled,
        off_reason="" if enabled else Off.MERCHANT,
        due_at=now,
        created_at=now,
        updated_at=now,
    )
    _check_rhythm(made)
    made.sealed_password = _sealed(made, password)
    with conflicts.named(_CONFLICTS):
        _turn(merchant_id)
        if of_merchant(merchant_id=merchant_id).count() >= MOST_SOURCES:
            raise TooManyFeeds(limit=MOST_SOURCES)
        _check_free(made)
        made.save(force_insert=True)
    return made


def change(*, merchant_id: UUID, feed_id: UUID, now: datetime, **changes: Any) -> FeedSource:
    """Change a feed: `url`, `every_minutes` or `daily_at_hour`, `username`, `password`, `enabled`.

    Another address does not get the password of the one before, and is fetched at once, as is one that is
    turned on. One that operations turned off stays off, and where it is.

    Raises UnknownFeed, BadFeedUrl, BadRhythm, FeedTaken, OffByOperations.
    """
    with conflicts.named(_CONFLICTS):
        row = lock(merchant_id, feed_id)
        if "url" in changes:
            _turn(merchant_id)  # Behind the row, which who names a version has locked already.
        password = changes.pop("password", None)
        enabled = changes.pop("enabled", row.enabled)
        moves = changes.get("url", row.url) != row.url
        if row.off_reason == Off.OPERATOR and (enabled or moves):
            raise OffByOperations  # One that has moved would leave its address to be sent anew.
        if moves:
            _check(changes["url"])
            row.etag = row.last_modified = row.sha256 = ""
            row.sealed_password, row.username, row.failures, row.due_at = "", "", 0, now
            # Whoever fetches the address before sees that it is another now, and writes nothing.
            row.leased_until = None
            row.fetches.filter(outcome=FeedFetch.Outcome.RUNNING).update(
                outcome=FeedFetch.Outcome.FAILED,
                code="FEED_MOVED",
                reason="Its address was changed while it was fetched.",
                finished_at=now,
            )
        if "every_minutes" in changes or "daily_at_hour" in changes:
            row.every_minutes = row.daily_at_hour = None
        for name, value in changes.items():
            setattr(row, name, value)
        if moves:
            _check_free(row)
        _check_rhythm(row)
        if password is not None:
            row.sealed_password = _sealed(row, password)
        if enabled != row.enabled:
            row.enabled, row.off_reason = enabled, "" if enabled else Off.MERCHANT
            row.failures, row.due_at = 0, now
        row.due_at = min(row.due_at, next_due(row, now))
        row.updated_at = now
        row.save()
    return row


def remove(*, merchant_id: UUID, feed_id: UUID) -> None:
    """Fetch a feed no more; what was imported of it stays. Raises UnknownFeed, OffByOperations."""
    with transaction.atomic():
        row = lock(merchant_id, feed_id)
        if row.off_reason == Off.OPERATOR:
            raise OffByOperations  # Or it would be on again as soon as its address is sent anew.
        row.delete()


def fetch_now(*, merchant_id: UUID, feed_id: UUID, now: datetime) -> FeedSource:
    """Have a feed fetched now; raises UnknownFeed, FeedOff."""
    with transaction.atomic():
        row = lock(merchant_id, feed_id)
        if not row.enabled:
            raise FeedOff(reason=row.off_reason)
        row.due_at = min(row.due_at, now)
        row.save(update_fields=["due_at"])
    return row


def switch(*, feed_id: UUID, enabled: bool, now: datetime) -> bool:
    """Turn a feed on or off for operations; False when it was so already.

    Its merchant is told of one that was on and is off. One that was off for another reason is off for theirs.
    """
    reason = "" if enabled else Off.OPERATOR
    with transaction.atomic():
        row = FeedSource.objects.select_for_update().filter(pk=feed_id).first()
        if row is None or (row.enabled, row.off_reason) == (enabled, reason):
            return False
        was_on, row.enabled, row.off_reason = row.enabled, enabled, reason
        row.failures, row.due_at, row.updated_at = 0, now, now
        row.save(update_fields=["enabled", "off_reason", "failures", "due_at", "updated_at"])
        if was_on:
            payload = {"feed": str(feed_id), "merchant": str(row.merchant_id), "at": now.isoformat()}
            outbox.record(name="feed.off", payload=payload)
    return True


def next_due(source: FeedSource, now: datetime) -> datetime:
    """Return when a feed is due after now: a little late by chance, as not all of them at the same moment."""
    if source.every_minutes:
        pause = source.every_minutes * 60.0
        return now + timedelta(seconds=pause + random.uniform(0, min(pause / 20, 600)))
    at = now.replace(hour=source.daily_at_hour or 0, minute=0, second=0, microsecond=0)
    return (at if at > now else at + timedelta(days=1)) + timedelta(seconds=random.uniform(0, 600))


def password(source: FeedSource) -> str:
    """Return a feed's password, "" for none; raises sealing.CannotOpen."""
    if not source.sealed_password:
        return ""
    return sealing.opened(source.sealed_password, bound_to=f"feed {source.pk}")


def _sealed(source: FeedSource, password: str) -> str:
    return sealing.seal(password, bound_to=f"feed {source.pk}") if password else ""


def _check(url: str) -> None:
    try:
        addresses.read(url, loopback=settings.WEBHOOK_ALLOW_LOOPBACK, longest=fetching.MAX_LENGTH)
    except addresses.NotPublic as error:
        raise BadFeedUrl(str(error)) from error


def _turn(merchant_id: UUID) -> None:
    """Wait until nobody else places a feed of this merchant, and keep it so until the transaction ends."""
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)


def _check_free(source: FeedSource) -> None:
    """Raise FeedTaken where another feed is fetched at the same place, however its address is spelled."""
    others = of_merchant(merchant_id=source.merchant_id).exclude(pk=source.pk)
    if _place(source.url) in map(_place, others.values_list("url", flat=True)):
        raise FeedTaken


def _place(url: str) -> addresses.Target | str:
    try:
        return addresses.read(url, loopback=True, longest=fetching.MAX_LENGTH)
    except addresses.NotPublic:
        return url  # Of a row from when such an address was taken.


def _check_rhythm(source: FeedSource) -> None:
    if (source.every_minutes is None) == (source.daily_at_hour is None):
        raise BadRhythm


def lock(merchant_id: UUID, feed_id: UUID) -> FeedSource:
    """Return a feed, kept from other changes while the transaction lasts; raises UnknownFeed."""
    rows = of_merchant(merchant_id=merchant_id).select_for_update()
    found = rows.filter(pk=feed_id).first()
    if found is None:
        raise UnknownFeed
    return found
