"""Little is left: told once when it falls so far, from whatever, and again only after it had risen."""

import io
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog import bundles, queries, telling
from catalog.feeds import imports
from catalog.models import LowStock, Variant
from catalog.shelf import stock, thresholds
from commerce import clock
from commerce.models import Event, WebhookMessage
from commerce.relay import Relay
from commerce.webhooks import endpoints
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Any:
    """A merchant whose system listens to that alone."""
    made = make.merchant()
    endpoints.create(
        merchant_id=made.pk,
        url="https://hooks.example.com/",
        description="",
        event_types=["stock.low"],
        now=clock.database_now() - timedelta(days=1),
    )
    return made


def relay() -> None:
    """Bring the catalog's hearers what has been recorded, as the relay does, twice."""
    hearers = Relay(settings.SUBSCRIPTIONS).hearers
    for event in Event.objects.filter(delivered_at=None).order_by("id"):
        for hearer in hearers.get(event.name, ()):
            if hearer.__module__ == "catalog.hearers" and hearer.__name__ in ("tell_stock", "tell_low"):
                hearer(event.payload, key=event.key)
                hearer(event.payload, key=event.key)
    Event.objects.update(delivered_at=NOW)


def told() -> list[tuple[str, int]]:
    """Return what was told: the SKU, and what was left."""
    bodies = [orjson.loads(row.body) for row in WebhookMessage.objects.order_by("id")]
    assert {body["type"] for body in bodies} <= {"stock.low"}
    return [(body["data"]["sku"], body["data"]["available"]) for body in bodies]


def low_at(one: Variant, units: int | None) -> None:
    thresholds.set_threshold(merchant_id=one.merchant_id, variant_id=one.pk, low_at=units, now=NOW)
    relay()


def level(one: Variant, available: int) -> None:
    stock.set_level(merchant_id=one.merchant_id, variant_id=one.pk, available=available, note="", now=NOW)
    relay()


def test_it_is_told_once_and_again_after_it_had_risen(seller: Any) -> None:
    one = make.variant(seller, stocked=10, sku="RED")
    low_at(one, 5)
    for available in (6, 5, 4, 5, 0):
        level(one, available)
    assert told() == [("RED", 5)]
    [row] = WebhookMessage.objects.all()
    data = orjson.loads(row.body)["data"]
    assert data == {"variant": str(one.pk), "sku": "RED", "available": 5, "low_at": 5}
    for available in (6, 3):
        level(one, available)
    assert told() == [("RED", 5), ("RED", 3)]


def test_without_a_threshold_nothing_is_told(seller: Any) -> None:
    one = make.variant(seller, stocked=10, sku="RED")
    level(one, 0)
    low_at(one, 5)
    low_at(one, None)
    level(one, 10)
    level(one, 0)
    assert told() == []


def test_what_is_low_when_it_is_said_is_told_after_it_had_risen(seller: Any) -> None:
    one = make.variant(seller, stocked=3, sku="RED")
    low_at(one, 5)
    level(one, 2)
    assert told() == []
    level(one, 6)
    level(one, 5)
    assert told() == [("RED", 5)]
    low_at(one, 8)
    low_at(one, None)
    low_at(one, 8)
    level(one, 9)
    level(one, 8)
    assert told() == [("RED", 5), ("RED", 8)]


def test_what_falls_while_it_is_said_is_told(seller: Any) -> None:
    one = make.variant(seller, stocked=10, sku="RED")
    thresholds.set_threshold(merchant_id=seller.pk, variant_id=one.pk, low_at=5, now=NOW)
    # It was sold, and that told, before anybody could see the threshold.
    stock.set_level(merchant_id=seller.pk, variant_id=one.pk, available=4, note="", now=NOW)
    Event.objects.filter(name="stock.moved").delete()
    relay()
    assert told() == [("RED", 4)]


def from_an_adjustment(one: Variant) -> None:
    stock.adjust(merchant_id=one.merchant_id, variant_id=one.pk, delta=-6, note="broken", now=NOW)


