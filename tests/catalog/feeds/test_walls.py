"""A fetch is of its merchant's feed and import: the database says so, whoever did not look."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from catalog.feeds import sources
from catalog.models import FeedFetch, FeedSource
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


def source(of: Merchant) -> FeedSource:
    return sources.create(
        merchant_id=of.pk,
        url="https://shop.example.com/feed",
        every_minutes=60,
        daily_at_hour=None,
        username="",
        password="",
        enabled=True,
        now=NOW,
    )


def mixed(which: str) -> FeedFetch:
    """Write a fetch with another merchant's feed, or import."""
    mine, theirs = make.merchant(), make.merchant()
    row: dict[str, Any] = {"source": source(mine), "job": make.import_of(mine, make.simple_feed(1))}
    row[which] = source(theirs) if which == "source" else make.import_of(theirs, make.simple_feed(1))
    return FeedFetch.objects.create(merchant=mine, started_at=NOW, **row)


@pytest.mark.parametrize("which", ["source", "job"])
def test_a_fetch_names_nothing_of_another_merchant(which: str) -> None:
    with pytest.raises(IntegrityError, match=f"{which}_same_merchant"), transaction.atomic():
        mixed(which)


@pytest.mark.parametrize("which", ["source", "job"])
def test_control_without_the_key_it_does(which: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE catalog_feedfetch DROP CONSTRAINT catalog_feedfetch_{which}_same_merchant"
        )

    made = mixed(which)

    assert FeedFetch.objects.get() == made
