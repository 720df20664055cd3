"""Categories, attributes, brands and tags: one tree, values that fit it, and names with their counts."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog import products, reviewing, taxonomy
from catalog.models import Category, CategoryAttribute, Product, ProductTag
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.feeds.formats.test_round_trips import read, written
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree() -> dict[str, Category]:
    """Beauty, in it make-up and skin care, and in make-up lipsticks; and a home of its own."""
    rows: dict[str, Category] = {}
    for code, parent in (
        *(("beauty", None), ("make_up", "beauty"), ("skin", "beauty"), ("lipsticks", "make_up")),
        *(("home", None),),
    ):
        rows[code] = Category.objects.create(code=code, name=code.title(), parent=rows.get(parent or ""))
    CategoryAttribute.objects.create(category=rows["beauty"], code="vegan", name="Vegan", kind="boolean")
    CategoryAttribute.objects.create(
        category=rows["make_up"],
        code="finish",
        name="Finish",
        kind="choice",
        choices=["matte", "gloss"],
        required=True,
    )
    CategoryAttribute.objects.create(
        category=rows["lipsticks"], code="grams", name="Weight", kind="number", unit="g"
    )
    return rows


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


def handles(reply: Any) -> set[str]:
    assert reply.status == 200, reply.body
    return {row["handle"] for row in reply.body["results"]}


def test_a_path_follows_its_category(tree: dict[str, Category]) -> None:
    assert Category.objects.get(code="lipsticks").path == "beauty/make_up/lipsticks"
    Category.objects.filter(code="make_up").update(parent=tree["home"], code="make")
    assert list(Category.objects.order_by("path").values_list("path", flat=True)) == [
        *("beauty", "beauty/skin", "home", "home/make", "home/make/lipsticks")
    ]


@pytest.mark.parametrize("below", ["beauty", "make_up", "lipsticks"])
def test_no_category_is_below_itself(tree: dict[str, Category], below: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Category.objects.filter(code="beauty").update(parent=tree[below])


def test_a_tree_has_eight_levels(tree: dict[str, Category]) -> None:
    parent = tree["lipsticks"]
    for n in range(5):
        parent = Category.objects.create(code=f"c{n}", name="x", parent=parent)
    with pytest.raises(IntegrityError), transaction.atomic():
        Category.objects.create(code="c6", name="x", parent=parent)


def test_categories_are_listed_as_a_tree(api: Api, tree: dict[str, Category]) -> None:
    listed = api.get("categories?page_size=3").body
    codes = [row["code"] for row in listed["results"] + api.get(listed["next"]).body["results"]]
    assert codes == ["beauty", "make_up", "lipsticks", "skin", "home"]
    assert [row["code"] for row in api.get("categories?parent=beauty").body["results"]] == ["make_up", "skin"]
    [row] = api.get("categories?q=lipst").body["results"]
    assert (row["parent"], row["path"]) == ("make_up", "beauty/make_up/lipsticks")
    said = {one["code"]: (one["kind"], one["required"], one["defined_by"]) for one in row["attributes"]}
    assert said == {
        "vegan": ("boolean", False, "beauty"),
        "finish": ("choice", True, "make_up"),
        "grams": ("number", False, "lipsticks"),
    }


def test_a_product_is_in_a_category_and_says_what_it_asks(api: Api, tree: dict[str, Category]) -> None:
    sent = {"handle": "a", "title": "A", "category": "lipsticks", "attributes": {"grams": 12, "note": "new"}}
    made = api.post("products", sent)
    assert (made.status, made.body["category"], made.body["attributes"]) == (
        201,
        "lipsticks",
        {"grams": 12, "note": "new"},
    )
    path = f"products/{made.body['id']}"
    assert api.post("products", {**sent, "handle": "b", "category": "nowhere"}).code == "UNKNOWN_CATEGORY"
    refused = api.post(f"{path}/submit")
    assert (refused.code, refused.body["data"]["attributes"]) == ("MISSING_ATTRIBUTES", ["finish"])
    assert api.call("PATCH", path, {"status": "approved"}).code == "MISSING_ATTRIBUTES"
    assert api.post("products", {**sent, "handle": "b", "status": "approved"}).code == "MISSING_ATTRIBUTES"
    assert not Product.objects.filter(handle="b").exists()
    whole = {"grams": 12.5, "finish": "matte", "vegan": True}
    assert api.call("PATCH", path, {"attributes": whole}).body["attributes"] == whole
    assert api.post(f"{path}/submit").body["status"] == "approved"
    assert api.call("PATCH", path, {"attributes": {}}).code == "MISSING_ATTRIBUTES"
    assert api.call("PATCH", path, {"category": None}).body["category"] is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"grams": "12"},
        {"grams": True},
        {"grams": 1e300},
        {"finish": "velvet"},
        {"finish": 1},
        {"vegan": "yes"},
        {"Bad Code": 1},
        {"x" * 41: 1},
        {"note": None},
        {"note": ""},
        {"note": "x" * 256},
        {"note": ["a"]},
        {"note": {"a": 1}},
        {f"n{n}": n for n in range(51)},
    ],
)
def test_values_that_cannot_be_are_refused_by_name(
    api: Api, tree: dict[str, Category], attributes: dict[str, Any]
) -> None:
    sent = {"handle": "a", "title": "A", "category": "lipsticks", "attributes": attributes}
    assert api.post("products", sent).code == "BAD_ATTRIBUTES"
    assert api.post("products", {**sent, "attributes": [1]}).status == 400
    lines = api.post(
        "products/batch",
        {
            "products": [
                {"handle": "b", "title": "B", "attributes": {"ok": 1} | attributes, "category": "lipsticks"}
            ]
        },
    )
    assert lines.status == 200
    [row] = lines.body["rows"]
    assert row["problems"]
    assert Product.objects.filter(handle="b").first() is None or Product.objects.get(
        handle="b"
    ).attributes == {"ok": 1}


def test_a_row_of_a_feed_keeps_back_what_its_category_asks_more_of(
    api: Api, tree: dict[str, Category]
) -> None:
    row = {"handle": "a", "title": "A", "status": "approved", "category": "lipsticks"}
    [became] = api.post("products/batch", {"products": [row]}).body["rows"]
    assert [one["code"] for one in became["problems"]] == ["MISSING_ATTRIBUTES"]
    assert Product.objects.get().status == "draft"
    [became] = api.post("products/batch", {"products": [row]}).body["rows"]
    assert became["result"] == "unchanged"
    [became] = api.post("products/batch", {"products": [{**row, "attributes": {"finish": "gloss"}}]}).body[
        "rows"
    ]
    assert not became["problems"]
    assert Product.objects.get().status == "approved"
    [became] = api.post("products/batch", {"products": [{"handle": "a", "category": "nowhere"}]}).body["rows"]
    assert [one["code"] for one in became["problems"]] == ["UNKNOWN_CATEGORY"]
    assert Product.objects.get().category == tree["lipsticks"]


def test_categories_and_attributes_come_back_from_json_lines(tree: dict[str, Category]) -> None:
    seller = make.merchant()
    make.product(seller, category="lipsticks", attributes={"finish": "matte", "grams": 1.5, "vegan": False})
    make.product(seller, category=None, attributes={"note": "x"})
    before = list(Product.objects.values_list("version", flat=True))
    body, _ = written(seller, "jsonl")
    job = read(seller, body)
    assert (job.products_unchanged, job.problems_count) == (2, 0)
    assert list(Product.objects.values_list("version", flat=True)) == before


def test_products_are_found_by_category_attribute_and_tag(api: Api, tree: dict[str, Category]) -> None:
    of, other = api.merchant, make.merchant()
    make.product(
        of,
        handle="a",
        status="draft",
        category="lipsticks",
        attributes={"finish": "matte", "grams": 5.0},
        tags=["New", "sale"],
    )
    make.product(of, handle="b", category="skin", attributes={"spf": 50, "vegan": True}, tags=["sale"])
    make.product(of, handle="c", category="home", attributes={"note": "Deep: Red"})
    make.product(other, handle="d", category="skin", attributes={"spf": 50}, tags=["sale"])
    for query, found in {
        "category=beauty": {"a", "b"},
        "category=make_up": {"a"},
        "category=home": {"c"},
        "category=nowhere": set(),
        "attribute=finish:matte": {"a"},
        "attribute=finish:MATTE": {"a"},
        "attribute=grams:5": {"a"},
        "attribute=grams:5.00": {"a"},
        "attribute=spf:50": {"b"},
        "attribute=spf:5": set(),
        "attribute=vegan:true": {"b"},
        "attribute=note:Deep: Red": {"c"},
        "attribute=finish": set(),
        "tag=sale": {"a", "b"},
        "tag=Sale": set(),
        "tag=sale&category=beauty&attribute=vegan:true": {"b"},
    }.items():
        assert handles(api.get(f"products?{query}")) == found, query


def test_brands_and_tags_are_listed_with_their_counts_page_by_page(api: Api) -> None:
    for n, vendor in enumerate(["Maison", "MAISON", "maison", "Ærø", "", "Zeta"]):
        make.product(api.merchant, vendor=vendor, tags=["all", f"t{n % 2}", "all"])
    make.product(make.merchant(), vendor="Foreign", tags=["foreign"])
    brands, at = [], "brands?page_size=1"
    while at:
        body = api.get(at).body
        brands += [(row["name"], row["products"]) for row in body["results"]]
        at = body["next"]
    assert sorted(brands) == [("Zeta", 1), ("maison", 3), ("Ærø", 1)]
    tags = [(row["name"], row["products"]) for row in api.get("tags").body["results"]]
    assert tags == [("all", 6), ("t0", 3), ("t1", 3)]
    assert [row["name"] for row in api.get("tags?q=T").body["results"]] == ["t0", "t1"]
    assert api.get("brands?q=%25").body["results"] == []
    assert api.get("brands?cursor=!!").code == "BAD_CURSOR"
    assert api.get("brands?x=1").status == 400


def test_tags_are_kept_as_products_come_change_and_go() -> None:
    seller = make.merchant()
    made = make.product(seller, tags=["a", "b"])
    products.change(merchant_id=seller.pk, product_id=made.pk, changes={"tags": ["b", "c", "c"]}, now=NOW)
    assert sorted(ProductTag.objects.values_list("tag", flat=True)) == ["b", "c"]
    products.change(merchant_id=seller.pk, product_id=made.pk, changes={"title": "x"}, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_product WHERE id = %s", [made.pk])
    assert not ProductTag.objects.exists()


MANY = """
INSERT INTO catalog_product (id, merchant_id, handle, title, description, vendor, product_type, status, tags,
    option_names, category_id, attributes)
