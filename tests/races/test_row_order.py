"""Writers of a merchant's rows take them in one order, whatever was sent: no two wait in a circle."""

from typing import Any

import pytest
from django.db import transaction

from catalog import products
from catalog.feeds import sources
from catalog.models import FeedSource, Product
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW
from tests.orders.threads import comes_to_wait
from tests.races.test_cohosts import ended, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def is_free(row: Product | Merchant) -> bool:
    rows = type(row)._default_manager.select_for_update(no_key=True, skip_locked=True)
    return rows.filter(pk=row.pk).exists()


def test_a_batch_locks_products_in_their_order_whichever_of_them_it_names_a_version_of() -> None:
    seller = make.merchant()
    first, last = sorted((make.product(seller, handle=name) for name in "ab"), key=lambda row: row.pk)
    api, replies = Api(seller), list[Any]()
    rows = [{"handle": first.handle, "title": "New"}, {"handle": last.handle, "title": "New", "version": 1}]
    with transaction.atomic():
        products.lock(merchant_id=seller.pk, product_id=first.pk)
        thread, _ = meanwhile(lambda: replies.append(api.post("products/batch", {"products": rows})))
        assert comes_to_wait()
        assert is_free(last)
    ended(thread)
    assert [row["result"] for row in replies[0].body["rows"]] == ["updated", "updated"]


def test_a_feed_is_locked_before_its_merchant_as_by_who_names_its_version() -> None:
    seller = make.merchant()
    feed = sources.create(
        merchant_id=seller.pk,
        url="https://shop.example.com/a.csv",
        every_minutes=60,
        daily_at_hour=None,
        username="",
        password="",
        enabled=True,
        now=NOW,
    )
    moved = {"url": "https://shop.example.com/b.csv"}
    with transaction.atomic():
        sources.lock(seller.pk, feed.pk)
        thread, outcome = meanwhile(
            lambda: sources.change(merchant_id=seller.pk, feed_id=feed.pk, now=NOW, **moved)
        )
        assert comes_to_wait()
        assert is_free(seller)
    ended(thread)
    assert (outcome, FeedSource.objects.get().url) == ([], moved["url"])
