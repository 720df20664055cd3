"""A merchant's system asks for the fields that it needs, and what it does not ask for is not read."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import products
from tests.catalog import make
from tests.catalog.api import Api
from tests.openapi import document

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    api = Api(make.merchant())
    for n in range(3):
        pair = [products.NewVariant({"Size": size}, sku=f"{size}{n}", units=n) for size in "SM"]
        make.product(
            api.merchant,
            handle=f"h{n}",
            option_names=["Size"],
            variants=pair,
            images=[products.Image("https://img.example.com/1.jpg", "front")],
        )
    return api


IMAGE = dict.fromkeys(("id", "url", "alt", "position", "state", "width", "height", "files", "problem"))


def picked(body: Any) -> Any:
    """The names in a body."""
    if isinstance(body, dict):
        return {name: picked(value) for name, value in body.items()}
    return picked(body[0]) if isinstance(body, list) and body else None


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ("id", {"id": None}),
        ("handle,variants.sku", {"handle": None, "variants": {"sku": None}}),
        (
            "variants.sku,variants.id,images.alt",
            {"variants": {"sku": None, "id": None}, "images": {"alt": None}},
        ),
        ("images,images.alt", {"images": IMAGE}),
        ("images.alt,images", {"images": IMAGE}),
        ("version,tags", {"version": None, "tags": None}),
    ],
)
def test_lists_and_single_objects_have_what_was_asked_for(api: Api, fields: str, shape: Any) -> None:
    page = api.get(f"products?fields={fields}&page_size=2")
    assert picked(page.body["results"]) == shape
    behind = api.get(page.body["next"])
    assert (len(behind.body["results"]), picked(behind.body["results"])) == (1, shape)
    pk = api.get("products?fields=id").body["results"][0]["id"]
    assert picked(api.get(f"products/{pk}?fields={fields}").body) == shape


def test_values_are_those_of_the_whole_answer(api: Api) -> None:
    whole = api.get("variants").body["results"]
    assert api.get("variants?fields=id,available,price").body["results"] == [
        {name: one[name] for name in ("id", "price", "available")} for one in whole
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("fields=colour", "UNKNOWN_FIELD"),
        ("fields=id,variants.colour", "UNKNOWN_FIELD"),
        ("fields=id.x", "UNKNOWN_FIELD"),
        ("fields=tags.x", "UNKNOWN_FIELD"),
        ("fields=variants..sku", "UNKNOWN_FIELD"),
        ("fields=.", "UNKNOWN_FIELD"),
        ("fields= id", "UNKNOWN_FIELD"),
        ("fields=", "BAD_FIELDS"),
        ("fields=id,", "BAD_FIELDS"),
        ("fields=id&fields=title", "BAD_FIELDS"),
        (f"fields={','.join(['id'] * 1000)}", "BAD_FIELDS"),
    ],
)
def test_what_is_no_field_is_refused_by_name(api: Api, query: str, code: str) -> None:
    reply = api.get(f"products?{query}")
    assert (reply.status, reply.code) == (400, code)
    if code == "UNKNOWN_FIELD":
        assert reply.body["data"]["field"] == query.removeprefix("fields=").split(",")[-1]


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("products", 3),
        ("products?fields=id,images", 2),
        ("products?fields=id,title", 1),
        ("products?fields=variants.sku", 2),
        ("products?fields=variants.price.amount", 2),
        ("variants?fields=sku", 1),
        ("variants?fields=sku,price", 2),
    ],
)
def test_what_is_not_asked_for_is_not_read(api: Api, path: str, statements: int) -> None:
    with CaptureQueriesContext(connection) as made:
        assert api.get(path).status == 200
    taken = [query["sql"] for query in made if "commerce_merchant" not in query["sql"]]
    assert len(taken) == statements, taken
    asked = path.partition("?")[2]
    assert any("catalog_stock" in sql for sql in taken) == (not asked)


def operations() -> list[str]:
    return [
        path
        for path, item in document()["paths"].items()
        if any(each.get("name") == "fields" for each in item.get("get", {}).get("parameters", []))
    ]


def test_the_document_has_it_on_what_merchants_read() -> None:
    known = {"orders", "orders/{order_id}", "webhook-endpoints", "catalog/imports", "catalog/variants"}
    assert {f"/api/v1/{path}" for path in known} <= set(operations())


@pytest.mark.parametrize("path", operations())
def test_every_operation_that_has_it_knows_its_fields(api: Api, path: str) -> None:
    address = re.sub(r"{\w+}", "01a20580-72a3-77e8-9bf0-8c019a45478d", path)
    assert api.get(f"{address}?fields=nonsense").code == "UNKNOWN_FIELD"
    answer = document()["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = named(answer)
    if "results" in schema["properties"]:
        schema = named(schema["properties"]["results"]["items"])
    first = next(iter(schema["properties"]))
    parameter = next(
        each for each in document()["paths"][path]["get"]["parameters"] if each["name"] == "fields"
    )
    assert (parameter["style"], parameter["explode"]) == ("form", False)
    names = named(parameter["schema"]["items"])["enum"]
    assert set(schema["properties"]) <= set(names)
    for at in range(0, len(names), 20):
        assert api.get(f"{address}?fields={','.join(names[at : at + 20])}").status in (200, 404), names
    reply = api.get(f"{address}?fields={first}")
    assert reply.status in (200, 404)
    if reply.status == 200 and "results" not in reply.body:
        assert set(reply.body) == {first}


def named(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema, or the one of the document that it names."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
