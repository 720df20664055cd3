"""A merchant's system keeps its goods, prices and stock right over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Product, Variant
from catalog.shelf import movements, stock
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db

LIPSTICK = {
    "handle": "velvet-lipstick",
    "title": "Velvet Lipstick",
    "vendor": "Maison Rouge",
    "type": "Make-up",
    "tags": ["red"],
    "options": ["Shade", "Size"],
    "status": "approved",
    "images": [{"url": "https://img.example.com/1.jpg", "alt": "Coral"}],
    "variants": [
        {
            "options": {"Size": "Full", "Shade": "Coral"},
            "sku": "VL-1",
            "barcode": "4006381333931",
            "weight_grams": 12,
            "price": {"amount": 1990, "compare_at": 2500},
            "available": 7,
        },
        {"options": {"Shade": "Plum"}, "sku": "VL-2", "price": {"amount": 990, "currency": "USD"}},
    ],
}


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


def test_a_product_is_made_read_changed_and_retired(api: Api) -> None:
    made = api.post("products", LIPSTICK)
    assert made.status == 201
    first, second = made.body["variants"]
    assert list(first["options"].items()) == [("Shade", "Coral"), ("Size", "Full")]
    assert (first["title"], first["sku"], first["available"]) == ("Coral / Full", "VL-1", 7)
    price = first["price"]
    assert (price["amount"], price["compare_at"], price["currency"], price["valid_to"]) == (
        1990,
        2500,
        "EUR",
        None,
    )
    assert (second["price"]["currency"], second["available"]) == ("USD", 0)

    path = f"products/{made.body['id']}"
    assert api.get(path).body == made.body
    changed = api.patch(path, {"title": "Velvet", "type": "Lips", "images": []})
    assert changed.status == 200
    assert (changed.body["title"], changed.body["type"], changed.body["images"]) == ("Velvet", "Lips", [])
    assert changed.body["vendor"] == "Maison Rouge"
    assert [api.post(f"{path}/retire").body["status"] for _ in range(2)] == ["retired", "retired"]


def test_a_list_tells_of_each_product_what_it_tells_alone(api: Api) -> None:
    lipstick = api.post("products", LIPSTICK).body
    free = [{"sku": "NEVER-PRICED"}, {"sku": "SET"}]
    for n, one in enumerate(free):
        api.post("products", {"handle": f"plain-{n}", "title": "Plain", "variants": [one]})
    parts = {"parts": [{"variant": lipstick["variants"][0]["id"], "quantity": 3}]}
    [bundle] = api.get("variants?sku=SET").body["results"]
    assert api.put(f"variants/{bundle['id']}/parts", parts).body["available"] == 2
    api.put(f"variants/{lipstick['variants'][0]['id']}/price", {"amount": 1500})
    api.post("products", {"handle": "without-variants", "title": "Nothing"})

    listed = api.get("products").body["results"]

    assert len(listed) == 4
    assert listed == [api.get(f"products/{one['id']}").body for one in listed]
    assert [one["variants"][0]["available"] for one in listed if one["handle"] == "plain-1"] == [2]
    only = api.get("products?fields=handle,variants.sku").body["results"]
    assert only == [
        {"handle": one["handle"], "variants": [{"sku": each["sku"]} for each in one["variants"]]}
        for one in listed
    ]


def test_a_variant_is_added_and_changed(api: Api) -> None:
    product = api.post("products", LIPSTICK).body
    added = api.post(f"products/{product['id']}/variants", {"options": {"Shade": "Rose"}, "sku": "VL-3"})
    assert (added.status, added.body["title"], added.body["price"]) == (201, "Rose", None)
    path = f"variants/{added.body['id']}"
    changed = api.patch(path, {"sku": "VL-4", "is_active": False, "weight_grams": 15, "position": 1})
    assert (changed.body["sku"], changed.body["is_active"], changed.body["weight_grams"]) == (
        "VL-4",
        False,
        15,
    )
    assert api.get(path).body == changed.body
    assert api.get("variants?sku=VL-4").body["results"] == [changed.body]
    assert len(api.get(f"variants?product={product['id']}").body["results"]) == 3


def test_a_price_is_set_with_its_history(api: Api) -> None:
    one = make.variant(api.merchant, amount=1999)
    one.prices.update(valid_from=timezone.now() - timedelta(days=1))
    path = f"variants/{one.pk}/price"
    reply = api.put(path, {"amount": 1499, "compare_at": 1999})
    assert reply.status == 200
    assert reply.body["current"]["amount"] == 1499
    assert [price["amount"] for price in reply.body["history"]] == [1499, 1999]
    assert reply.body["lowest_30_days"] == 1499
    assert api.get(path).body == reply.body
    again = api.put(path, {"amount": 1499, "compare_at": 1999})
    assert len(again.body["history"]) == 2
    assert api.put(path, {"amount": 1499, "currency": "USD"}).body["current"]["currency"] == "USD"


def test_a_floor_is_set_and_taken_away_and_no_price_goes_below(api: Api) -> None:
    one = make.variant(api.merchant, amount=1999)
    path = f"variants/{one.pk}/floor"
    assert api.get(path).body == {"variant": str(one.pk), "floor": None}
    assert api.put(path, {"amount": 1200, "currency": "EUR"}).body["floor"]["amount"] == 1200
    refused = api.put(f"variants/{one.pk}/price", {"amount": 1199})
    assert (refused.status, refused.code) == (409, "PRICE_BELOW_FLOOR")
    assert refused.body["data"]["floor"] == {"amount": 1200, "currency": "EUR"}
    assert api.put(path, {"amount": 2000}).code == "PRICE_BELOW_FLOOR"
    assert api.put(path, {"amount": 1000, "currency": "USD"}).code == "CURRENCY_MISMATCH"
    for body in (
        {},
        {"amount": 0},
        {"amount": "1200"},
        {"amount": 1, "currency": "XXX"},
        {"amount": 1, "x": 1},
    ):
        assert (api.put(path, body).status, api.put(path, body).code) == (400, "BAD_REQUEST")
    assert api.get(path).body["floor"]["amount"] == 1200
    assert api.call("DELETE", path).body["floor"] is None
    assert api.put(f"variants/{one.pk}/price", {"amount": 1199}).status == 200
    assert api.put(f"variants/{make.variant(api.merchant, amount=None).pk}/floor", {"amount": 1}).code == (
        "NO_LIST_PRICE"
    )


def test_a_variant_without_a_price_says_so(api: Api) -> None:
    one = make.variant(api.merchant, amount=None)
    assert api.get(f"variants/{one.pk}/price").body == {
        "current": None,
        "running": None,
        "next": None,
        "lowest_30_days": None,
        "history": [],
    }


def test_stock_is_set_and_adjusted_beside_sales(api: Api) -> None:
    one = make.variant(api.merchant, stocked=10)
    path = f"variants/{one.pk}/stock"
    assert api.put(path, {"available": 20, "note": "counted"}).body["available"] == 20
    stock.take(units={one.pk: 5}, now=NOW)
    adjusted = api.post(path, {"delta": -3, "note": "broken"})
    assert (adjusted.status, adjusted.body["available"]) == (200, 12)
    assert [(m["delta"], m["reason"], m["note"]) for m in adjusted.body["movements"]] == [
        (-3, "adjust", "broken"),
        (10, "set", "counted"),
        (10, "set", ""),
    ]
    assert api.get(path).body == adjusted.body
    refused = api.post(path, {"delta": -13})
    assert (refused.status, refused.code) == (409, "OUT_OF_STOCK")
    assert refused.body["data"] == {"variant": str(one.pk), "left": 12}


# --- lists ---


def test_lists_come_page_by_page_newest_first_and_lose_nothing_to_newcomers(api: Api) -> None:
    for n in range(5):
        make.product(api.merchant, handle=f"soap-{n}")
    seen: list[str] = []
    url = "products?page_size=2"
    while url:
        page = api.get(url).body
        seen += [product["handle"] for product in page["results"]]
        make.product(api.merchant, handle=f"late-{len(seen)}")
        url = page["next"]
    assert seen == [f"soap-{n}" for n in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("query", "handles"),
    [
        ("status=approved", {"balm", "soap"}),
        ("status=draft", {"cream"}),
        ("vendor=maison rouge", {"balm"}),
        ("type=Bath", {"soap"}),
        ("handle=soap", {"soap"}),
        ("q=SOAP", {"soap"}),
        ("q=rouge", {"balm"}),
        ("q=S-1", {"soap"}),
        ("q=s-", set()),
        ("updated_since=2100-01-01T00:00:00Z", set()),
        ("updated_since=2000-01-01T00:00:00Z", {"balm", "soap", "cream"}),
        ("status=approved&q=soap or balm or cream", {"balm", "soap"}),
    ],
)
def test_products_are_filtered_and_searched(api: Api, query: str, handles: set[str]) -> None:
    seller = api.merchant
    make.product(seller, handle="balm", vendor="Maison Rouge")
    bath = make.product(seller, handle="soap", product_type="Bath")
    Variant.objects.create(merchant=seller, product=bath, title="", sku="S-1")
    make.product(seller, handle="cream", status="draft")
    Product.objects.filter(handle="soap").update(title="Soap")
    reply = api.get(f"products?{query}")
    assert reply.status == 200
    assert {product["handle"] for product in reply.body["results"]} == handles


@pytest.mark.parametrize("path", ["products", "variants", "imports"])
def test_a_list_takes_the_same_queries_however_long_it_is(api: Api, path: str) -> None:
    def grow(count: int) -> None:
        for _ in range(count):
            made = make.product(api.merchant, images=[])
            for title in ("a", "b"):
                variant = Variant.objects.create(merchant=api.merchant, product=made, title=title)
                variant.prices.create(merchant=api.merchant, amount=1, currency="EUR")
                stock.begin(
                    merchant_id=made.merchant_id,
                    units={variant.pk: 1},
                    reason=movements.Reason.SET,
                    note="",
                    now=NOW,
                )

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path).status == 200
        return [query["sql"] for query in captured]

    grow(1)
    api.get(path)  # notes the key's last use, once a minute
    few = queries()
    grow(10)
    many = queries()
    # The key, its merchant, its last use, and the rows: products with pictures, variants and prices.
    assert len(many) == len(few) == {"products": 4, "variants": 3, "imports": 2}[path]


# --- once ---


def test_a_key_makes_a_repetition_harmless(api: Api) -> None:
    one = make.variant(api.merchant, stocked=10)
    key = {"Idempotency-Key": str(uuid4())}
    path = f"variants/{one.pk}/stock"
    first = api.post(path, {"delta": 5}, headers=key)
    again = api.post(path, {"delta": 5}, headers=key)
    assert first.status == again.status == 200
    assert again.body == first.body
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert make.left(one) == 15
    other = api.post(path, {"delta": 6}, headers=key)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")
    # Another merchant's same key is another key.
    stranger = Api(make.merchant())
    theirs = make.variant(stranger.merchant, stocked=1)
    assert stranger.post(f"variants/{theirs.pk}/stock", {"delta": 5}, headers=key).body["available"] == 6


def test_every_write_takes_a_key(api: Api) -> None:
    made = api.post("products", LIPSTICK, headers={"Idempotency-Key": "make"})
    assert api.post("products", LIPSTICK, headers={"Idempotency-Key": "make"}).body == made.body
    product, variant = made.body["id"], made.body["variants"][0]["id"]
    writes: list[tuple[str, str, Any]] = [
        ("PATCH", f"products/{product}", {"title": "x"}),
        ("POST", f"products/{product}/retire", None),
        ("POST", f"products/{product}/variants", {"options": {"Shade": "New"}}),
        ("PATCH", f"variants/{variant}", {"sku": "new"}),
        ("PUT", f"variants/{variant}/price", {"amount": 5}),
        ("PUT", f"variants/{variant}/floor", {"amount": 4}),
        ("DELETE", f"variants/{variant}/floor", None),
        ("PUT", f"variants/{variant}/stock", {"available": 5}),
        ("POST", f"variants/{variant}/stock", {"delta": 5}),
        ("PATCH", f"variants/{variant}/stock", {"low_at": 5}),
    ]
    for number, (method, path, body) in enumerate(writes):
        key = {"Idempotency-Key": f"write-{number}"}
        first, again = (api.call(method, path, body, headers=key) for _ in range(2))
        assert first.status < 300, first.body
        assert again.body == first.body
        assert again.headers["Idempotent-Replayed"] == "true"
    refused = api.patch(f"variants/{variant}", {"sku": "x"}, headers={"Idempotency-Key": "two words"})
    assert (refused.status, refused.code) == (400, "BAD_IDEMPOTENCY_KEY")
