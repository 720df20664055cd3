"""The categories by which anybody may browse: what has goods on sale, and what these can be narrowed by."""

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import browsing
from catalog.models import Category, CategoryAttribute, Price, Product
from commerce.models import Merchant
from tests.flows.looking import ROOT, ask, placed, titles, tree
from tests.streams import make

pytestmark = pytest.mark.django_db


def codes(path: str = "categories") -> list[str]:
    return [each["code"] for each in ask(path)["results"]]


def defined(category: Category, code: str, kind: str = "text", **more: Any) -> CategoryAttribute:
    return CategoryAttribute.objects.create(
        category=category, code=code, name=code.title(), kind=kind, **more
    )


def test_the_tree_has_what_is_not_empty_each_before_what_is_below_it() -> None:
    _, lips, bags = tree()
    assert codes() == []
    placed("Lipstick", lips)
    assert ask("categories")["results"] == [
        {"code": "make_up", "name": "Make-up", "path": "make_up", "parent": None},
        {"code": "lips", "name": "Lips", "path": "make_up/lips", "parent": "make_up"},
    ]
    placed("Bag", bags)
    assert codes() == ["make_up", "lips", "make_up_bags"]


def test_the_tree_is_opened_level_by_level() -> None:
    _, lips, bags = tree()
    for one in (lips, bags):
        placed("One", one)
    assert codes("categories?top=true") == ["make_up", "make_up_bags"]
    assert codes("categories?parent=make_up") == ["lips"]
    for none in ("parent=lips", "parent=nowhere", "parent=make_up&top=true", "parent=%25"):
        assert codes(f"categories?{none}") == []


def test_the_tree_comes_page_by_page() -> None:
    for number in range(3):
        placed("One", Category.objects.create(code=f"c{number}", name="C"))
    found, path = [], "categories?page_size=1"
    while path:
        page = ask(path)
        found += [each["code"] for each in page["results"]]
        path = (page["next"] or "").partition(ROOT)[2]
    assert found == ["c0", "c1", "c2"]


@pytest.mark.parametrize("how", ["status", "merchant", "inactive", "no_price"])
def test_a_category_of_goods_that_are_not_on_sale_is_not_there(how: str) -> None:
    _, lips, _ = tree()
    one = placed("Lipstick", lips)
    match how:
        case "status":
            Product.objects.update(status="draft")
        case "merchant":
            Merchant.objects.update(is_active=False)
        case "inactive":
            one.variants.update(is_active=False)
        case "no_price":
            Price.objects.update(valid_to=make.NOW)
    assert codes() == []
    for code in ("lips", "make_up", "nowhere", "make_up-x"):
        assert ask(f"categories/{code}", status=404)["code"] == "NOT_FOUND"
    placed("Another", lips)
    assert codes() == ["make_up", "lips"]


def test_a_category_tells_what_is_around_it() -> None:
    _, lips, _ = tree()
    liners = Category.objects.create(code="liners", name="Liners", parent=lips)
    Category.objects.create(code="empty", name="Empty", parent=lips)
    placed("Liner", liners)
    told = ask("categories/lips")
    assert {name: told[name] for name in ("code", "name", "path", "parent")} == {
        "code": "lips",
        "name": "Lips",
        "path": "make_up/lips",
        "parent": "make_up",
    }
    assert told["above"] == [{"code": "make_up", "name": "Make-up", "path": "make_up"}]
    assert told["below"] == [{"code": "liners", "name": "Liners", "path": "make_up/lips/liners"}]
    assert [each["code"] for each in ask("categories/make_up")["below"]] == ["lips"]
    assert [each["code"] for each in ask("categories/liners")["above"]] == ["make_up", "lips"]


def test_facets_are_what_the_goods_say_of_what_their_category_defines() -> None:
    top, lips, bags = tree()
    defined(top, "finish", "choice", choices=["Matte", "Glossy"])
    defined(lips, "grams", "number", unit="g")
    defined(lips, "refill", "boolean")
    defined(lips, "unsaid")
    placed("One", lips, finish="Matte", grams=12.5, refill=True, own="x")
    placed("Two", lips, finish="matte", grams=12.0)
    placed("Three", top, finish="Glossy", grams=3)
    placed("Bag", bags, finish="Leather")
    hidden = placed("Draft", lips, finish="Satin")
    Product.objects.filter(pk=hidden.pk).update(status="draft")
    told = ask("categories/lips")
    assert told["looked_at"] == 2
    said = {
        each["code"]: [(one["value"], one["products"]) for one in each["values"]] for each in told["facets"]
    }
    assert said == {
        "finish": [("Matte", 2)],
        "grams": [("12", 1), ("12.5", 1)],
        "refill": [("true", 1)],
    }
    [grams] = [each for each in told["facets"] if each["code"] == "grams"]
    assert (grams["name"], grams["kind"], grams["unit"]) == ("Grams", "number", "g")
    [finish] = ask("categories/make_up")["facets"]
    assert [one["value"] for one in finish["values"]] == ["Matte", "Glossy"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "gold: 18 carat"),
        ("text", "Été & co"),
        ("text", "12.50"),
        ("text", "ΜΑΤΣ"),
        ("text", "İpek"),
        ("number", 12.50),
        ("number", 3),
        ("number", 1e14),
        ("number", 0.0000001),
        ("number", -0.5),
        ("number", 100.0),
        ("boolean", False),
    ],
)
def test_a_value_is_what_the_list_takes(kind: str, value: Any) -> None:
    _, lips, _ = tree()
    defined(lips, "says", kind)
    placed("It", lips, says=value)
    placed("Other", lips)
    [facet] = ask("categories/lips")["facets"]
    [only] = facet["values"]
    assert titles(f"products?category=lips&attribute=says:{quote(only['value'])}") == ["It"]


