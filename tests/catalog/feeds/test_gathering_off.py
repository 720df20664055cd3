"""Feeds that are off: by their merchant, by operations, by failing; who is told, and who turns them on."""

from datetime import timedelta

import orjson
import pytest
from django.core import mail

from catalog import hearers, telling
from catalog.feeds import gathering, notices, sources
from catalog.models import FeedFetch, FeedSource, Import
from commerce import clock
from commerce.models import Event, Merchant, WebhookMessage
from commerce.webhooks import endpoints
from tests.catalog import make
from tests.catalog.feeds.fetched import HERE, again, gather, source
from tests.commerce.outside.server import Page, Site

pytestmark = pytest.mark.django_db


def test_what_operations_turn_off_while_it_is_fetched_is_not_imported(site: Site) -> None:
    row = source(site)

    [claimed] = gathering.claim(limit=10, now=clock.database_now())
    sources.switch(feed_id=row.pk, enabled=False, now=clock.database_now())
    gathering.fetch(claimed, clock=clock.database_now, by=HERE)

    fetch = FeedFetch.objects.get(pk=claimed.fetch_id)
    assert (fetch.outcome, fetch.code, fetch.job) == ("failed", "FEED_OFF_BY_OPERATIONS", None)
    assert not Import.objects.exists()
    # Turned on, it is fetched and imported as if nothing had been seen of it.
    sources.switch(feed_id=row.pk, enabled=True, now=clock.database_now())
    [fetch] = gather()
    assert fetch.outcome == "imported"


def test_ten_failures_in_a_row_turn_it_off_and_its_merchant_is_told(site: Site) -> None:
    from commerce.models import MerchantMember, User

    site.pages["/feed"] = Page(status=500)
    row = source(site)
    user = User.objects.create_user("shop@example.com", "a long enough password", name="Shop")
    MerchantMember.objects.create(merchant=row.merchant, user=user)
    for _ in range(gathering.MOST_FAILURES):
        again(row)

    row.refresh_from_db()
    assert (row.enabled, row.off_reason) == (False, "failing")
    with pytest.raises(sources.FeedOff):
        again(row)
    assert Event.objects.filter(name="feed.off").count() == 1
    assert notices.feed_off(feed_id=row.pk) == 1
    assert str(row.pk) in mail.outbox[0].body
    assert row.url not in mail.outbox[0].body


def test_a_merchant_s_systems_are_told_once_of_a_feed_that_is_turned_off(site: Site) -> None:
    site.pages["/feed"] = Page(status=500)
    row = source(site)
    long_ago = clock.database_now() - timedelta(days=1)
    for owner in (row.merchant, make.merchant()):
        endpoints.create(
            merchant_id=owner.pk,
            url="https://hooks.example.com/",
            description="",
            event_types=[],
            now=long_ago,
        )
    for _ in range(gathering.MOST_FAILURES):
        again(row)
    event = Event.objects.get(name="feed.off")
    # It is told though the merchant has turned it on again since.
    sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=clock.database_now(), enabled=True)

    for _ in range(2):
        telling.tell_feed_off(fetch_id=event.payload["fetch"])

    told = WebhookMessage.objects.get()
    data = orjson.loads(told.body)["data"]
    assert (told.merchant_id, told.type, told.object_id) == (row.merchant_id, "feed.disabled", str(row.pk))
    assert (data["id"], data["reason"]) == (str(row.pk), "failing")
    assert (data["last_fetch"]["code"], data["last_fetch"]["status"]) == ("REFUSED", 500)
    assert row.url not in told.body


