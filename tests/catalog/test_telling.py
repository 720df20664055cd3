"""What merchants' systems are told of stock, feeds, files and reviews."""

import io
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings

from catalog import bundles, reviewing
from catalog.feeds import exports, imports
from catalog.models import ProductReview, Variant
from catalog.shelf import stock
from commerce import clock
from commerce.models import Event, WebhookDelivery, WebhookMessage
from commerce.relay import Relay
from commerce.webhooks import endpoints
from tests.catalog import make
from tests.catalog.make import NOW

HEARERS = ("tell_stock", "tell_import", "tell_export", "tell_reviews")
pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Any:
    """A merchant whose system listens."""
    made = make.merchant()
    long_ago = clock.database_now() - timedelta(days=1)
    endpoints.create(
        merchant_id=made.pk, url="https://hooks.example.com/", description="", event_types=[], now=long_ago
    )
    return made


def relay() -> None:
    """Tell this room's hearers what has been recorded, as the relay does, within the transaction."""
    relay = Relay(settings.SUBSCRIPTIONS)
    for event in Event.objects.filter(delivered_at=None).order_by("id"):
        for hearer in relay.hearers[event.name]:
            if hearer.__module__ == "catalog.hearers" and hearer.__name__ in HEARERS:
                hearer(event.payload, key=event.key)
    Event.objects.update(delivered_at=NOW)


def told() -> list[tuple[str, Any]]:
    rows = WebhookMessage.objects.order_by("id")
    return [(row.type, orjson.loads(row.body)["data"].get("available")) for row in rows]


def level(one: Variant, available: int) -> None:
    stock.set_level(merchant_id=one.merchant_id, variant_id=one.pk, available=available, note="", now=NOW)
    relay()


def sent() -> None:
    WebhookDelivery.objects.update(attempts=1, tried=1)


def test_changes_are_one_message_until_somebody_sends_it(seller: Any) -> None:
    one = make.variant(seller, stocked=10, sku="RED")

    level(one, 9)
    level(one, 8)
    assert told() == [("stock.changed", 8)]
    data = orjson.loads(WebhookMessage.objects.get().body)["data"]
    assert data == {"variant": str(one.pk), "sku": "RED", "available": 8}
    sent()
    level(one, 7)
    assert told() == [("stock.changed", 8), ("stock.changed", 7)]


def test_what_sells_out_is_told_once_and_again_when_it_does_again(seller: Any) -> None:
    one = make.variant(seller, stocked=10)

    level(one, 0)
    relay()
    assert told() == [("stock.changed", 0), ("stock.sold_out", 0)]
    sent()
    level(one, 5)
    sent()
    level(one, 0)
    assert told()[2:] == [("stock.changed", 5), ("stock.changed", 0), ("stock.sold_out", 0)]


def test_a_rush_is_not_sent_sale_by_sale(seller: Any) -> None:
    level(make.variant(seller, stocked=10), 9)

    wait = WebhookDelivery.objects.get().due_at - clock.database_now()
    assert timedelta(0) < wait <= timedelta(seconds=2)


def test_a_bundle_s_stock_follows_its_parts(seller: Any) -> None:
    part, whole = make.variant(seller, stocked=10), make.variant(seller, stocked=0)
    bundles.set_parts(merchant_id=seller.pk, bundle_id=whole.pk, parts={part.pk: 2}, now=NOW)
    relay()
    WebhookMessage.objects.all().delete()

    level(part, 7)

    said = {
        (data["variant"], data["available"])
        for data in (orjson.loads(row.body)["data"] for row in WebhookMessage.objects.all())
    }
    assert said == {(str(part.pk), 7), (str(whole.pk), 3)}


def test_another_merchant_s_stock_is_not_told(seller: Any) -> None:
    level(make.variant(make.merchant(), stocked=10), 9)

    assert told() == []


@pytest.mark.parametrize("feed", [make.simple_feed(1), b"Handle,Title,Variant Price\nx,,\n"])
def test_a_feed_that_is_read_is_told_once(seller: Any, feed: bytes) -> None:
    job, _ = imports.queue(merchant_id=seller.pk, filename="goods.csv", file=io.BytesIO(feed), now=NOW)
    imports.run(import_id=job.pk, now=NOW)
    relay()
    relay()

    (row,) = WebhookMessage.objects.filter(type="import.finished")
    data = orjson.loads(row.body)["data"]
    assert (data["id"], data["status"], data["filename"]) == (str(job.pk), "done", "goods.csv")


def test_a_file_that_is_written_is_told_once(seller: Any) -> None:
    make.variant(seller)
    job = exports.queue(merchant_id=seller.pk, format="jsonl", filters={}, now=NOW)
    exports.run(export_id=job.pk, now=NOW)
    relay()
    relay()

    (row,) = WebhookMessage.objects.filter(type="export.finished")
    data = orjson.loads(row.body)["data"]
    assert (data["id"], data["status"], data["products"]) == (str(job.pk), "done", 1)


def test_what_an_operator_decides_is_told_and_what_the_merchant_does_is_not(seller: Any) -> None:
    seller.goods_reviewed = True
    seller.save()
    made = make.product(seller, handle="soap")
    by = reviewing.Actor(ProductReview.By.OPERATOR)
    about = {"merchant_id": seller.pk, "product_id": made.pk, "now": NOW}
    reviewing.send_back(**about, reason="Blurred.", actor=by)
    reviewing.submit(**about)
    reviewing.approve(**about, actor=by)
    relay()
    relay()

    rows = WebhookMessage.objects.filter(type="product.reviewed").order_by("id")
    assert [orjson.loads(row.body)["data"] for row in rows] == [
        {"product": str(made.pk), "handle": "soap", "was": was, "status": status, "reason": reason}
        for was, status, reason in (("in_review", "draft", "Blurred."), ("in_review", "approved", ""))
    ]
