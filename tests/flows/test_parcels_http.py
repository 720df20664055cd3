"""A merchant's system acknowledges orders and sends them in parcels, over HTTP."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commerce import ids
from commerce.models import Event, User, WebhookMessage
from commerce.webhooks import endpoints
from orders import hearers
from orders.models import Order, OrderLine, Shipment
from orders.settling import payments
from tests.catalog import located
from tests.catalog.api import Api
from tests.orders import make

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/"
DHL = {"carrier": "DHL", "tracking_number": "1", "tracking_url": "https://dhl.example/1"}


def sold(*quantities: int, by: User | None = None, of: Any = None) -> Order:
    seller = of or make.merchant()
    goods = [make.variant(amount=1000, stocked=20, seller=seller) for _ in quantities]
    purchase = make.basket(*zip(goods, quantities, strict=True), by=by).go(now=timezone.now())
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
    return Order.objects.get(purchase=purchase)


def lines(order: Order) -> list[str]:
    return [str(line.id) for line in OrderLine.objects.filter(order=order).order_by("id")]


def test_an_order_is_acknowledged_and_found_by_that() -> None:
    order = sold(1)
    api = Api(order.merchant)
    path = f"{ROOT}orders/{order.id}/acknowledge"

    def found(query: str) -> list[str]:
        return [row["id"] for row in api.get(f"{ROOT}orders?{query}").body["results"]]

    assert api.get(f"{ROOT}orders/{order.id}").body["acknowledged_at"] is None
    assert found("acknowledged=false") == [str(order.id)]
    first = api.post(path, {"reference": "SO-1"})
    assert (first.status, first.body["reference"]) == (200, "SO-1")
    again = api.post(path, {})
    assert (again.body["acknowledged_at"], again.body["reference"]) == (
        first.body["acknowledged_at"],
        "SO-1",
    )
    assert (found("acknowledged=false"), found("acknowledged=true")) == ([], [str(order.id)])
    assert (found("reference=SO-1"), found("reference=SO-2")) == ([str(order.id)], [])
    for bad in ({"reference": "x" * 81}, {"reference": 7}, {"number": "7"}):
        assert api.post(path, bad).code == "BAD_REQUEST"


def test_an_order_goes_out_in_parcels_and_arrives() -> None:
    order = sold(2, 1)
    api = Api(order.merchant)
    two, one = lines(order)

    part = api.post(f"{ROOT}orders/{order.id}/ship", {**DHL, "lines": [{"line": two, "quantity": 1}]})
    assert (part.status, part.body["status"]) == (200, "partly_shipped")
    assert [(line["shipped_quantity"], line["to_ship"]) for line in part.body["lines"]] == [(1, 1), (0, 1)]
    more = {"carrier": "UPS", "lines": [{"line": one, "quantity": 2}]}
    refused = api.post(f"{ROOT}orders/{order.id}/ship", more)
    assert (refused.status, refused.code, refused.body["data"]) == (
        409,
        "SHIP_TOO_MUCH",
        {"line": one, "left": 1},
    )
    api.post(f"{ROOT}orders/{order.id}/ship", {"carrier": "UPS"})

    listed = api.get(f"{ROOT}shipments?order={order.id}").body["results"]
    assert [(row["carrier"], len(row["lines"])) for row in listed] == [("UPS", 2), ("DHL", 1)]
    dhl, ups = listed[1]["id"], listed[0]["id"]
    mended = api.patch(f"{ROOT}shipments/{dhl}", {"tracking_number": "2"})
    assert (mended.status, mended.body["tracking_number"]) == (200, "2")
    there = api.post(f"{ROOT}shipments/{dhl}/deliver", {})
    assert there.body["delivered_at"] is not None
    assert api.post(f"{ROOT}shipments/{dhl}/deliver", {}).body == there.body
    bad = api.post(f"{ROOT}shipments/{ups}/deliver", {"delivered_at": "2100-01-01T00:00:00Z"})
    assert bad.code == "BAD_REQUEST"
    api.post(f"{ROOT}shipments/{ups}/deliver")

    assert api.get(f"{ROOT}orders/{order.id}").body["status"] == "delivered"
    assert api.get(f"{ROOT}orders?status=delivered").body["results"][0]["id"] == str(order.id)
    assert len(api.get(f"{ROOT}shipments?delivered=true&tracking_number=2").body["results"]) == 1
    assert api.get(f"{ROOT}shipments?delivered=false").body["results"] == []


def test_orders_of_one_buyer_are_one_parcel() -> None:
    ada, seller = make.buyer(), make.merchant()
    one, two, other = sold(1, by=ada, of=seller), sold(1, by=ada, of=seller), sold(1, of=seller)
    api = Api(seller)

    bad = api.post(f"{ROOT}shipments", {**DHL, "orders": [str(one.id), str(other.id)]})
    assert (bad.status, bad.code, bad.body["data"]) == (409, "NOT_COMBINABLE", {"reason": "buyer"})
    made = api.post(f"{ROOT}shipments", {**DHL, "orders": [str(one.id), str(two.id)]})

    assert (made.status, {line["order"] for line in made.body["lines"]}) == (
        201,
        {str(one.id), str(two.id)},
    )
    assert api.get(f"{ROOT}shipments/{made.body['id']}").body == made.body
    inside = api.get(f"{ROOT}orders/{one.id}").body["shipments"]
    assert [(row["id"], len(row["lines"])) for row in inside] == [(made.body["id"], 1)]
    assert api.post(f"{ROOT}shipments", DHL).code == "BAD_REQUEST"
    both = {**DHL, "orders": [str(other.id)], "lines": [{"line": lines(other)[0], "quantity": 1}]}
    assert api.post(f"{ROOT}shipments", both).code == "BAD_REQUEST"


def test_a_key_that_is_sent_again_makes_one_parcel() -> None:
    order = sold(3)
    api = Api(order.merchant)
    body = {"carrier": "Post", "lines": [{"line": lines(order)[0], "quantity": 1}]}
    key = {"Idempotency-Key": "parcel-1"}

    first = api.post(f"{ROOT}shipments", body, headers=key)
    again = api.post(f"{ROOT}shipments", body, headers=key)

    assert (first.body, again.headers["Idempotent-Replayed"]) == (again.body, "true")
    assert Shipment.objects.count() == 1


def test_parcels_and_orders_of_others_are_not_there() -> None:
    theirs = sold(1)
    their_api = Api(theirs.merchant)
    parcel = their_api.post(f"{ROOT}orders/{theirs.id}/ship", DHL).body["shipments"][0]["id"]
    mine = sold(1)
    api = Api(mine.merchant)
    line = {"line": lines(theirs)[0], "quantity": 1}
    for method, path, body in (
        ("GET", f"shipments/{parcel}", None),
        ("PATCH", f"shipments/{parcel}", {"carrier": "X"}),
        ("POST", f"shipments/{parcel}/deliver", {}),
        ("POST", f"orders/{theirs.id}/acknowledge", {}),
        ("POST", f"orders/{mine.id}/ship", {**DHL, "lines": [line]}),
        ("POST", "shipments", {**DHL, "lines": [line]}),
        ("POST", "shipments", {**DHL, "orders": [str(mine.id), str(theirs.id)]}),
        ("GET", f"shipments/{ids.new()}", None),
    ):
        reply = api.call(method, ROOT + path, body)
        assert (reply.status, reply.code) == (404, "NOT_FOUND"), (method, path)
    assert api.get(f"{ROOT}shipments").body["results"] == []
    assert api.get(f"{ROOT}shipments?order={theirs.id}").body["results"] == []
    assert Shipment.objects.get().carrier == "DHL"


def test_a_merchants_system_is_told_of_each_step() -> None:
    order = sold(2)
    endpoints.create(
        merchant_id=order.merchant_id,
        url="https://hooks.example.com/",
        description="",
        event_types=[],
        now=timezone.now(),
    )
    api = Api(order.merchant)
    api.post(f"{ROOT}orders/{order.id}/ship", {**DHL, "lines": [{"line": lines(order)[0], "quantity": 1}]})
    api.post(f"{ROOT}orders/{order.id}/ship", {"carrier": "UPS"})
    for parcel in Shipment.objects.order_by("id"):
        api.post(f"{ROOT}shipments/{parcel.pk}/deliver", {})
    for event in Event.objects.filter(name="purchase.moved").order_by("id"):
        hearers.tell_merchants(event.payload, key=event.key)

    types = WebhookMessage.objects.filter(type__startswith="order.").order_by("id")
    assert [row.type for row in types][-3:] == ["order.partly_shipped", "order.shipped", "order.delivered"]
    assert "Lindenweg" not in "".join(row.body for row in types)


@pytest.mark.parametrize("path", ["orders", "shipments"])
def test_lists_take_constantly_many_statements(path: str) -> None:
    seller = make.merchant()
    api = Api(seller)

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get(f"{ROOT}{path}").status == 200
        return len(seen)

    for _ in range(2):
        order = sold(2, of=seller)
        api.post(f"{ROOT}orders/{order.id}/ship", DHL)
    few = count()
    for _ in range(3):
        order = sold(2, of=seller)
        api.post(f"{ROOT}orders/{order.id}/ship", DHL)
    assert count() == few


# --- from where it leaves ---


def test_a_parcel_leaves_a_location_by_its_code() -> None:
    order = sold(3, of=located.seller())
    api, (line,) = Api(order.merchant), lines(order)
    variant = OrderLine.objects.get(pk=line).variant
    located.set_there(variant, "berlin", 2)
    path = f"{ROOT}orders/{order.id}/ship"

    short = api.post(path, DHL | {"location": "berlin"})
    assert (short.status, short.code) == (409, "NOT_ENOUGH_THERE")
    assert short.body["data"] == {"variant": str(variant.pk), "location": "berlin", "left": 2}
    gone = api.post(path, DHL | {"location": "rome"})
    assert (gone.status, gone.code) == (409, "UNKNOWN_LOCATION")
    assert api.post(path, DHL | {"location": ""}).code == "BAD_REQUEST"
    assert api.post(path, DHL | {"location": "x" * 51}).code == "BAD_REQUEST"

    packed = [{"line": line, "quantity": 2}]
    told = api.post(path, DHL | {"lines": packed, "location": "berlin"}, key="once")
    again = api.post(path, DHL | {"lines": packed, "location": "berlin"}, key="once")
    assert (told.status, again.body) == (200, told.body)
    (parcel,) = told.body["shipments"]
    assert parcel["location"] == "berlin"
    rest = {"tracking_number": "2", "lines": [{"line": line, "quantity": 1}], "location": None}
    sent = api.post(f"{ROOT}shipments", DHL | rest)
    assert (sent.status, sent.body["location"]) == (201, None)
    assert api.get(f"{ROOT}shipments/{parcel['id']}").body["location"] == "berlin"

    (movement,) = api.get(f"{ROOT}catalog/stock/movements?reason=sent").body["results"]
    assert movement["location"] == "berlin"
    assert (movement["delta"], movement["on_hand_delta"], movement["by"]["kind"]) == (0, -2, "key")
    assert str(order.id) in movement["note"]


def test_several_orders_leave_a_location_in_one_parcel() -> None:
    seller, buyer = located.seller(), make.buyer()
    some = [sold(1, by=buyer, of=seller) for _ in range(2)]
    for line in OrderLine.objects.all():
        located.set_there(line.variant, "lyon", 1)
    asked = DHL | {"orders": [str(order.id) for order in some], "location": "lyon"}
    made = Api(seller).post(f"{ROOT}shipments", asked)
    assert (made.status, made.body["location"]) == (201, "lyon")
    assert [located.lying(line.variant) for line in OrderLine.objects.all()] == [{"lyon": 0}, {"lyon": 0}]


def test_a_closed_location_sends_nothing() -> None:
    order = sold(1, of=located.seller())
    located.close(order.merchant, "lyon")
    refused = Api(order.merchant).post(f"{ROOT}orders/{order.id}/ship", DHL | {"location": "lyon"})
    assert (refused.status, refused.code) == (409, "LOCATION_CLOSED")
    assert refused.body["data"] == {"location": "lyon"}
