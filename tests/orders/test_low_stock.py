"""A sale that leaves little is told to the merchant, and the till does nothing for it."""

from datetime import timedelta

import orjson
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Variant
from catalog.shelf import thresholds
from commerce import clock
from commerce.models import Event, WebhookMessage
from commerce.relay import Relay
from commerce.webhooks import endpoints
from tests.orders import make
from tests.orders.make import NOW

pytestmark = pytest.mark.django_db


def watched(one: Variant, low_at: int) -> None:
    thresholds.set_threshold(merchant_id=one.merchant_id, variant_id=one.pk, low_at=low_at, now=NOW)


def relay() -> None:
    hearers = Relay(settings.SUBSCRIPTIONS).hearers
    for event in Event.objects.filter(name__in=("stock.moved", "stock.watched")).order_by("id"):
        for hearer in hearers[event.name]:
            if hearer.__module__ == "catalog.hearers":
                hearer(event.payload, key=event.key)


def test_a_sale_that_leaves_little_is_told() -> None:
    one = make.variant(stocked=6)
    endpoints.create(
        merchant_id=one.merchant_id,
        url="https://hooks.example.com/",
        description="",
        event_types=["stock.low"],
        now=clock.database_now() - timedelta(days=1),
    )
    watched(one, 5)
    make.basket((one, 1)).go()
    relay()
    make.basket((one, 1)).go()
    relay()
    [row] = WebhookMessage.objects.all()
    assert orjson.loads(row.body)["data"]["available"] == 5


def test_the_till_does_nothing_for_it() -> None:
    one = make.variant(stocked=10)
    taken = []
    for low_at in (None, 9, 2):
        if low_at is not None:
            watched(one, low_at)
        order = make.basket((one, 1))
        with CaptureQueriesContext(connection) as made:
            order.go()
        assert not any("lowstock" in query["sql"] for query in made)
        taken.append(len(made))
    assert taken[0] == taken[1] == taken[2]