def test_values_that_a_list_tells_apart_are_two() -> None:
    _, lips, _ = tree()
    defined(lips, "says")
    for word in ("ΜΑΤΣ", "ματς", "ΜΑΤς"):
        placed(word, lips, says=word)
    [facet] = ask("categories/lips")["facets"]
    for each in facet["values"]:
        path = f"products?category=lips&attribute=says:{quote(each['value'])}"
        assert len(titles(path)) == each["products"], each


def test_a_facet_has_an_end_and_no_value_that_no_list_takes() -> None:
    _, lips, _ = tree()
    defined(lips, "says")
    seller = make.merchant()
    for number in range(browsing.MOST_VALUES + 1):
        placed(f"P{number}", lips, says=f"value {number % browsing.MOST_VALUES}")
    placed("Long", lips, says="x" * 255)
    [facet] = ask("categories/lips")["facets"]
    assert facet["values"][0] == {"value": "value 0", "products": 2}
    assert len(facet["values"]) == browsing.MOST_VALUES
    assert all(one["value"].startswith("value") for one in facet["values"])
    assert seller.is_active


def test_facets_look_at_the_newest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, lips, _ = tree()
    defined(lips, "says")
    for word in ("old", "new", "newest"):
        placed(word, lips, says=word)
    monkeypatch.setattr(browsing, "LOOKED_AT", 2)
    told = ask("categories/lips")
    assert told["looked_at"] == 2
    assert [one["value"] for one in told["facets"][0]["values"]] == ["new", "newest"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("parent=", "parent"),
        ("parent=%00", "parent"),
        ("parent=a&parent=b", "parent"),
        ("parent=" + "x" * 256, "parent"),
        ("top=false", "top"),
        ("q=lips", "q"),
        ("fields=code", "fields"),
    ],
)
def test_a_filter_that_is_wrong_is_named(query: str, field: str) -> None:
    body = ask(f"categories?{query}", status=400)
    assert (body["code"], list(body["errors"])) == ("BAD_REQUEST", [field])
    refused = ask("categories?page_size=501", status=400)
    assert (refused["code"], "500" in refused["detail"]) == ("BAD_PAGE_SIZE", True)
    assert ask("categories?cursor=cD1hYmM%3D%00", status=400)["code"] == "BAD_CURSOR"


def test_a_cache_may_answer_for_a_moment() -> None:
    _, lips, bags = tree()
    placed("Lipstick", lips)
    for path in ("categories", "categories/lips"):
        answer = Client().get(ROOT + path)
        assert answer["Cache-Control"] == "public, max-age=3"
        assert answer["Access-Control-Allow-Origin"] == "*"
        again = Client().get(ROOT + path, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    before = Client().get(ROOT + "categories")["ETag"]
    placed("Bag", bags)
    assert Client().get(ROOT + "categories", headers={"If-None-Match": before}).status_code == 200
    assert Client().get(ROOT + "categories/nowhere")["Cache-Control"] == "no-store"


def test_browsing_is_counted_with_the_rest_of_the_shop(settings: Any) -> None:
    settings.SHOP_READS_PER_MINUTE = 1
    assert [Client().get(ROOT + path).status_code for path in ("products", "categories")] == [200, 429]


@pytest.mark.parametrize(("path", "statements"), [("categories", 2), ("categories/make_up", 6)])
def test_an_answer_takes_the_same_statements_however_much_there_is(path: str, statements: int) -> None:
    top, lips, _ = tree()
    defined(top, "finish")
    taken = []
    for count in (1, 7):
        for number in range(count):
            below = Category.objects.create(code=f"c{count}_{number}", name="C", parent=lips)
            defined(below, "shade")
            placed("Lipstick", below, finish=f"matte {number}")
        with CaptureQueriesContext(connection) as asked:
            ask(path)
        taken.append(len(asked))
    assert taken == [statements, statements]


@pytest.mark.parametrize("there", [True, False])
def test_categories_in_use_are_found_by_jumps_through_their_index(there: bool) -> None:
    seller = make.merchant()
    shelves = [Category.objects.create(code=f"c{n}", name="C") for n in range(50)]
    Product.objects.bulk_create(
        Product(merchant=seller, handle=f"h{n}", title="x", status="approved", category=shelves[n % 50])
        for n in range(2_000)
    )
    with connection.cursor() as cursor:
        if not there:
            cursor.execute("DROP INDEX product_in_category")
        cursor.execute("ANALYZE catalog_product, catalog_category, commerce_merchant")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN (ANALYZE, COSTS off) " + browsing._IN_USE)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert ("Index Only Scan using product_in_category on catalog_product p_1" in plan) == there, plan
