"""Stock, locations, announced prices, pictures and sorting in the merchant admin."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import bundles
from catalog.models import (
    Category,
    CategoryAttribute,
    Location,
    LocationStock,
    LowStock,
    PriceSchedule,
    Product,
    ProductImage,
    Stock,
    StockMovement,
    Variant,
)
from catalog.pricing import prices
from catalog.shelf import locations, thresholds
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.photos import picture
from tests.deskfolk import NOW, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def one() -> Variant:
    return make.variant(make.merchant(), sku="MUG-1", stocked=10)


def text(client: Client, address: str) -> str:
    answer = client.get(f"/merchant/{address}")
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


def send(client: Client, merchant: Merchant, address: str, **form: Any) -> Any:
    return client.post(f"/merchant/{address}", {"merchant": str(merchant.pk), **form}, follow=True)


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# --- stock ---


def test_stock_is_found_counted_and_set_where_it_lies(one: Variant) -> None:
    client = client_of(one.merchant)
    here = f"stock/{one.pk}/"
    assert "MUG-1" in text(client, "stock/?q=MUG-1")
    assert "Nothing found" in text(client, "stock/?below=3")
    assert "MUG-1" in text(client, "stock/?below=11")

    send(client, one.merchant, f"{here}adjust/", delta="-2", note="broken")
    assert Stock.objects.get(pk=one.pk).available == 8
    for code in ("main", "berlin"):
        locations.create(merchant_id=one.merchant_id, code=code, name=code.title(), now=NOW)
    send(client, one.merchant, f"{here}set/", units="5", location="berlin")
    assert "Moved." in said(
        send(client, one.merchant, f"{here}move/", units="3", origin="berlin", target="main", note="x")
    )

    assert Stock.objects.get(pk=one.pk).available == 13
    assert LocationStock.objects.get(variant=one).on_hand == 2
    page = text(client, here)
    for words in ("broken", "Counted", "Moved", "berlin: -3", "Owner"):
        assert words in page, words
    latest = StockMovement.objects.filter(variant=one).latest("id")
    assert (latest.by, latest.by_name) == ("member", "Owner") or "@" in latest.by_name
    assert "berlin: 2" in text(client, "stock/")
    assert "broken" in text(client, "stock/log/?sku=MUG-1&reason=adjust")
    assert "No change is like that" in text(client, "stock/log/?sku=MUG-2")


@pytest.mark.parametrize(
    ("act", "form", "words"),
    [
        ("adjust", {"delta": "x"}, "Write a whole number."),
        ("adjust", {"delta": "0"}, "Write how many come or go"),
        ("adjust", {"delta": "-11"}, "There are not enough left."),
        ("set", {"units": "-1"}, "Stock is between 0"),
        ("set", {"units": "99999999999999"}, "Write a whole number."),
        ("set", {"units": "1", "location": "moon"}, "You have no such location."),
        ("low", {"low_at": "few"}, "Write a whole number."),
        ("low", {"low_at": "-1"}, "Stock is between 0"),
        ("low", {"low_at": "1000000001"}, "Stock is between 0"),
        ("move", {"units": "0"}, "Write how many units are moved."),
        ("move", {"units": "1", "origin": "a", "target": "a"}, "Name two locations."),
    ],
)
def test_what_stock_cannot_be_is_said(one: Variant, act: str, form: dict[str, str], words: str) -> None:
    client = client_of(one.merchant)
    assert words in said(send(client, one.merchant, f"stock/{one.pk}/{act}/", **form))
    assert Stock.objects.get(pk=one.pk).available == 10
    assert not LowStock.objects.exists()


def test_how_few_are_little_is_set_seen_and_taken_back(one: Variant) -> None:
    client = client_of(one.merchant)
    here = f"stock/{one.pk}/"
    assert "<dt>Low at</dt><dd>–</dd>" in text(client, here)
    assert "Nothing found" in text(client, "stock/?low=1")

    assert "Saved." in said(send(client, one.merchant, f"{here}low/", low_at="12"))
    assert LowStock.objects.get(pk=one.pk).low_at == 12
    page = text(client, here)
    assert "<dt>Low at</dt><dd>12</dd>" in page
    assert 'name="low_at" value="12"' in page
    assert "low</span> 10</td>" in text(client, "stock/?low=1")

    send(client, one.merchant, f"{here}low/", low_at="0")
    assert LowStock.objects.get(pk=one.pk).low_at == 0
    assert "low</span>" not in text(client, here)

    send(client, one.merchant, f"{here}low/", low_at="")
    assert not LowStock.objects.exists()


def test_who_may_not_change_stock_sees_how_few_are_little_and_cannot_say(one: Variant) -> None:
    thresholds.set_threshold(merchant_id=one.merchant_id, variant_id=one.pk, low_at=3, now=NOW)
    client = client_of(one.merchant, "viewer")
    page = text(client, f"stock/{one.pk}/")
    assert "<dt>Low at</dt><dd>3</dd>" in page
    assert 'name="low_at"' not in page
    answer = client.post(f"/merchant/stock/{one.pk}/low/", {"merchant": str(one.merchant_id), "low_at": "9"})
    assert answer.status_code == 403
    assert LowStock.objects.get(pk=one.pk).low_at == 3


def test_a_bundle_has_nothing_that_is_little(one: Variant) -> None:
    part = make.variant(one.merchant, sku="PART")
    whole = make.variant(one.merchant, sku="SET", stocked=0)
    bundles.set_parts(merchant_id=one.merchant_id, bundle_id=whole.pk, parts={part.pk: 2}, now=NOW)
    client = client_of(one.merchant)
    assert 'name="low_at"' not in text(client, f"stock/{whole.pk}/")
    page = said(send(client, one.merchant, f"stock/{whole.pk}/low/", low_at="2"))
    assert "bundle" in page
    assert not LowStock.objects.exists()


def test_counting_that_is_pressed_twice_counts_once(one: Variant) -> None:
    client = client_of(one.merchant)
    for _ in range(2):
        send(client, one.merchant, f"stock/{one.pk}/adjust/", delta="5", key="k")
    assert Stock.objects.get(pk=one.pk).available == 15


def test_another_merchants_location_is_no_place(one: Variant) -> None:
    locations.create(merchant_id=make.merchant("Other").pk, code="theirs", name="Theirs", now=NOW)
    page = said(
        send(client_of(one.merchant), one.merchant, f"stock/{one.pk}/set/", units="1", location="theirs")
    )
    assert "You have no such location." in page


def test_locations_are_named_changed_and_closed(one: Variant) -> None:
    shop = one.merchant
    client = client_of(shop)
    assert "No location yet" in text(client, "locations/")
    send(client, shop, "locations/", name="Main house", code="main")
    send(client, shop, "locations/", name="Berlin", code="berlin", country="DE")
    assert "Another location has this code." in said(
        send(client, shop, "locations/", name="Berlin", code="berlin")
    )
    berlin = Location.objects.get(code="berlin")
    send(client, shop, f"stock/{one.pk}/set/", units="2", location="berlin")
    refused = said(send(client, shop, f"locations/{berlin.pk}/", name="Berlin", is_active=""))
    assert "Goods lie there." in refused
    send(client, shop, f"stock/{one.pk}/set/", units="0", location="berlin")
    send(client, shop, f"locations/{berlin.pk}/", name="Berlin, old", is_active="")
    berlin.refresh_from_db()
    assert (berlin.name, berlin.is_active) == ("Berlin, old", False)
    main = Location.objects.get(code="main")
    send(client, shop, f"locations/{main.pk}/", name="House")
    main.refresh_from_db()
    assert (main.name, main.is_active) == ("House", True)


# --- announced prices ---


def test_a_price_is_announced_in_the_writers_own_time_and_called_off(one: Variant) -> None:
    client = client_of(one.merchant)
    here = f"variants/{one.pk}/prices/"
    day = (timezone.now() + timedelta(days=10)).strftime("%Y-%m-%d")
    page = send(
        client,
        one.merchant,
        here,
        amount="7,50",
        compare_at="9.90",
        starts_at=f"{day}T10:00",
        starts_at_ahead="120",
        ends_at=f"{day}T20:00",
    )
    row = PriceSchedule.objects.get()
    assert (row.amount, row.compare_at) == (750, 990), said(page)
    assert row.starts_at == datetime.fromisoformat(f"{day}T08:00").replace(tzinfo=UTC)
    assert row.ends_at == datetime.fromisoformat(f"{day}T20:00").replace(tzinfo=UTC)
    assert "€7.50" in text(client, "prices/?status=upcoming")
    again = send(
        client,
        one.merchant,
        here,
        amount="7.50",
        compare_at="9.90",
        starts_at=f"{day}T08:00",
        ends_at=f"{day}T20:00",
    )
    assert "announced already" in said(again)

    send(client, one.merchant, f"{here}{row.pk}/call-off/")
    row.refresh_from_db()
    assert row.status == "cancelled"
    assert "Called off" in text(client, here)


def test_a_price_that_is_set_while_an_announced_one_runs_is_the_one_that_comes_back(one: Variant) -> None:
    client = client_of(one.merchant)
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT00:00")
    sale = {"amount": "15", "compare_at": "21", "ends_at": tomorrow}
    send(client, one.merchant, f"variants/{one.pk}/prices/", **sale)
    page = text(client, f"products/{one.product_id}/")
    assert "€15.00 now, as announced; then" in page
    assert 'name="price" value="19.99"' in page
    told = said(send(client, one.merchant, f"variants/{one.pk}/price/", price="18"))
    assert "costs 18.00 EUR when the announced 15.00 EUR ends." in told
    back = PriceSchedule.objects.get()
    # Not the comparison price of the sale: this one was never compared with anything.
    assert (back.status, back.before_amount, back.before_compare_at) == ("running", 1800, None)
    assert one.prices.get(valid_to=None).amount == 1500


def test_a_comparison_price_stays_where_it_is_still_above_the_price(one: Variant) -> None:
    client = client_of(one.merchant)
    quote = prices.Quote(1999, 2500, "EUR")
    prices.change_many(merchant_id=one.merchant_id, quotes={one.pk: quote}, now=timezone.now())
    for given, compare_at in (("24", 2500), ("25", None)):
        send(client, one.merchant, f"variants/{one.pk}/price/", price=given)
        assert one.prices.get(valid_to=None).compare_at == compare_at


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"amount": "5"}, "Say from when, or until when."),
        ({"amount": "1,000", "ends_at": "2099-01-01T00:00"}, "Write it as in 19.90."),
        ({"amount": "5", "ends_at": "2001-01-01T00:00"}, "A price is announced for a moment to come"),
        ({"amount": "5", "compare_at": "4", "ends_at": "2031-01-01T00:00"}, "compare_at above it"),
        ({"amount": "5", "ends_at": "soon"}, "Enter a valid date"),
        ({"amount": "5", "ends_at": "0001-01-01T00:00", "ends_at_ahead": "840"}, "a date of this era"),
    ],
)
def test_what_is_wrong_with_an_announced_price_stands_in_the_form(
    one: Variant, form: dict[str, str], words: str
) -> None:
    answer = send(client_of(one.merchant), one.merchant, f"variants/{one.pk}/prices/", **form)
    assert (answer.status_code, PriceSchedule.objects.count()) == (400, 0)
    assert words in said(answer)


# --- pictures ---


def test_pictures_are_added_ordered_described_and_removed(one: Variant) -> None:
    shop, product = one.merchant, one.product
    client = client_of(shop)
    here = f"products/{product.pk}/pictures/"
    assert "No picture yet" in text(client, here)
    file = io.BytesIO(picture())
    file.name = "mug.jpg"
    send(client, shop, here, file=file, alt="A mug")
    send(client, shop, here, url="https://shop.example.com/b.jpg")
    assert "The product has this picture." in said(
        send(client, shop, here, url="https://shop.example.com/b.jpg")
    )
    first, second = product.images.order_by("position")
    assert (first.uploaded, first.alt, second.uploaded) == (True, "A mug", False)

    send(client, shop, f"{here}{second.pk}/", verb="place", position="1")
    send(client, shop, f"{here}{second.pk}/", verb="describe", alt="From the side")
    assert [(row.pk, row.alt) for row in product.images.order_by("position")] == [
        (second.pk, "From the side"),
        (first.pk, "A mug"),
    ]
    send(client, shop, f"{here}{first.pk}/", verb="remove")
    assert product.images.get() == second
    assert send(client, shop, f"{here}{second.pk}/", verb="eat").status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose a file, or write an address."),
        ({"url": "ftp://x/y.jpg"}, "has to begin with http"),
        ({"url": "javascript:alert(1)"}, "has to begin with http"),
    ],
)
def test_what_is_no_picture_is_refused_in_the_form(one: Variant, form: dict[str, str], words: str) -> None:
    answer = send(client_of(one.merchant), one.merchant, f"products/{one.product_id}/pictures/", **form)
    assert answer.status_code == 400
    assert words in said(answer)


def test_pictures_that_failed_are_told_of_and_tried_again(one: Variant) -> None:
    shop = one.merchant
    client = client_of(shop)
    row = ProductImage.objects.create(
        merchant=shop,
        product=one.product,
        url="https://shop.example.com/gone.jpg",
        state="failed",
        code="REFUSED",
        reason="The host answered 404.",
    )
    assert "picture could not be had" in text(client, "")
    assert "The host answered 404." in text(client, "pictures/")
    send(client, shop, f"products/{one.product_id}/pictures/{row.pk}/", verb="retry")
    row.refresh_from_db()
    assert (row.state, row.code) == ("waiting", "")
    assert "No picture failed" in text(client, "pictures/")


def test_another_picture_of_reviewed_goods_on_sale_is_looked_at(one: Variant) -> None:
    shop = one.merchant
    Merchant.objects.filter(pk=shop.pk).update(goods_reviewed=True)
    Product.objects.filter(pk=one.product_id).update(status="approved", waits_since=None)
    client = client_of(shop)
    send(client, shop, f"products/{one.product_id}/pictures/", url="https://shop.example.com/b.jpg")
    assert Product.objects.get(pk=one.product_id).waits_since is not None
    assert "Yellowcart looks at what you changed" in text(client, f"products/{one.product_id}/")


# --- sorting ---


def test_a_product_is_sorted_and_keeps_its_values_kinds(one: Variant) -> None:
    shop, product = one.merchant, one.product
    mugs = Category.objects.create(code="mugs", name="Mugs")
    for code, kind, more in (
        ("volume", "number", {"unit": "ml", "required": True}),
        ("glazed", "boolean", {}),
        ("shape", "choice", {"choices": ["round", "square"]}),
    ):
        CategoryAttribute.objects.create(category=mugs, code=code, name=code.title(), kind=kind, **more)
    client = client_of(shop)
    here = f"products/{product.pk}/sorting/"
    draft = Product.objects.filter(pk=product.pk)
    draft.update(status="draft")

    send(client, shop, here, category="mugs", vendor="Sol", tags="summer, new, summer")
    assert "asks for more before it can be sold: Volume" in text(client, here)
    form = {"category": "mugs", "vendor": "Sol", "tags": "new", "attr-shape": "round", "attr-glazed": "no"}
    wrong = send(client, shop, here, **form, **{"attr-volume": "much"})
    assert (wrong.status_code, "It is a number, in ml." in said(wrong)) == (400, True)
    send(client, shop, here, **form, **{"attr-volume": "350"}, more="made_in: Lisbon")

    product = draft.get()
    assert (product.vendor, product.tags) == ("Sol", ["new"])
    assert product.attributes == {"volume": 350, "glazed": False, "shape": "round", "made_in": "Lisbon"}
    page = text(client, "categories/")
    assert "Mugs" in page and "Sol" in page and "new" in page
    assert "UNKNOWN" not in said(send(client, shop, here, category="moon"))
    assert draft.get().category == mugs


def test_tags_with_commas_stay_whole_where_nobody_wrote_others(one: Variant) -> None:
    here = f"products/{one.product_id}/sorting/"
    Product.objects.filter(pk=one.product_id).update(tags=["red, or nearly", "new"])
    send(client_of(one.merchant), one.merchant, here, vendor="Sol", tags="red, or nearly, new")
    product = Product.objects.get(pk=one.product_id)
    assert (product.vendor, product.tags) == ("Sol", ["red, or nearly", "new"])


def test_values_of_several_lines_stay_whole_where_nobody_wrote_others(one: Variant) -> None:
    here = f"products/{one.product_id}/sorting/"
    free = {"care": "Wash cold.\nfit: loose", "made_in": "Lisbon"}
    kept = Product.objects.filter(pk=one.product_id)
    kept.update(attributes=free)
    client = client_of(one.merchant)
    page = text(client, here)
    assert "stay as they are: care." in page and "care: Wash" not in page
    send(client, one.merchant, here, vendor="Sol", more="made_in: Porto")
    assert kept.get().attributes == {**free, "made_in": "Porto"}

    mugs = Category.objects.create(code="mugs", name="Mugs")
    CategoryAttribute.objects.create(category=mugs, code="care", name="Care", kind="text")
    kept.update(category=mugs)
    assert "Wash cold. fit: loose</textarea>" in said(client.get(f"/merchant/{here}"))
    form = {"category": "mugs", "more": "made_in: Porto", "attr-care": "Wash cold.\r\nfit: loose"}
    send(client, one.merchant, here, **form)
    assert kept.get().attributes == {**free, "made_in": "Porto"}


def test_saving_the_words_leaves_lines_as_they_were(one: Variant) -> None:
    Product.objects.filter(pk=one.product_id).update(description="a\nb")
    send(
        client_of(one.merchant),
        one.merchant,
        f"products/{one.product_id}/",
        title="Other",
        description="a\r\nb",
    )
    assert Product.objects.get(pk=one.product_id).description == "a\nb"


# --- how much it costs ---


@pytest.mark.parametrize(
    "address", ["stock/", "stock/log/", "locations/", "prices/", "pictures/", "products/", "categories/"]
)
def test_lists_cost_the_same_however_long_they_are(address: str) -> None:
    shop = make.merchant()
    client = client_of(shop)

    def more(count: int) -> None:
        for _ in range(count):
            row = make.variant(shop, stocked=5)
            thresholds.set_threshold(merchant_id=shop.pk, variant_id=row.pk, low_at=9, now=NOW)
            locations.create(merchant_id=shop.pk, code=f"l-{row.pk.hex}", name="Place", now=NOW)
            PriceSchedule.objects.create(
                merchant=shop, variant=row, amount=500, currency="EUR", starts_at=NOW + timedelta(days=900)
            )
            ProductImage.objects.create(
                merchant=shop, product=row.product, url="https://x.example/a", state="failed", code="BROKEN"
            )
            Category.objects.create(code=f"c{Category.objects.count()}", name="Some")

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            text(client, address)
        return len(asked)

    more(2)
    text(client, address)
    before = statements()
    more(4)
    assert statements() == before
