"""Feeds that are fetched, in the merchant admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.feeds import sources
from catalog.models import FeedFetch, FeedSource, Import
from commerce.models import Merchant
from tests.catalog import make
from tests.deskfolk import NOW, client_of

pytestmark = pytest.mark.django_db

URL = "https://shop.example.com/feed.csv"


@pytest.fixture
def shop() -> Merchant:
    return make.merchant()


def text(client: Client, address: str = "feeds/") -> str:
    answer = client.get(f"/merchant/{address}")
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


def send(client: Client, merchant: Merchant, address: str = "feeds/", **form: Any) -> Any:
    return client.post(f"/merchant/{address}", {"merchant": str(merchant.pk), **form}, follow=True)


def made(client: Client, shop: Merchant, **form: Any) -> FeedSource:
    answer = send(client, shop, **{"url": URL, "rhythm": "60", **form})
    assert answer.status_code == 200, answer.content.decode()
    return FeedSource.objects.get()


def test_a_feed_is_named_changed_paused_fetched_and_removed(shop: Merchant) -> None:
    client = client_of(shop)
    assert "No feed is fetched" in text(client)
    row = made(client, shop, username="ana", password=" secret ")
    assert (row.every_minutes, sources.password(row)) == (60, " secret ")
    here = f"feeds/{row.pk}/"
    page = text(client, here)
    assert "There is one." in page and " secret " not in page

    send(client, shop, here, url=URL, rhythm="at 4", username="ana", password="")
    row.refresh_from_db()
    assert (row.every_minutes, row.daily_at_hour, sources.password(row)) == (None, 4, " secret ")
    send(client, shop, here, url=f"{URL}?2", rhythm="at 4", username="", password="")
    row.refresh_from_db()
    assert row.sealed_password == ""

    send(client, shop, f"{here}switch/", enabled="no")
    row.refresh_from_db()
    assert (row.enabled, row.off_reason) == (False, "merchant")
    assert "Paused" in text(client)
    refused = send(client, shop, f"{here}fetch/")
    assert "turned off" in refused.content.decode()
    send(client, shop, f"{here}switch/", enabled="yes")
    later = timezone.now() + timedelta(hours=9)
    FeedSource.objects.update(due_at=later)
    send(client, shop, f"{here}fetch/")
    row.refresh_from_db()
    assert row.enabled
    assert row.due_at < later
    send(client, shop, f"{here}remove/")
    assert not FeedSource.objects.exists()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"url": ""}, "This field is required"),
        ({"url": "http://127.0.0.1/x", "rhythm": "60"}, 'role="alert"'),
        ({"url": URL, "rhythm": "7"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_fetched_is_refused_in_the_form(
    shop: Merchant, form: dict[str, str], words: str
) -> None:
    answer = send(client_of(shop), shop, **{"rhythm": "60", **form})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not FeedSource.objects.exists()


def test_an_address_twice_is_refused_in_words(shop: Merchant) -> None:
    client = client_of(shop)
    made(client, shop)
    again = send(client, shop, url=URL, rhythm="60")
    assert (again.status_code, "fetched already" in again.content.decode()) == (400, True)


def test_what_came_of_it_is_told_with_the_import_and_its_problems(shop: Merchant) -> None:
    client = client_of(shop)
    row = made(client, shop)
    job = Import.objects.create(merchant=shop, sha256="x", status="done", finished_at=NOW, problems_count=3)
    for more in (
        {"outcome": "imported", "job": job, "bytes": 2048},
        {"outcome": "failed", "code": "REFUSED", "reason": "The host answered no.", "status": 404},
    ):
        FeedFetch.objects.create(merchant=shop, source=row, started_at=NOW, finished_at=NOW, **more)
    page = text(client, f"feeds/{row.pk}/")
    for words in (f"/merchant/imports/{job.pk}/", ">3<", "The host answered no.", "the host said 404"):
        assert words in page, words


def test_a_feed_that_failed_too_often_waits_and_one_that_operations_turned_off_stays_off(
    shop: Merchant,
) -> None:
    client = client_of(shop)
    row = made(client, shop)
    FeedSource.objects.update(enabled=False, off_reason="failing", failures=10)
    assert "feed is not fetched any more" in text(client, "")
    assert "it failed too often" in text(client)
    FeedSource.objects.update(off_reason="operator")
    page = text(client, f"feeds/{row.pk}/")
    assert "Turned off by Yellowcart" in page and "Go on" not in page and "Remove" not in page
    for step in ("switch", "remove"):
        refused = send(client, shop, f"feeds/{row.pk}/{step}/", enabled="yes")
        assert "Operations turned this feed off" in refused.content.decode(), step


def test_the_list_costs_the_same_however_long_it_is(shop: Merchant) -> None:
    client = client_of(shop)

    def more(count: int) -> int:
        for _ in range(count):
            n = FeedSource.objects.count()
            row = FeedSource.objects.create(merchant=shop, url=f"{URL}?{n}", every_minutes=60, due_at=NOW)
            FeedFetch.objects.create(merchant=shop, source=row, started_at=NOW)
        text(client)
        with CaptureQueriesContext(connection) as asked:
            text(client)
        return len(asked)

    assert more(1) == more(4)
