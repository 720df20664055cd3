"""A merchant's system pages through what has changed, while it changes, and misses nothing."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from catalog import products
from catalog.models import Product, Variant
from catalog.pricing import prices
from catalog.shelf import stock
from commerce import horizon
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = "2000-01-01T00:00:00Z"


@pytest.fixture
def mine() -> list[Variant]:
    seller = make.merchant()
    return [make.variant(seller, handle=f"h{n}", sku=f"s{n}") for n in range(6)]


@pytest.fixture
def api(mine: list[Variant]) -> Api:
    return Api(mine[0].merchant)


def touch(one: Variant, title: str = "New") -> None:
    products.change(merchant_id=one.merchant_id, product_id=one.product_id, changes={"title": title}, now=NOW)


def followed(
    api: Api, kind: str, since: str, meanwhile: Callable[[int], None] = lambda page: None
) -> list[dict[str, Any]]:
    """Return all rows of all pages of two, with something done after each page."""
    rows: list[dict[str, Any]] = []
    url, page = f"{kind}?updated_since={since}&page_size=2", 0
    while url:
        reply = api.get(url)
        assert (reply.status, reply.body["previous"]) == (200, None)
        rows += reply.body["results"]
        page += 1
        meanwhile(page)
        url = reply.body["next"]
    return rows


def test_what_changes_between_pages_is_seen_behind_them(api: Api, mine: list[Variant]) -> None:
    def meanwhile(page: int) -> None:
        if page == 1:
            for one in (mine[0], mine[3]):  # One that was seen and one that was to come.
                touch(one)

    rows = followed(api, "products", LONG_AGO, meanwhile)
    assert [row["handle"] for row in rows] == ["h0", "h1", "h2", "h4", "h5", "h0", "h3"]
    assert [row["title"] for row in rows[-2:]] == ["New", "New"]
    stamps = [row["updated_at"] for row in rows]
    assert stamps == sorted(stamps)


def test_going_on_from_the_last_that_was_seen_misses_nothing(api: Api, mine: list[Variant]) -> None:
    last = followed(api, "products", LONG_AGO)[-1]["updated_at"]
    assert [row["handle"] for row in followed(api, "products", last)] == ["h5"]
    products.change_variant(
        merchant_id=api.merchant.pk, variant_id=mine[2].pk, changes={"barcode": "1"}, now=NOW
    )
    assert [row["handle"] for row in followed(api, "products", last)] == ["h5", "h2"]


def test_variants_are_followed_with_their_prices_and_without_stock(api: Api, mine: list[Variant]) -> None:
    last = followed(api, "variants", LONG_AGO)[-1]["updated_at"]
    quote = {mine[1].pk: prices.Quote(555, None, "EUR")}
    prices.change_many(merchant_id=api.merchant.pk, quotes=quote, now=timezone.now())
    stock.take(units={mine[3].pk: 1}, now=NOW)
    rows = followed(api, "variants", last)
    assert [row["sku"] for row in rows] == ["s5", "s1"]
    assert rows[1]["price"]["amount"] == 555


def test_rows_of_one_moment_are_neither_lost_nor_shown_twice(api: Api, mine: list[Variant]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_product DISABLE TRIGGER catalog_product_stamp")
        cursor.execute("UPDATE catalog_product SET updated_at = '2020-01-01T00:00:00Z'")
        cursor.execute("ALTER TABLE catalog_product ENABLE TRIGGER catalog_product_stamp")
    assert len(Product.objects.values("updated_at").distinct()) == 1
    rows = followed(api, "products", LONG_AGO)
    assert [row["handle"] for row in rows] == [f"h{n}" for n in range(6)]


class Late:
    """Somebody who has written and has not committed yet."""

    def __init__(self, one: Variant) -> None:
        self._written, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, args=(one,))
        self._thread.start()
        assert self._written.wait(20)

    def _work(self, one: Variant) -> None:
        try:
            with transaction.atomic():
                touch(one)
                self._written.set()
                assert self._go.wait(20)
        finally:
            connection.close()

    def commit(self) -> None:
        self._go.set()
        self._thread.join(20)


def seen_around_a_late_commit(api: Api, mine: list[Variant]) -> list[str]:
    """Follow from the last that was seen, while one commits later than another who wrote later."""
    last = followed(api, "products", LONG_AGO)[-1]["updated_at"]
    late = Late(mine[1])
    try:
        touch(mine[4])
        first = followed(api, "products", last)
    finally:
        late.commit()
    last = first[-1]["updated_at"] if first else last
    return [row["handle"] for row in first + followed(api, "products", last) if row["title"] == "New"]


def test_who_commits_late_is_not_missed(api: Api, mine: list[Variant]) -> None:
    assert seen_around_a_late_commit(api, mine) == ["h1", "h4"]


def test_control_without_the_horizon_who_commits_late_is_missed(
    api: Api, mine: list[Variant], monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_that_is_seen_now() -> datetime:
        return datetime.max.replace(tzinfo=NOW.tzinfo)

    monkeypatch.setattr(horizon, "moment", all_that_is_seen_now)
    assert "h1" not in seen_around_a_late_commit(api, mine)


@pytest.mark.parametrize(
    "query",
    [
        "updated_since=yesterday",
        "updated_since=",
        f"updated_since={LONG_AGO}&cursor=bm8=",
        f"updated_since={LONG_AGO}&cursor=QDE6Yg==",
        f"updated_since={LONG_AGO}&page_size=0",
    ],
)
def test_what_cannot_be_followed_is_refused(api: Api, query: str) -> None:
    for kind in ("products", "variants"):
        assert api.get(f"{kind}?{query}").status == 400
