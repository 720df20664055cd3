"""Feeds that are fetched on a schedule, from a real server: once each time, imported when they are others."""

import gzip
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from catalog.feeds import gathering, imports, sources
from catalog.models import FeedFetch, FeedSource, Import
from commerce import clock, sealing
from tests.catalog import make
from tests.catalog.feeds.fetched import HERE, again, gather, source
from tests.commerce.outside.server import Page, Site

pytestmark = pytest.mark.django_db


def test_a_feed_is_fetched_and_imported_and_due_again_an_hour_later(site: Site) -> None:
    row = source(site)

    [fetch] = gather()

    assert (fetch.outcome, fetch.status, fetch.code) == ("imported", 200, "")
    assert fetch.job is not None
    imports.run(import_id=fetch.job.pk, now=make.NOW)
    assert Import.objects.get().products_created == 2
    row.refresh_from_db()
    wait = (row.due_at - clock.database_now()).total_seconds()
    assert 3_590 < wait < 3_790
    assert gather() == []


def test_one_that_says_it_is_unchanged_is_not_imported(site: Site) -> None:
    row = source(site)
    gather()
    site.pages["/feed"] = lambda headers: Page(status=304 if headers.get("if-none-match") == '"one"' else 500)

    fetch = again(row)

    assert (fetch.outcome, fetch.status, fetch.job) == ("unchanged", 304, None)
    assert Import.objects.count() == 1


def test_a_tag_with_letters_of_latin_1_is_sent_back_as_it_came(site: Site) -> None:
    site.pages["/feed"] = Page(make.simple_feed(2), headers={"ETag": '"vé"'})
    row = source(site)
    gather()
    site.pages["/feed"] = lambda headers: Page(status=304 if headers.get("if-none-match") == '"vé"' else 500)

    assert again(row).outcome == "unchanged"


def test_the_same_bytes_are_not_imported_again_though_nothing_says_so(site: Site) -> None:
    row = source(site)
    gather()
    site.pages["/feed"] = Page(make.simple_feed(2))
    assert again(row).outcome == "unchanged"

    site.pages["/feed"] = Page(make.simple_feed(3))
    assert again(row).outcome == "imported"
    assert Import.objects.count() == 2


def test_bytes_whose_import_failed_are_looked_at_again(site: Site) -> None:
    row = source(site)
    gather()
    Import.objects.update(status="failed")

    assert again(row).outcome == "imported"
    assert "if-none-match" not in site.asked[1][1]


def test_a_packed_feed_is_unpacked_and_a_bomb_is_not(site: Site, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 100_000
    site.pages["/packed"] = Page(gzip.compress(make.simple_feed(2)))
    site.pages["/bomb"] = Page(gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    source(site, "/packed")
    source(site, "/bomb")

    assert sorted((fetch.outcome, fetch.code) for fetch in gather()) == [
        ("failed", "TOO_LARGE"),
        ("imported", ""),
    ]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Page(status=404), "REFUSED"),
        (Page(b""), "EMPTY_FEED"),
        (Page(status=302, headers={"Location": "https://169.254.169.254/"}), "NOT_PUBLIC"),
        (Page(status=302, headers={"Location": "/feed"}), "TOO_MANY_REDIRECTS"),
    ],
)
def test_what_cannot_be_taken_says_why(site: Site, page: Page, code: str) -> None:
    site.pages["/feed"] = page
    row = source(site)

    [fetch] = gather()

    assert (fetch.outcome, fetch.code, bool(fetch.reason)) == ("failed", code, True)
    row.refresh_from_db()
    assert (row.failures, row.enabled, row.leased_until) == (1, True, None)


def test_only_the_same_address_is_called_taken(site: Site) -> None:
    row, now = source(site), clock.database_now()
    with pytest.raises(sources.FeedTaken):
        source(site, merchant_id=row.merchant_id)
    other = source(site, "/other", merchant_id=row.merchant_id)
    with pytest.raises(sources.FeedTaken):
        sources.change(merchant_id=row.merchant_id, feed_id=other.pk, now=now, url=row.url)
    # What else the database refuses is no address that is taken, and is not called one.
    with pytest.raises(IntegrityError, match="feed_source_one_rhythm"):
        source(site, "/third", merchant_id=row.merchant_id, every_minutes=1)
    with pytest.raises(IntegrityError, match="feed_source_one_rhythm"):
        sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, every_minutes=1)


def test_an_address_is_taken_however_it_is_spelled(site: Site) -> None:
    row, now = source(site), clock.database_now()
    other = source(site, "/other", merchant_id=row.merchant_id)
    sources.switch(feed_id=row.pk, enabled=False, now=now)
    for path, url in (("/feed?", f"{row.url}?"), ("/feed", row.url.replace("http://", "HTTP://"))):
        with pytest.raises(sources.FeedTaken):
            source(site, path, merchant_id=row.merchant_id)
        with pytest.raises(sources.FeedTaken):
            sources.change(merchant_id=row.merchant_id, feed_id=other.pk, now=now, url=url)
    # The feed itself may be spelled in another way, and another path or query is another feed.
    for each in (f"{other.url}?", f"{other.url}?of=shoes"):
        assert sources.change(merchant_id=row.merchant_id, feed_id=other.pk, now=now, url=each).url == each


