"""Feeds of a merchant, and fetching those that are due from a real server."""

from typing import Any

from catalog.feeds import gathering, sources
from catalog.models import FeedFetch, FeedSource
from commerce import clock
from commerce.outside.fetching import Client
from tests.catalog import make
from tests.commerce.outside.server import Site

HERE = Client(loopback=True, seconds=10)


def source(site: Site, path: str = "/feed", **said: Any) -> FeedSource:
    given: dict[str, Any] = {"every_minutes": 60, "daily_at_hour": None, "username": "", "password": ""}
    given |= {"merchant_id": make.merchant().pk, "enabled": True, "now": clock.database_now(), **said}
    return sources.create(url=site.url(path), **given)


def gather(by: Client = HERE) -> list[FeedFetch]:
    claimed = gathering.claim(limit=10, now=clock.database_now())
    for each in claimed:
        gathering.fetch(each, clock=clock.database_now, by=by)
    return list(FeedFetch.objects.filter(pk__in=[each.fetch_id for each in claimed]))


def again(row: FeedSource) -> FeedFetch:
    sources.fetch_now(merchant_id=row.merchant_id, feed_id=row.pk, now=clock.database_now())
    [fetch] = gather()
    return fetch