def test_a_merchant_s_systems_and_people_are_told_once_of_a_feed_that_operations_turn_off(site: Site) -> None:
    from commerce.models import MerchantMember, User

    row, other = source(site), make.merchant()
    long_ago = clock.database_now() - timedelta(days=1)
    for owner in (row.merchant, other):
        endpoints.create(
            merchant_id=owner.pk,
            url="https://hooks.example.com/",
            description="",
            event_types=[],
            now=long_ago,
        )
    user = User.objects.create_user("shop@example.com", "a long enough password", name="Shop")
    MerchantMember.objects.create(merchant=row.merchant, user=user)
    assert sources.switch(feed_id=row.pk, enabled=False, now=clock.database_now())
    assert not sources.switch(feed_id=row.pk, enabled=False, now=clock.database_now())
    event = Event.objects.get(name="feed.off")

    for _ in range(2):
        hearers.tell_feed_off(event.payload, key=event.key)

    told = WebhookMessage.objects.get()
    data = orjson.loads(told.body)["data"]
    assert (told.merchant_id, told.type, told.object_id) == (row.merchant_id, "feed.disabled", str(row.pk))
    assert data == {"id": str(row.pk), "reason": "operator", "last_fetch": None}
    assert row.url not in told.body
    mail.outbox.clear()
    assert notices.feed_off(feed_id=row.pk) == 1
    assert "turned off by operations" in mail.outbox[0].body
    assert "ask us" in mail.outbox[0].body
    assert "PATCH" not in mail.outbox[0].body

    # Turned on it is no news; turned off another time it is.
    sources.switch(feed_id=row.pk, enabled=True, now=clock.database_now())
    sources.switch(feed_id=row.pk, enabled=False, now=clock.database_now())
    event = Event.objects.filter(name="feed.off").latest("id")
    hearers.tell_feed_off(event.payload, key=event.key)
    assert WebhookMessage.objects.count() == 2


def test_a_feed_that_its_merchant_had_turned_off_is_no_news_when_operations_do(site: Site) -> None:
    row, now = source(site), clock.database_now()
    sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, enabled=False)
    assert sources.switch(feed_id=row.pk, enabled=False, now=now)
    assert not Event.objects.filter(name="feed.off").exists()
    # But from then on it is for operations to turn it on.
    assert not sources.switch(feed_id=row.pk, enabled=False, now=now)
    with pytest.raises(sources.OffByOperations):
        sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, enabled=True)


def test_a_success_begins_the_count_anew(site: Site) -> None:
    row = source(site)
    FeedSource.objects.update(failures=9)
    gather()
    row.refresh_from_db()
    assert row.failures == 0


def test_what_ends_its_workers_time_and_again_is_turned_off_like_any_failure(site: Site) -> None:
    row = source(site)
    for _ in range(gathering.MOST_FAILURES):
        [_claimed] = gathering.claim(limit=10, now=clock.database_now())
        FeedSource.objects.update(leased_until=clock.database_now())
    assert gathering.claim(limit=10, now=clock.database_now()) == []

    row.refresh_from_db()
    assert (row.enabled, row.off_reason, row.failures) == (False, "failing", gathering.MOST_FAILURES)
    last = row.fetches.order_by("-id")[0]
    assert (last.code, row.fetches.count()) == ("LOST", gathering.MOST_FAILURES)
    assert Event.objects.get(name="feed.off").payload["fetch"] == str(last.pk)


def test_feeds_of_a_merchant_who_is_not_active_are_not_fetched(site: Site) -> None:
    row = source(site)
    Merchant.objects.update(is_active=False)
    assert gather() == []

    Merchant.objects.filter(pk=row.merchant_id).update(is_active=True)
    assert [fetch.outcome for fetch in gather()] == ["imported"]


def test_what_operations_turned_off_its_merchant_can_neither_turn_on_nor_send_anew(site: Site) -> None:
    row, now = source(site), clock.database_now()
    sources.switch(feed_id=row.pk, enabled=False, now=now)

    with pytest.raises(sources.OffByOperations):
        sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, enabled=True)
    with pytest.raises(sources.OffByOperations):
        sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, url=f"{row.url}2")
    with pytest.raises(sources.OffByOperations):
        sources.remove(merchant_id=row.merchant_id, feed_id=row.pk)
    sources.change(merchant_id=row.merchant_id, feed_id=row.pk, now=now, every_minutes=30)
    row.refresh_from_db()
    assert (row.enabled, row.off_reason, row.every_minutes) == (False, "operator", 30)

    sources.switch(feed_id=row.pk, enabled=True, now=now)
    assert len(gather()) == 1
