"""What a batch or a feed leaves out stays: options, comparison prices. A SKU alone says which variant."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.feeds import imports
from catalog.models import Import, Variant
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW

LIP = {
    "handle": "lip",
    "title": "Lip",
    "options": ["Shade"],
    "variants": [
        {"options": {"Shade": "Coral"}, "sku": "L1", "price": {"amount": 1000, "compare_at": 1500}},
        {"options": {"Shade": "Rose"}, "sku": "L2", "price": {"amount": 1000, "compare_at": 1500}},
    ],
}
Units = list[tuple[str, dict[str, str], str, int]]


@pytest.fixture
def api(db: None) -> Api:
    found = Api(make.merchant())
    assert send(found, LIP) == ("created", [])
    return found


def send(api: Api, row: dict[str, Any]) -> tuple[str, list[str]]:
    [told] = api.post("products/batch", {"products": [row]}).body["rows"]
    return told["result"], [one["code"] for one in told["problems"]]


def read(api: Api, body: bytes) -> Import:
    job = make.import_of(api.merchant, body)
    assert imports.run(import_id=job.pk, now=NOW) is imports.Progress.FINISHED
    job.refresh_from_db()
    return job


def lip(api: Api) -> tuple[list[str], Units]:
    [body] = api.get("products?handle=lip").body["results"]
    units = [(one["title"], one["options"], one["sku"], one["available"]) for one in body["variants"]]
    return body["options"], units


def units(first: int, second: int) -> tuple[list[str], Units]:
    return ["Shade"], [
        ("Coral", {"Shade": "Coral"}, "L1", first),
        ("Rose", {"Shade": "Rose"}, "L2", second),
    ]


def prices(api: Api) -> list[tuple[int, int | None]]:
    [body] = api.get("products?handle=lip").body["results"]
    return [(one["price"]["amount"], one["price"]["compare_at"]) for one in body["variants"]]


def test_a_new_title_takes_no_options_away(api: Api) -> None:
    assert send(api, {"handle": "lip", "title": "Lip"}) == ("unchanged", [])
    assert send(api, {"handle": "lip", "title": "Lipstick"}) == ("updated", [])
    assert lip(api) == units(0, 0)


def test_variants_are_known_by_their_skus_alone(api: Api) -> None:
    row = {"handle": "lip", "variants": [{"sku": "L1", "available": 7}, {"sku": "L2", "available": 9}]}
    assert send(api, row) == ("updated", [])
    assert lip(api) == units(7, 9)
    assert send(api, {**row, "title": "Lip"}) == ("unchanged", [])


def test_a_variant_that_nothing_tells_from_others_is_left_out(api: Api) -> None:
    for variant in ({"sku": "L9", "available": 7}, {"available": 7}):
        assert send(api, {"handle": "lip", "variants": [variant]}) == ("unchanged", ["MISSING_OPTION"])
    assert lip(api) == units(0, 0)
    make.variant(api.merchant, sku="MINE")
    assert send(api, {"handle": "lip", "variants": [{"sku": "MINE"}]}) == ("unchanged", ["SKU_TAKEN"])


def test_another_option_is_the_products_without_its_title(api: Api) -> None:
    variant = {"options": {"Shade": "Coral", "Size": "M"}, "sku": "L3"}
    assert send(api, {"handle": "lip", "options": ["Shade", "Size"], "variants": [variant]})[0] == "updated"
    assert lip(api)[0] == ["Shade", "Size"]


def test_a_product_without_options_has_one_variant_whatever_their_skus(api: Api) -> None:
    row = {"handle": "mug", "title": "Mug", "variants": [{"sku": "M1"}, {"sku": "M2"}]}
    assert send(api, row) == ("created", ["DUPLICATE_VARIANT"])
    assert send(api, {"handle": "mug", "variants": [{"sku": "M3"}]}) == ("updated", [])
    assert send(api, row) == ("updated", ["DUPLICATE_VARIANT"])
    # The one that was given another SKU a row before is not found by its old one.
    swapped = {"handle": "mug", "variants": [{"sku": "M2"}, {"sku": "M1"}]}
    assert send(api, swapped) == ("updated", ["DUPLICATE_VARIANT"])
    [body] = api.get("products?handle=mug").body["results"]
    assert [(one["title"], one["sku"]) for one in body["variants"]] == [("", "M2")]


@pytest.mark.parametrize(
    "body",
    [
        b"Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n"
        b"lip,Lip,L1,12.00,7\nlip,,L2,12.00,9\n",
        b"Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty\n"
        b"lip,Lip,,,L1,12.00,7\nlip,,,,L2,12.00,9\n",
        b"id\titem_group_id\ttitle\tprice\tquantity\n"
        b"L1\tlip\tLip\t12.00 EUR\t7\nL2\tlip\tLip\t12.00 EUR\t9\n",
    ],
)
def test_a_feed_without_options_takes_none_away(api: Api, body: bytes) -> None:
    job = read(api, body)
    assert (job.status, job.problems_count, job.variants_updated) == ("done", 0, 2)
    assert lip(api) == units(7, 9)
    assert read(api, body).variants_unchanged == 2


def test_a_feed_without_their_column_leaves_comparison_prices(api: Api) -> None:
    head = b"Handle,Title,Option1 Name,Option1 Value,Variant Price"
    rows = b"\nlip,Lip,Shade,Coral,12.00\nlip,,,Rose,16.00\n"
    job = read(api, head + rows)
    assert job.variants_updated == 2
    # One that is not above the price any more goes.
    assert prices(api) == [(1200, 1500), (1600, None)]
    assert read(api, head + rows).variants_unchanged == 2
    read(api, head + b",Variant Compare At Price\nlip,Lip,Shade,Coral,12.00,\nlip,,,Rose,16.00,20.00\n")
    assert prices(api) == [(1200, None), (1600, 2000)]


def test_what_comes_back_after_a_sale_keeps_its_comparison_price(api: Api) -> None:
    one = Variant.objects.get(merchant=api.merchant, sku="L1")
    ends = (timezone.now() + timedelta(hours=2)).isoformat()
    sale = api.post(f"variants/{one.pk}/price/schedule", {"amount": 800, "ends_at": ends})
    assert sale.status == 201, sale.body
    read(api, b"Handle,Title,Option1 Name,Option1 Value,Variant Price\nlip,Lip,Shade,Coral,12.00\n")
    running = api.get(f"variants/{one.pk}/price").body["running"]
    assert running["comes_back"] == {"amount": 1200, "compare_at": 1500, "currency": "EUR"}
