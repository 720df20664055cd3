"""What buyers are told on their own lane."""

from uuid import uuid4

import orjson
import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.models import User
from orders import hearers, queries
from orders.models import Purchase
from streams import showlog
from tests.orders import make

pytestmark = pytest.mark.django_db


def accepted(buyers: int) -> list[Purchase]:
    lipstick = make.variant(stocked=buyers)
    return [make.basket((lipstick, 1)).go() for _ in range(buyers)]


def tell(purchases: list[Purchase]) -> int:
    """Tell the buyers, and return how many queries it took."""
    with CaptureQueriesContext(connection) as queried:
        hearers.tell_buyers({"purchases": [str(each.id) for each in purchases]}, key=str(uuid4()))
    return len(queried)


def test_each_buyer_is_told_her_own_purchase_and_no_other(redis_server: redis.Redis) -> None:
    purchases = accepted(3)
    ear = redis_server.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    for purchase in purchases:
        ear.subscribe(showlog.user_channel(purchase.buyer_id))
        ear.get_message(timeout=1)

    tell(purchases)

    told = {}
    while (message := ear.get_message(timeout=0.1)) is not None:
        told[message["channel"].decode()] = message["data"].decode()
    ear.close()
    assert len(told) == len(purchases)
    for purchase in purchases:
        frame = told[showlog.user_channel(purchase.buyer_id)]
        body = orjson.loads(frame[frame.index("{") :])
        assert body["t"] == "order.updated"
        assert body["d"] == orjson.loads(orjson.dumps(queries.purchase_body(purchase.id)))


def test_telling_many_buyers_takes_no_more_queries_than_telling_one() -> None:
    assert tell(accepted(5)) == tell(accepted(1))
    assert User.objects.count() >= 6
