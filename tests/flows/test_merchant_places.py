"""Locations, stock as a list, transfers and the log of stock over the merchant API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import StockMovement
from catalog.shelf import movements, stock
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    made = Api(make.merchant())
    for code in ("main", "berlin"):
        assert made.post("locations", {"code": code, "name": code.title()}).status == 201
    return made


def all_pages(api: Api, path: str) -> list[Any]:
    found: list[Any] = []
    url: str | None = path
    while url:
        reply = api.get(url)
        assert reply.status == 200, reply.body
        found += reply.body["results"]
        url = reply.body["next"]
    return found


def test_locations_are_named_changed_and_closed(api: Api) -> None:
    sent = {"code": "lyon", "name": "Lyon", "address": "1 Rue", "country": "FR"}
    made = api.post("locations", sent, headers={"Idempotency-Key": "lyon"})
    assert (made.status, made.body["is_main"], made.body["country"]) == (201, False, "FR")
    assert api.post("locations", sent, headers={"Idempotency-Key": "lyon"}).body == made.body
    assert api.post("locations", sent).code == "LOCATION_TAKEN"
    path = f"locations/{made.body['id']}"
    assert api.patch(path, {"name": "Lyon Sud"}).body["name"] == "Lyon Sud"
    assert api.patch(path, {"is_active": False}).body["is_active"] is False
    assert api.get(path).body["name"] == "Lyon Sud"
    assert [row["code"] for row in api.get("locations").body["results"]] == ["lyon", "berlin", "main"]
    assert [row["code"] for row in api.get("locations?is_active=false").body["results"]] == ["lyon"]
    [main] = api.get("locations?code=main").body["results"]
    assert api.patch(f"locations/{main['id']}", {"is_active": False}).code == "MAIN_LOCATION"


@pytest.mark.parametrize(
    "wrong",
    [{"code": ""}, {"code": "x" * 51}, {"country": "XX"}, {"name": 5}, {"is_main": True}, {"code": "a\0"}],
)
def test_a_location_that_is_none_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    reply = api.post("locations", {"code": "lyon", "name": "Lyon", **wrong})
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert set(reply.body["errors"]) == set(wrong)


def test_stock_is_set_and_adjusted_at_a_location(api: Api) -> None:
    one = make.variant(api.merchant, stocked=10, sku="VL")
    path = f"variants/{one.pk}/stock"
    reply = api.put(path, {"available": 5, "location": "berlin", "note": "counted"})
    assert (reply.status, reply.body["available"]) == (200, 15)
    assert reply.body["locations"] == [
        {"location": "main", "on_hand": 10, "derived": True},
        {"location": "berlin", "on_hand": 5, "derived": False},
    ]
    last = reply.body["movements"][0]
    assert (last["location"], last["delta"], last["on_hand_delta"], last["note"]) == (
        "berlin",
        5,
        5,
        "counted",
    )
    assert last["by"]["kind"] == "key"
    assert api.post(path, {"delta": -2, "location": "berlin"}).body["available"] == 13
    assert api.post(path, {"delta": -4, "location": "berlin"}).code == "NOT_ENOUGH_THERE"
    unknown = api.put(path, {"available": 5, "location": "nowhere"})
    assert (unknown.status, unknown.code) == (409, "UNKNOWN_LOCATION")
    assert api.put(path, {"available": 20}).body["locations"][0]["on_hand"] == 17


def test_without_locations_nothing_is_said_of_them() -> None:
    api = Api(make.merchant())
    one = make.variant(api.merchant, stocked=10)
    assert api.get(f"variants/{one.pk}/stock").body["locations"] == []
    assert api.get("locations").body["results"] == []


def transfer(api: Api, *lines: dict[str, Any], to: str = "berlin", **more: Any) -> Any:
    return api.post(
        "stock/transfers", {"from_location": "main", "to_location": to, "lines": [*lines], **more}
    )


def test_goods_are_moved(api: Api) -> None:
    one, other = make.variant(api.merchant, stocked=10, sku="A"), make.variant(api.merchant, stocked=4)
    reply = transfer(api, {"sku": "A", "units": 6}, {"variant": str(other.pk), "units": 4}, note="spring")
    assert reply.status == 200
    assert [(row["sku"], row["available"]) for row in reply.body] == [("A", 10), ("", 4)]
    assert reply.body[0]["locations"][1] == {"location": "berlin", "on_hand": 6, "derived": False}
    short = transfer(api, {"sku": "A", "units": 5})
    assert (short.status, short.code, short.body["data"]["left"]) == (409, "NOT_ENOUGH_THERE", 4)
    assert transfer(api, {"sku": "A", "units": 1}, to="main").code == "SAME_LOCATION"
    unknown = transfer(api, {"sku": "NONE", "units": 1})
    assert (unknown.status, unknown.code, unknown.body["data"]) == (409, "UNKNOWN_VARIANT", {"sku": "NONE"})
    twice = transfer(api, {"sku": "A", "units": 1}, {"variant": str(one.pk), "units": 1})
    assert (twice.status, twice.code) == (400, "BAD_REQUEST")
    for line in ({"units": 1}, {"sku": "A", "variant": str(one.pk), "units": 1}, {"sku": "A", "units": 0}):
        assert transfer(api, line).status == 400


def test_rows_of_a_batch_name_locations(api: Api) -> None:
    make.variant(api.merchant, stocked=10, sku="A")
    make.variant(api.merchant, stocked=10, sku="B")
    make.variant(api.merchant, stocked=10, sku="C")
    sent = [
        {"sku": "A", "available": 3, "location": "berlin"},
        {"sku": "A", "available": 8, "location": "main"},
        {"sku": "A", "available": 8, "location": "main"},
        {"sku": "A", "available": 8},
        {"sku": "B", "available": 8},
        {"sku": "B", "available": 8, "location": "berlin"},
        {"sku": "C", "available": 0, "location": "berlin"},
        {"sku": "C", "available": 1, "location": "nowhere"},
        {"sku": "NONE", "available": 1, "location": "berlin"},
    ]
    reply = api.post("stock/batch", {"stock": sent})
    told = [(row["result"], [one["code"] for one in row["problems"]]) for row in reply.body["rows"]]
    assert told == [
        ("updated", []),
        ("updated", []),
        ("refused", ["DUPLICATE_SKU"]),
        ("refused", ["DUPLICATE_SKU"]),
        ("updated", []),
        ("refused", ["DUPLICATE_SKU"]),
        ("unchanged", []),
        ("refused", ["UNKNOWN_LOCATION"]),
        ("refused", ["UNKNOWN_SKU"]),
    ]
    left = {row["sku"]: row["available"] for row in api.get("stock").body["results"]}
    assert left == {"A": 11, "B": 8, "C": 10}


def test_stock_as_a_list_can_be_narrowed(api: Api) -> None:
    for number in range(5):
        make.variant(api.merchant, stocked=number, sku=f"S{number}")
    transfer(api, {"sku": "S4", "units": 2})

    def skus(query: str = "") -> list[str]:
        return [row["sku"] for row in all_pages(api, f"stock?page_size=2{query}")]

    assert skus() == ["S4", "S3", "S2", "S1", "S0"]
    assert skus("&below=2") == ["S1", "S0"]
    assert skus("&skus=S1,%20S3,NONE") == ["S3", "S1"]
    assert skus("&sku=S2") == ["S2"]
    assert skus("&location=berlin") == ["S4"]
    assert len(skus("&location=main")) == 5
    assert skus("&location=nowhere") == []
    later = (timezone.now() + timedelta(days=30 * 366)).isoformat().replace("+", "%2B")
    assert skus(f"&updated_since={later}") == []
    for wrong in ("below=x", "below=1.5", "below=0", "skus=,", "updated_since=soon", "warehouse=1"):
        assert api.get(f"stock?{wrong}").status == 400, wrong
    assert api.get(f"stock?skus={','.join(map(str, range(101)))}").status == 400


def test_the_first_stock_of_goods_made_by_a_key_is_by_that_key(api: Api) -> None:
    made = api.post("products", {"handle": "h", "title": "T", "variants": [{"sku": "A", "available": 4}]})
    assert made.status == 201, made.body
    other = {"handle": "i", "title": "T", "options": ["Size"]}
    path = f"products/{api.post('products', other).body['id']}/variants"
    assert api.post(path, {"sku": "B", "options": {"Size": "S"}, "available": 2}).status == 201
    log = api.get("stock/movements").body["results"]
    assert [(row["sku"], row["delta"], row["by"]["kind"]) for row in log] == [
        ("B", 2, "key"),
        ("A", 4, "key"),
    ]


def test_little_is_what_a_merchant_says_and_can_be_listed(api: Api) -> None:
    for number in range(5):
        make.variant(api.merchant, stocked=number, sku=f"S{number}")
    by_sku = {row["sku"]: row for row in api.get("stock").body["results"]}
    assert {(row["low_at"], row["is_low"]) for row in by_sku.values()} == {(None, False)}

    def path(sku: str) -> str:
        return f"variants/{by_sku[sku]['variant']}/stock"

    def low(query: str) -> list[str]:
        return [row["sku"] for row in all_pages(api, f"stock?page_size=1&low={query}")]

    said = {"S1": 1, "S2": 1, "S3": 5, "S4": 0}
    for sku, units in said.items():
        reply = api.patch(path(sku), {"low_at": units})
        assert (reply.status, reply.body["low_at"]) == (200, units)
    assert (low("true"), low("false")) == (["S3", "S1"], ["S4", "S2", "S0"])
    assert api.get(path("S1")).body["is_low"] is True
    assert api.put(path("S4"), {"available": 0}).body["is_low"] is True
    assert low("true") == ["S4", "S3", "S1"]
    assert api.patch(path("S3"), {"low_at": None}).body["low_at"] is None
    assert low("true") == ["S4", "S1"]
    assert Api(make.merchant()).get("stock?low=true").body["results"] == []
    assert api.get("stock?low=perhaps").status == 400
    assert api.patch(path("S1"), {}).body["low_at"] == 1
    for wrong in ({"low_at": -1}, {"low_at": "1"}, {"low_at": 1.5}, {"low_at": 1, "available": 1}):
        assert api.patch(path("S1"), wrong).status == 400, wrong


def test_the_log_says_what_where_why_and_by_whom(api: Api) -> None:
    one = make.variant(api.merchant, stocked=10, sku="A")
    make.variant(api.merchant, stocked=3, sku="B")
    api.put(f"variants/{one.pk}/stock", {"available": 5, "location": "berlin"})
    transfer(api, {"sku": "A", "units": 1})
    stock.set_level(
        merchant_id=api.merchant.pk,
        variant_id=one.pk,
        available=1,
        note="",
        now=timezone.now(),
        by=movements.Who("operator", "somebody@example.com"),
    )
    log = all_pages(api, "stock/movements?page_size=1")
    # What goods were made with is of the tests' year: newest by its moment.
    assert [(row["sku"], row["location"], row["delta"]) for row in log[2:]] == [
        ("A", None, -14),
        ("A", "berlin", 0),
        ("A", "main", 0),
        ("A", "berlin", 5),
    ]
    assert log[2]["by"] == {"kind": "operator", "name": ""}
    assert log[3]["by"]["kind"] == "key"
    assert log[0]["by"] is None

    def count(query: str) -> int:
        return len(all_pages(api, f"stock/movements?page_size=2&{query}"))

    assert count("sku=A") == count(f"variant={one.pk}") == 5
    assert (count("sku=NONE"), count("reason=transfer"), count("location=berlin")) == (0, 2, 2)
    assert count("location=main") == 4
    when = NOW.isoformat().replace("+00:00", "Z")
    assert (count(f"since={when}"), count(f"until={when}")) == (2, 4)
    for wrong in ("reason=theft", "since=soon", "by=me", "variant=1"):
        assert api.get(f"stock/movements?{wrong}").status == 400, wrong
    assert api.get("stock/movements?cursor=eA==").code == "BAD_CURSOR"


def test_thousands_at_one_moment_are_all_shown_once_in_both_directions(api: Api) -> None:
    one = make.variant(api.merchant, stocked=0)
    StockMovement.objects.bulk_create(
        StockMovement(merchant=api.merchant, variant=one, delta=1, reason="set", at=NOW) for _ in range(1300)
    )
    shown: list[int] = []
    url: str | None = "stock/movements?page_size=200"
    pages: list[Any] = []
    while url:
        pages.append(api.get(url).body)
        shown += [row["id"] for row in pages[-1]["results"]]
        url = pages[-1]["next"]
    assert shown == sorted(set(shown), reverse=True)
    assert len(shown) == 1300
    for later, earlier in zip(pages[1:], pages, strict=False):
        assert api.get(later["previous"]).body["results"] == earlier["results"]


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("stock", 2),
        ("stock?below=1000000", 2),
        ("stock?low=false", 2),
        ("stock?location=main", 3),
        ("stock/movements", 1),
        ("stock/movements?reason=set", 1),
        ("prices/schedule", 1),
        ("locations", 1),
    ],
)
def test_a_list_takes_the_same_statements_however_many_rows(api: Api, path: str, statements: int) -> None:
    taken = []
    for count in (1, 20):
        for _ in range(count):
            make.variant(api.merchant, stocked=1)
        with CaptureQueriesContext(connection) as made:
            assert api.get(path).status == 200
        taken.append(sum("commerce_merchant" not in query["sql"] for query in made))
    assert taken == [statements, statements]