SELECT gen_random_uuid(), %s, 'h' || n, 'Soap', '', 'V' || n %% 40, '', 'draft', ARRAY['t' || n %% 400],
    '{}', CASE WHEN n %% 400 = 1 THEN %s::uuid END, jsonb_build_object('n', n %% 400)
FROM generate_series(1, 8000) AS n
"""


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("category=make_up", "product_by_category"),
        ("attribute=n:7", "product_facets"),
        ("tag=t7", "catalog_producttag"),
    ],
)
def test_filters_read_an_index(api: Api, tree: dict[str, Category], query: str, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY, [api.merchant.pk, tree["lipsticks"].pk])
        cursor.execute("ANALYZE catalog_product, catalog_producttag, catalog_category")
    with CaptureQueriesContext(connection) as made:
        assert len(api.get(f"products?{query}").body["results"]) == 20
    [sql] = [one["sql"] for one in made if 'FROM "catalog_product"' in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan, plan
    assert "Seq Scan on catalog_product" not in plan


def test_what_a_category_asks_for_later_takes_nothing_off_sale(tree: dict[str, Category]) -> None:
    seller: Merchant = make.merchant()
    made = make.product(seller, category="skin")
    CategoryAttribute.objects.create(
        category=tree["skin"], code="spf", name="SPF", kind="number", required=True
    )
    products.change(merchant_id=seller.pk, product_id=made.pk, changes={"title": "New"}, now=NOW)
    reviewing.withdraw(merchant_id=seller.pk, product_id=made.pk, now=NOW)
    with pytest.raises(taxonomy.MissingAttributes):
        reviewing.submit(merchant_id=seller.pk, product_id=made.pk, now=NOW)


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_who_takes_it_off_sale_may_take_away_what_its_category_asks_for(
    tree: dict[str, Category], status: str
) -> None:
    seller: Merchant = make.merchant()
    made = make.product(seller, category="skin")
    CategoryAttribute.objects.create(
        category=tree["skin"], code="spf", name="SPF", kind="number", required=True
    )
    on_sale: dict[str, Any] = {"attributes": {}}
    for changes in (on_sale, {**on_sale, "status": "approved"}):
        with pytest.raises(taxonomy.MissingAttributes):
            products.change(merchant_id=seller.pk, product_id=made.pk, changes=changes, now=NOW)
    off = {**on_sale, "status": status}
    products.change(merchant_id=seller.pk, product_id=made.pk, changes=off, now=NOW)
    assert Product.objects.get(pk=made.pk).status == status


def test_a_google_feed_s_category_counts_where_it_is_one_of_ours(tree: dict[str, Category]) -> None:
    seller = make.merchant()
    head = "id\ttitle\tprice\tgoogle_product_category\n"
    rows = ["1\tA\t5\tBeauty > Skin\n", "2\tB\t5\tApparel & Accessories > Shoes\n"]
    job = read(seller, (head + "".join(rows)).encode())
    assert job.problems_count == 0
    assert dict(Product.objects.values_list("handle", "category__code")) == {"1": "skin", "2": None}
