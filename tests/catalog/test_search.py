"""Search: weights, word forms, whole SKUs first, walls, and cursors that stay where they are."""

from typing import Any

import pytest
from django.db import connection

from catalog import products, search
from catalog.models import Product
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.api import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


def named(of: Merchant, title: str, **fields: Any) -> Product:
    new = products.NewProduct(
        handle=fields.pop("handle", title.lower().replace(" ", "-")), title=title, **fields
    )
    return products.create(merchant_id=of.pk, new=new, now=make.NOW)


def found(api: Api, query: str) -> list[str]:
    reply = api.get(f"products?{query}")
    assert reply.status == 200, reply.body
    return [row["title"] for row in reply.body["results"]]


def test_the_title_weighs_more_than_vendor_and_tags_and_these_more_than_the_description(api: Api) -> None:
    named(api.merchant, "Balm", description="Softer than velvet.")
    named(api.merchant, "Velvet")
    named(api.merchant, "Cream", tags=["velvet"])
    named(api.merchant, "Soap", vendor="Velvet")
    named(api.merchant, "Comb")
    first, *middle, last = found(api, "q=velvet")
    assert (first, set(middle), last) == ("Velvet", {"Soap", "Cream"}, "Balm")


def test_a_whole_sku_or_barcode_comes_before_all_words(api: Api) -> None:
    named(api.merchant, "VL 1 VL 1")
    named(api.merchant, "Balm", variants=[products.NewVariant(sku="VL 1")])
    named(api.merchant, "Soap", variants=[products.NewVariant(barcode="VL 1")])
    assert found(api, "q=VL 1") == ["Soap", "Balm", "VL 1 VL 1"]
    assert found(api, "q=vl 1") == ["VL 1 VL 1"]


@pytest.mark.parametrize(
    "text", ["creme", "CRÈME", "crème brûlée", '"creme brulee"', "creme -soap", "creme or nothing", "Straße"]
)
def test_accents_and_case_make_no_difference_and_a_query_is_written_as_on_the_web(
    api: Api, text: str
) -> None:
    named(api.merchant, "Crème/Brûlée", description="strasse")
    named(api.merchant, "Soap")
    assert found(api, f"q={text}") == ["Crème/Brûlée"]


@pytest.mark.parametrize("text", ["...", "-", '""', "&|!():*", "'; --", "\\", "<->", "-soap -soap"])
def test_a_text_without_words_finds_nothing_and_breaks_nothing(api: Api, text: str) -> None:
    named(api.merchant, "Soap")
    reply = api.client.get("/api/v1/catalog/products", {"q": text}, headers=api.headers)
    assert (reply.status_code, reply.json()["results"]) == (200, [])


def test_word_forms_are_found_in_the_products_language(api: Api) -> None:
    named(api.merchant, "Painted lip", language="en")
    named(api.merchant, "Lippenstift", language="de")
    named(api.merchant, "Painted lip of no language")
    assert found(api, "q=paint lips") == []
    assert found(api, "q=paint lips&language=en") == ["Painted lip"]
    assert found(api, "q=Lippenstifte&language=de") == ["Lippenstift"]
    assert api.get("products?q=a&language=xx").body["errors"]["language"]


def test_every_language_is_one_that_postgresql_has_words_for() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cfgname FROM pg_ts_config")
        known = {name for (name,) in cursor.fetchall()}
    assert {language.label.lower() for language in Product.Language} <= known
    seller = make.merchant()
    for language in Product.Language:
        named(seller, f"Velvet {language}", language=language.value)
        rows = Product.objects.filter(merchant=seller)
        hits = search.ranked(rows, merchant_id=seller.pk, text="velvet", language=language.value)
        assert f"Velvet {language}" in [row.title for row in hits]


def test_words_change_with_the_product(api: Api) -> None:
    one = named(api.merchant, "Soap")
    api.patch(f"products/{one.pk}", {"title": "Balm"})
    assert (found(api, "q=soap"), found(api, "q=balm")) == (["Balm"], ["Balm"])  # Its handle stays.
    assert found(api, "q=shampoo") == []


def test_nobody_finds_what_others_sell(api: Api) -> None:
    other = make.merchant()
    named(other, "Velvet", variants=[products.NewVariant(sku="V-1", barcode="42")])
    assert [found(api, f"q={text}") for text in ("velvet", "V-1", "42", str(other.pk))] == [[], [], [], []]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_go_there_and_back_and_lose_nothing_among_equals(api: Api, size: int) -> None:
    for n in range(7):
        named(api.merchant, "Velvet", handle=f"v{n}", description="velvet" * (n % 3 == 0))
    named(api.merchant, "Soap", handle="soap", variants=[products.NewVariant(sku="velvet")])
    whole = [row["handle"] for row in api.get("products?q=velvet&page_size=200").body["results"]]
    assert (whole[0], len(whole)) == ("soap", 8)
    seen: list[str] = []
    back: list[str] = []
    url = last = f"products?q=velvet&page_size={size}"
    while url:
        page = api.get(url).body
        seen += [row["handle"] for row in page["results"]]
        named(api.merchant, "Velvet velvet velvet", handle=f"late{len(seen)}")
        last, url = url, page["next"]
    kept = [handle for handle in seen if not handle.startswith("late")]
    assert kept == whole
    url = last
    while url:
        page = api.get(url).body
        back = [row["handle"] for row in page["results"]] + back
        url = page["previous"]
    assert [handle for handle in back if not handle.startswith("late")] == whole


@pytest.mark.parametrize("cursor", ["x", "%00", "PDE6MDA=", "é", "PDk5OTk5OTk5OTk6MDA=", "cD1hYmM="])
def test_a_cursor_that_no_search_gave_is_refused(api: Api, cursor: str) -> None:
    reply = api.get(f"products?q=velvet&cursor={cursor}")
    assert (reply.status, reply.code) == (400, "BAD_CURSOR")


def test_a_search_looks_at_the_newest_matches_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WINDOW", 2)
    for n in range(4):
        named(api.merchant, f"Velvet {n}")
    assert found(api, "q=velvet") == ["Velvet 3", "Velvet 2"]
    assert found(api, "q=velvet 0") == ["Velvet 0"]
