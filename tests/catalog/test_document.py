"""The API document and its page: complete, current, and served without the outside world."""

import inspect
import re
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from catalog import bundles, products
from catalog.feeds import cells, exports, imports, intake, matching
from catalog.feeds.formats import (
    columns,
    fields,
    google,
    google_tsv,
    google_xml,
    jsonl,
    sheets,
    shopify,
    strictjson,
    texts,
)
from catalog.pricing import floors, prices
from catalog.shelf import stock
from config.env import ROOT
from tests import openapi

DOCUMENT: dict[str, Any] = openapi.document()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


@pytest.mark.django_db
def test_the_committed_document_is_the_one_that_is_served() -> None:
    served = Client().get("/api/schema")
    assert served.headers["Content-Type"].startswith("application/vnd.oai.openapi")
    # Run `make docs` when this fails.
    assert yaml.load(served.content, yaml.CSafeLoader) == DOCUMENT


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_operation_says_who_may_call_it_how_it_refuses_and_where_it_belongs(
    name: str, operation: dict[str, Any]
) -> None:
    assert re.fullmatch("[a-z]+(_[a-z]+)+", operation["operationId"])
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    refusals = {status for status in operation["responses"] if status >= "4"}
    assert "503" in refusals
    if operation.get("security") and {} not in operation["security"]:
        assert "401" in refusals
    if "requestBody" in operation:
        assert {"400", "413", "415"} <= refusals
    if "{" in name:
        assert "404" in refusals


def test_every_operation_has_a_name_of_its_own() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


def test_merchants_and_shoppers_sign_in_their_own_way() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert (schemes["merchantKey"]["in"], schemes["session"]["in"]) == ("header", "cookie")
    of = {operation["operationId"]: operation.get("security") for _, operation in OPERATIONS}
    assert of["product_list"] == [{"merchantKey": []}]
    assert of["purchase_create"] == [{"session": []}]


def test_bodies_that_take_nothing_unknown_say_so() -> None:
    assert DOCUMENT["components"]["schemas"]["ProductWriteRequest"]["additionalProperties"] is False


def test_the_page_needs_no_outside_world_and_no_inline_script() -> None:
    page = Client().get("/api/docs")
    html = page.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(sources) >= 6
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    for source in sources:
        if source.startswith(settings.STATIC_URL):
            assert finders.find(source.removeprefix(settings.STATIC_URL)), source
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert "unsafe" not in policy.get("script-src", policy["default-src"])
    [script] = [source for source in sources if "script" in source and "static" not in source]
    start = Client().get(script)
    assert start.headers["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle(" in start.content.decode()


def test_the_guide_names_every_code_of_the_catalog() -> None:
    guide = (ROOT / "docs" / "api.md").read_text()
    named = set(re.findall("`([A-Z]+(?:_[A-Z]+)*)`", guide))
    used: set[str] = set()
    verbs = (bundles, cells, exports, floors, imports, intake, matching, prices, products, stock)
    formats = (columns, fields, google, google_tsv, google_xml, jsonl, sheets, shopify, strictjson, texts)
    for module in verbs + formats:
        used |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', inspect.getsource(module)))
    assert used
    assert used - named == set()