def test_a_password_is_sent_and_is_nowhere_to_be_read(site: Site) -> None:
    row = source(site, username="me", password="open sesame")

    gather()

    assert site.asked[0][1]["authorization"] == "Basic bWU6b3BlbiBzZXNhbWU="
    assert "sesame" not in row.sealed_password
    with pytest.raises(sealing.CannotOpen):
        sealing.opened(row.sealed_password, bound_to="feed of somebody else")


def test_a_password_whose_key_is_gone_is_told_as_such(site: Site, settings: Any) -> None:
    source(site, password="open sesame")
    settings.WEBHOOK_KEYS = ["another key"]

    [fetch] = gather()

    assert (fetch.code, site.asked) == ("NO_KEY", [])


def test_another_address_does_not_get_the_password(site: Site) -> None:
    row = source(site, username="me", password="open sesame")
    changed = sources.change(
        merchant_id=row.merchant_id, feed_id=row.pk, now=clock.database_now(), url=site.url("/other")
    )
    assert (changed.username, changed.sealed_password) == ("", "")


def test_a_worker_that_was_killed_leaves_it_to_the_next_and_writes_nothing_later(site: Site) -> None:
    row = source(site)
    [lost] = gathering.claim(limit=10, now=clock.database_now())
    assert gather() == []

    FeedSource.objects.update(leased_until=clock.database_now())
    [fetch] = gather()
    gathering.fetch(lost, clock=clock.database_now, by=HERE)

    assert fetch.outcome == "imported"
    assert FeedFetch.objects.get(pk=lost.fetch_id).code == "LOST"
    assert Import.objects.count() == 1
    assert row.fetches.count() == 2


def test_another_address_is_fetched_at_once_though_the_one_before_is_being_fetched(site: Site) -> None:
    row, now = source(site), clock.database_now()
    [before] = gathering.claim(limit=10, now=now)
    site.pages["/other"] = site.pages["/feed"]
    sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, url=site.url("/other"))

    [fetch] = gather()
    gathering.fetch(before, clock=clock.database_now, by=HERE)

    assert fetch.outcome == "imported"
    assert Import.objects.count() == 1


def test_a_feed_that_moves_while_it_is_fetched_has_not_failed(site: Site) -> None:
    row = source(site)
    site.pages["/other"] = Page(make.simple_feed(3))
    [claimed] = gathering.claim(limit=10, now=clock.database_now())
    sources.change(
        merchant_id=row.merchant_id, feed_id=row.pk, now=clock.database_now(), url=site.url("/other")
    )
    [there] = gather()
    gathering.fetch(claimed, clock=clock.database_now, by=HERE)

    before = FeedFetch.objects.get(pk=claimed.fetch_id)
    assert (before.outcome, before.code, before.job) == ("failed", "FEED_MOVED", None)
    row.refresh_from_db()
    assert (there.outcome, row.failures, Import.objects.count()) == ("imported", 0, 1)


def test_a_daily_one_is_due_at_its_hour(site: Site) -> None:
    row = FeedSource(daily_at_hour=3)
    now = make.NOW.replace(hour=2, minute=59)
    assert timedelta(0) < sources.next_due(row, now) - now < timedelta(minutes=12)
    assert timedelta(hours=23) < sources.next_due(row, now.replace(hour=4)) - now < timedelta(hours=25)


def two_beats(site: Site) -> list[int]:
    """Let two claim at once; returns how many each got."""
    got: list[int] = []
    together = threading.Barrier(2)

    def beat() -> None:
        together.wait()
        got.append(len(gathering.claim(limit=10, now=clock.database_now())))
        connection.close()

    threads = [threading.Thread(target=beat) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(got)


@pytest.mark.django_db(transaction=True)
def test_two_beats_fetch_once(site: Site) -> None:
    source(site)

    assert two_beats(site) == [0, 1]
    assert FeedFetch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_both_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.models import QuerySet

    both = threading.Barrier(2, timeout=10)
    real = QuerySet.__getitem__

    def unlocked(rows: Any, **_: Any) -> Any:
        return rows.all()

    def slowly(rows: Any, at: Any) -> Any:
        found = real(rows, at)
        if rows.model is FeedSource and isinstance(at, slice):
            found = list(found)
            both.wait()
        return found

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    monkeypatch.setattr(QuerySet, "__getitem__", slowly)
    source(site)

    assert two_beats(site) == [1, 1]
