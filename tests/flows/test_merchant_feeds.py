"""A merchant's fetched feeds through the API."""

from typing import Any

import pytest

from catalog.models import FeedSource
from tests.catalog import make
from tests.catalog.api import Api

pytestmark = pytest.mark.django_db

FEED: dict[str, Any] = {"url": "https://shop.example.com/feed.xml", "every_minutes": 60}


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


def test_a_feed_is_made_read_changed_fetched_and_removed(api: Api) -> None:
    made = api.post("feeds", {**FEED, "username": "me", "password": "open sesame"})
    assert (made.status, made.body["has_password"], made.body["enabled"]) == (201, True, True)
    assert "sesame" not in str(made.body)
    at = f"feeds/{made.body['id']}"

    daily = api.patch(at, {"daily_at_hour": 3}).body
    assert (daily["every_minutes"], daily["daily_at_hour"]) == (None, 3)
    assert api.post(f"{at}/fetch").status == 202
    off = api.patch(at, {"enabled": False}).body
    assert (off["off_reason"], off["due_at"]) == ("merchant", None)
    assert api.post(f"{at}/fetch").code == "FEED_OFF"
    assert api.get(f"{at}/fetches").body["results"] == []
    assert [one["id"] for one in api.get("feeds").body["results"]] == [made.body["id"]]
    assert api.call("DELETE", at).status == 204
    assert api.get(at).code == "NOT_FOUND"
    assert not FeedSource.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "http://shop.example.com/feed"}, "BAD_FEED_URL"),
        ({"url": "https://10.0.0.1/feed"}, "BAD_FEED_URL"),
        ({"url": "https://me:word@shop.example.com/feed"}, "BAD_FEED_URL"),
        ({"every_minutes": None}, "BAD_RHYTHM"),
        ({"daily_at_hour": 3}, "BAD_RHYTHM"),
        ({"every_minutes": 14}, "BAD_REQUEST"),
        ({"every_minutes": 10_081}, "BAD_REQUEST"),
        ({"every_minutes": "60"}, "BAD_REQUEST"),
        ({"colour": "red"}, "BAD_REQUEST"),
    ],
)
def test_bad_feeds_are_refused(api: Api, change: dict[str, Any], code: str) -> None:
    assert api.post("feeds", {**FEED, **change}).code == code
    assert not FeedSource.objects.exists()


def test_an_address_is_fetched_once_and_only_so_many_are(api: Api) -> None:
    api.post("feeds", FEED)
    assert api.post("feeds", FEED).code == "FEED_TAKEN"
    for n in range(19):
        assert api.post("feeds", {**FEED, "url": f"{FEED['url']}?{n}"}).status == 201
    assert api.post("feeds", {**FEED, "url": f"{FEED['url']}?20"}).code == "TOO_MANY_FEEDS"
    assert Api(make.merchant()).post("feeds", FEED).status == 201