def from_a_batch(one: Variant) -> None:
    api = Api(one.merchant)
    assert api.post("stock/batch", {"stock": [{"sku": one.sku, "available": 4}]}).body["updated"] == 1


def from_a_location(one: Variant) -> None:
    api = Api(one.merchant)
    for code in ("main", "berlin"):
        api.post("locations", {"code": code, "name": code})
    path = f"variants/{one.pk}/stock"
    api.post(
        "stock/transfers",
        {"from_location": "main", "to_location": "berlin", "lines": [{"sku": one.sku, "units": 6}]},
    )
    assert api.put(path, {"available": 0, "location": "berlin"}).body["available"] == 4


def from_a_feed(one: Variant) -> None:
    feed = make.feed(make.row(one.product.handle, title="x", price="9", sku=one.sku, quantity="4"))
    job, _ = imports.queue(merchant_id=one.merchant_id, filename="x.csv", file=io.BytesIO(feed), now=NOW)
    imports.run(import_id=job.pk, now=NOW)


@pytest.mark.parametrize("lowered", [from_an_adjustment, from_a_batch, from_a_location, from_a_feed])
def test_it_is_told_whatever_lowered_it(seller: Any, lowered: Any) -> None:
    one = make.variant(seller, stocked=10, sku="RED", handle="red")
    low_at(one, 5)
    lowered(one)
    relay()
    assert told() == [("RED", 4)]


def test_goods_that_are_moved_between_places_are_as_many_as_before(seller: Any) -> None:
    one = make.variant(seller, stocked=10, sku="RED")
    low_at(one, 5)
    api = Api(seller)
    for code in ("main", "berlin"):
        api.post("locations", {"code": code, "name": code})
    api.post(
        "stock/transfers",
        {"from_location": "main", "to_location": "berlin", "lines": [{"sku": "RED", "units": 8}]},
    )
    relay()
    assert told() == []


def test_a_merchant_hears_of_its_own_alone(seller: Any) -> None:
    one = make.variant(make.merchant(), stocked=10)
    low_at(one, 5)
    level(one, 4)
    assert told() == []
    with pytest.raises(queries.UnknownVariant):
        thresholds.set_threshold(merchant_id=seller.pk, variant_id=one.pk, low_at=1, now=NOW)
    mine = make.variant(seller)
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        LowStock.objects.create(variant=mine, merchant=one.merchant, low_at=1)


def test_a_bundle_has_none(seller: Any) -> None:
    part, whole = make.variant(seller, stocked=10), make.variant(seller, stocked=0)
    low_at(whole, 5)
    bundles.set_parts(merchant_id=seller.pk, bundle_id=whole.pk, parts={part.pk: 2}, now=NOW)
    assert not LowStock.objects.exists()
    with pytest.raises(stock.StockOfBundle):
        low_at(whole, 5)


@pytest.mark.parametrize("units", [-1, stock.MAX_UNITS + 1])
def test_a_number_that_stock_cannot_be_is_refused(seller: Any, units: int) -> None:
    with pytest.raises(stock.TooMuchStock):
        low_at(make.variant(seller), units)


def test_what_has_no_threshold_costs_no_statement_more(seller: Any) -> None:
    """Nothing is asked of who sells, and one join of who tells."""
    one, other = make.variant(seller, stocked=10), make.variant(seller, stocked=10)
    taken = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as made:
            stock.take(units={one.pk: 1}, now=NOW)
            telling.tell_stock(variant_ids=[one.pk], now=NOW)
        taken.append(len(made))
        low_at(other, 5)
    assert taken[0] == taken[1]
    # With one that is not crossed neither.
    low_at(one, 2)
    with CaptureQueriesContext(connection) as made:
        stock.take(units={one.pk: 1}, now=NOW)
        telling.tell_stock(variant_ids=[one.pk], now=NOW)
    assert len(made) == taken[0]
