"""What the catalog API refuses: strangers, other merchants' ids, and bodies that are wrong."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.utils import timezone

from catalog.commission import plans
from catalog.feeds import exports, imports
from catalog.models import FeedSource, Import, PriceSchedule, Product, ProductImage, Variant
from catalog.pricing import prices, schedules
from catalog.shelf import locations
from commerce import ids, merchantkeys
from tests import apikeys, openapi
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db

# Every address of the catalog with what a well-meaning caller would send there.
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "commission-plans", None),
    ("POST", "commission-plans", {"name": "Spring", "kind": "open", "rate_bp": 1500}),
    ("GET", "commission-plans/{plan}", None),
    ("PATCH", "commission-plans/{plan}", {"rate_bp": 0}),
    ("POST", "commission-plans/{plan}/end", None),
    ("GET", "brands", None),
    ("GET", "categories", None),
    ("GET", "tags", None),
    ("GET", "exports", None),
    ("POST", "exports", {"format": "jsonl"}),
    ("GET", "exports/{export}", None),
    ("POST", "exports/{export}/cancel", None),
    ("GET", "exports/{export}/file", None),
    ("GET", "feeds", None),
    ("POST", "feeds", {"url": "https://shop.example.com/feed", "every_minutes": 60}),
    ("GET", "feeds/{feed}", None),
    ("PATCH", "feeds/{feed}", {"enabled": False}),
    ("DELETE", "feeds/{feed}", None),
    ("POST", "feeds/{feed}/fetch", None),
    ("GET", "feeds/{feed}/fetches", None),
    ("GET", "images", None),
    ("GET", "imports", None),
    ("POST", "imports", None),
    ("GET", "imports/{import}", None),
    ("POST", "imports/{import}/cancel", None),
    ("GET", "imports/{import}/problems", None),
    ("GET", "locations", None),
    ("POST", "locations", {"code": "rome", "name": "Rome"}),
    ("GET", "locations/{location}", None),
    ("PATCH", "locations/{location}", {"name": "Mine now"}),
    ("GET", "stock", None),
    ("GET", "stock/movements", None),
    (
        "POST",
        "stock/transfers",
        {"from_location": "main", "to_location": "b", "lines": [{"sku": "THEIRS", "units": 1}]},
    ),
    ("GET", "prices/schedule", None),
    ("GET", "products", None),
    ("POST", "products", {"handle": "new", "title": "New"}),
    ("GET", "products/{product}", None),
    ("PATCH", "products/{product}", {"title": "Mine now"}),
    ("POST", "products/{product}/images", None),
    ("GET", "products/{product}/images/{image}", None),
    ("PATCH", "products/{product}/images/{image}", {"alt": "Mine now"}),
    ("DELETE", "products/{product}/images/{image}", None),
    ("POST", "products/{product}/images/{image}/retry", None),
    ("POST", "products/{product}/restore", None),
    ("POST", "products/{product}/retire", {"reason": "No more"}),
    ("GET", "products/{product}/reviews", None),
    ("POST", "products/{product}/submit", None),
    ("POST", "products/{product}/withdraw", None),
    ("POST", "products/{product}/variants", {"options": {}}),
    ("POST", "products/batch", {"products": [{"handle": "mine", "variants": [{"sku": "THEIRS"}]}]}),
    ("POST", "stock/batch", {"stock": [{"sku": "THEIRS", "available": 0}]}),
    ("POST", "prices/batch", {"prices": [{"sku": "THEIRS", "amount": 1}]}),
    ("GET", "variants", None),
    ("GET", "variants/{variant}", None),
    ("PATCH", "variants/{variant}", {"sku": "mine-now"}),
    ("GET", "variants/{variant}/price", None),
    ("PUT", "variants/{variant}/price", {"amount": 1}),
    ("GET", "variants/{variant}/floor", None),
    ("PUT", "variants/{variant}/floor", {"amount": 1}),
    ("DELETE", "variants/{variant}/floor", None),
    ("GET", "variants/{variant}/parts", None),
    ("PUT", "variants/{variant}/parts", {"parts": [{"variant": str(ids.new()), "quantity": 2}]}),
    ("DELETE", "variants/{variant}/parts", None),
    ("GET", "variants/{variant}/price/schedule", None),
    ("POST", "variants/{variant}/price/schedule", {"amount": 1, "starts_at": "2035-01-01T00:00:00Z"}),
    ("DELETE", "variants/{variant}/price/schedule/{schedule}", None),
    ("GET", "variants/{variant}/stock", None),
    ("PUT", "variants/{variant}/stock", {"available": 0}),
    ("POST", "variants/{variant}/stock", {"delta": -1}),
    ("PATCH", "variants/{variant}/stock", {"low_at": 1}),
]
OF_ONE = [call for call in CALLS if "{" in call[1]]


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


def _announced(one: Variant) -> PriceSchedule:
    later = schedules.Plan(prices.Quote(1500, None, "EUR"), NOW + timedelta(days=1), None)
    return schedules.make(merchant_id=one.merchant_id, variant_id=one.pk, plan=later, now=NOW).schedule


def goods(seller: Any) -> dict[str, UUID]:
    """Give a merchant one of everything; returns the ids by the names used above."""
    one = make.variant(seller, stocked=10, amount=1999, sku="THEIRS")
    job = make.import_of(seller, make.simple_feed(1), filename="theirs.csv")
    file = exports.queue(merchant_id=seller.pk, format="jsonl", filters={}, now=NOW)
    terms = plans.Terms("Theirs", 1500)
    plan = plans.create(merchant_id=seller.pk, kind="open", terms=terms, now=NOW)
    place = locations.create(merchant_id=seller.pk, code="theirs", name="Theirs", now=NOW)
    jobs = {"import": job.pk, "export": file.pk, "schedule": _announced(one).pk, "location": place.pk}
    jobs["feed"] = FeedSource.objects.create(
        merchant=seller, url="https://x.example/", every_minutes=60, due_at=NOW
    ).pk
    jobs["image"] = ProductImage.objects.create(
        merchant=seller, product=one.product, url="https://x.example/"
    ).pk
    return {"variant": one.pk, "product": one.product_id, "plan": plan.pk, **jobs}


def test_the_calls_above_are_all_there_are() -> None:
    from catalog import urls

    ours = {f"{method} {path}" for method, path, _ in CALLS}
    found = set()
    for pattern in urls.urlpatterns:
        path = str(pattern.pattern).replace("<uuid:", "{").replace("_id>", "}")
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        found |= {
            f"{m.upper()} {path}" for m in ("get", "post", "put", "patch", "delete") if hasattr(view, m)
        }
    assert ours == found


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_nobody_comes_in_without_a_valid_key(api: Api, method: str, path: str, body: Any) -> None:
    ours = {"import": ids.new(), "export": ids.new(), "image": ids.new(), "feed": ids.new()}
    path = path.format(
        **ours, schedule=ids.new(), location=ids.new(), product=ids.new(), variant=ids.new(), plan=ids.new()
    )
    _, expired = apikeys.key(api.merchant, expires_at=timezone.now())
    lost, revoked = apikeys.key(api.merchant)
    merchantkeys.revoke(key_id=lost.pk, now=timezone.now(), by=merchantkeys.By())
    for header, code in (
        (None, "UNAUTHENTICATED"),
        ("Bearer x", "UNAUTHENTICATED"),
        ("Api-Key", "UNAUTHENTICATED"),
        ("Api-Key wrong.key", "BAD_KEY"),
        ("Api-Key \x00\xff", "BAD_KEY"),
        (f"Api-Key {expired}", "BAD_KEY"),
        (f"Api-Key {revoked}", "BAD_KEY"),
    ):
        api.headers = {} if header is None else {"Authorization": header}
        reply = api.call(method, path, body)
        assert (reply.status, reply.code, reply.headers["WWW-Authenticate"]) == (401, code, "Api-Key"), header


def test_a_merchant_who_is_not_active_is_out(api: Api) -> None:
    type(api.merchant).objects.update(is_active=False)
    assert api.get("products").code == "BAD_KEY"


@pytest.mark.parametrize(("method", "path", "body"), OF_ONE)
def test_another_merchants_ids_are_unknown_ids(api: Api, method: str, path: str, body: Any) -> None:
    other = make.merchant()
    theirs = goods(other)
    before = Api(other).get("products").body
    reply = api.call(method, path.format(**theirs), body)
    assert (reply.status, reply.code) == (404, "NOT_FOUND")
    unknown = api.call(method, path.format(**dict.fromkeys(theirs, ids.new())), body)
    assert (unknown.status, unknown.body["detail"]) == (404, reply.body["detail"])
    assert Api(other).get("products").body == before


def test_lists_show_ones_own_rows_only(api: Api) -> None:
    theirs = goods(make.merchant())
    for path in (
        "exports",
        "imports",
        "locations",
        "locations?code=theirs",
        "stock",
        "stock?skus=THEIRS,OTHER",
        "stock?low=true",
        "stock?location=theirs",
        "stock/movements",
        f"stock/movements?variant={theirs['variant']}",
        "stock/movements?sku=THEIRS",
        "stock/movements?location=theirs",
        "prices/schedule",
        "products",
        "variants",
        f"variants?product={theirs['product']}",
        "variants?sku=THEIRS",
    ):
        assert api.get(path).body["results"] == []


@pytest.mark.parametrize("field", ["merchant", "merchant_id", "product", "product_id", "id"])
def test_a_body_cannot_name_whose_it_is(api: Api, field: str) -> None:
    mine, theirs = goods(api.merchant), goods(make.merchant())
    for method, path, body in CALLS:
        if body is not None:
            reply = api.call(method, path.format(**mine), {**body, field: str(theirs["product"])})
            assert (reply.status, reply.code) == (400, "BAD_REQUEST"), path
            assert reply.body["errors"][field][0]["code"] == "UNKNOWN_FIELD"
    assert Product.objects.get(pk=theirs["product"]).title == "Velvet lipstick"


def test_another_merchants_sku_and_handle_are_free(api: Api) -> None:
    other = make.merchant()
    make.variant(other, sku="S", handle="soap")
    made = api.post("products", {"handle": "soap", "title": "Soap", "variants": [{"sku": "S"}]})
    assert made.status == 201
    taken = api.post("products", {"handle": "soap", "title": "Soap"})
    assert (taken.status, taken.code) == (409, "HANDLE_TAKEN")
    taken = api.post("products", {"handle": "soap-2", "title": "Soap", "variants": [{"sku": "S"}]})
    assert (taken.status, taken.code) == (409, "SKU_TAKEN")


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "NOT_JSON"),
        (b"", "BAD_REQUEST"),
        (b"[]", "BAD_REQUEST"),
        (b'"text"', "BAD_REQUEST"),
        (b"null", "BAD_REQUEST"),
        (b'{"title": "\xff"}', "NOT_JSON"),
        (b'{"title": "\\ud800"}', "NOT_JSON"),
        (b'{"title": NaN}', "NOT_JSON"),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "NOT_JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "TOO_DEEP"),
        (b"[" * 40 + b"]" * 40, "TOO_DEEP"),
    ],
)
def test_malformed_json_is_refused_by_name(api: Api, body: bytes, code: str) -> None:
    reply = api.call("POST", "products", data=body, content_type="application/json")
    assert reply.status == 400
    assert reply.code in (code, "TOO_DEEP" if code == "NOT_JSON" else code)


def test_a_body_beyond_the_limit_is_too_large(api: Api) -> None:
    body = orjson.dumps({"handle": "x", "title": "x", "description": "x" * (1 << 20)})
    reply = api.call("POST", "products", data=body, content_type="application/json")
    assert (reply.status, reply.code) == (413, "TOO_LARGE")


def test_other_types_of_body_are_not_read(api: Api) -> None:
    reply = api.call("POST", "products", data=b"title=x", content_type="application/x-www-form-urlencoded")
    assert (reply.status, reply.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert api.call("DELETE", "products").code == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"handle": ""}, ["handle"]),
        ({"handle": None}, ["handle"]),
        ({"handle": "x" * 256}, ["handle"]),
        ({"title": 5}, ["title"]),
        ({"title": "nul\0"}, ["title"]),
        ({"title": ["x"]}, ["title"]),
        ({"status": "sold"}, ["status"]),
        ({"tags": "red"}, ["tags"]),
        ({"tags": [1]}, ["tags", "0"]),
        ({"tags": ["x" * 256]}, ["tags", "0"]),
        ({"options": ["A", "B", "C", "D"]}, ["options"]),
        ({"options": ["A", "A"]}, ["options"]),
        ({"images": [{"url": "javascript:alert(1)"}]}, ["images", "0", "url"]),
        ({"images": [{"url": "https://img.example.com/1", "size": 1}]}, ["images", "0", "size"]),
        ({"variants": {"sku": "x"}}, ["variants"]),
        ({"variants": [{"available": -1}]}, ["variants", "0", "available"]),
        ({"variants": [{"available": "5"}]}, ["variants", "0", "available"]),
        ({"variants": [{"available": True}]}, ["variants", "0", "available"]),
        ({"variants": [{"available": 10**30}]}, ["variants", "0", "available"]),
        ({"variants": [{"weight_grams": 1.5}]}, ["variants", "0", "weight_grams"]),
        ({"variants": [{"price": {"amount": 0}}]}, ["variants", "0", "price", "amount"]),
        ({"variants": [{"price": {"amount": 10**9}}]}, ["variants", "0", "price", "amount"]),
        ({"variants": [{"price": {"amount": 5, "currency": "eur"}}]}, ["variants", "0", "price", "currency"]),
        ({"variants": [{"price": {"amount": 5, "compare_at": 5}}]}, ["variants", "0", "price", "compare_at"]),
        ({"variants": [{"options": {"A": None}}]}, ["variants", "0", "options", "A"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_a_field_that_is_wrong_is_named(api: Api, change: dict[str, Any], where: list[str]) -> None:
    reply = api.post("products", {"handle": "soap", "title": "Soap", **change})
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    found = reply.body["errors"]
    for step in where:
        found = found[int(step)] if isinstance(found, list) else found[step]
    assert found[0]["message"]
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        '{"handle": "a", "handle": "b", "title": "A"}',
        '{"handle": "a", "title": "A", "variants": [{"sku": "", "sku": "B"}]}',
    ],
)
def test_a_body_with_a_name_twice_is_refused(api: Api, body: str) -> None:
    reply = api.call("POST", "products", data=body, content_type="application/json")
    assert (reply.status, reply.code) == (400, "DUPLICATE_KEY")
    assert reply.body["data"]["name"] in ("handle", "sku")
    assert not Product.objects.exists()


def test_options_that_are_not_the_products_are_refused(api: Api) -> None:
    reply = api.post("products", {"handle": "a", "title": "A", "options": ["Size"], "variants": [{}]})
    assert (reply.status, reply.code) == (400, "BAD_OPTIONS")
    assert not Variant.objects.exists()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("products?status=sold", "status"),
        ("products?updated_since=yesterday", "updated_since"),
        ("products?q=" + "x" * 256, "q"),
        ("products?q=%00", "q"),
        ("products?updated_since=", "updated_since"),
        ("products?q=", "q"),
        ("variants?product=abc", "product"),
        ("variants?sku=%00", "sku"),
        ("imports?status=lost", "status"),
        ("products?statuss=approved", "statuss"),
        ("products?status=approved&status=draft", "status"),
        ("variants?skus=A", "skus"),
        ("imports?%00=1", "\0"),
    ],
)
def test_a_filter_that_is_wrong_is_named(api: Api, path: str, field: str) -> None:
    reply = api.get(path)
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert reply.body["errors"][field]


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "%00", "cD1hYmM%3D%00", "cD1hYmM=", "cD0lMDA=", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OQ==", "é"),
        # Base64 of "hello", of "q=1", of "r=0", of "o=7&", of "p=" and of words with something between them.
        *("aGVsbG8=", "cT0x", "cj0w", "bz03Jg==", "cD0=", "cD1-hYmM=", "====", "AAAA"),
    ],
)
@pytest.mark.parametrize("path", ["products", "imports", "problems", "brands", "stock/movements"])
def test_a_cursor_that_we_did_not_give_is_refused(api: Api, path: str, cursor: str) -> None:
    job = make.import_of(api.merchant, make.simple_feed(1))
    address = f"imports/{job.pk}/problems" if path == "problems" else path
    reply = api.get(f"{address}?cursor={cursor}")
    assert (reply.status, reply.code) == (400, "BAD_CURSOR")


def test_every_list_refuses_a_cursor_that_we_did_not_give(api: Api) -> None:
    """Lists are what the document says has a cursor; one within something is asked about nothing."""
    asked, wrong = set(), {}
    for name, (method, _, operation) in openapi.operations().items():
        if not any(each.get("name") == "cursor" for each in operation.get("parameters", ())):
            continue
        path = next(
            path
            for path, item in openapi.document()["paths"].items()
            if item.get(method, {}).get("operationId") == name
        )
        if not any("merchantKey" in way for way in operation.get("security", ())) or "{" in path:
            continue
        for cursor in ("aGVsbG8=", "cT0x", "bz03Jg==", "AAAA"):
            reply = api.call("GET", f"{path}?cursor={cursor}")
            asked.add(name)
            if (reply.status, reply.code) != (400, "BAD_CURSOR"):
                wrong[name, cursor] = (reply.status, reply.body)
        assert api.call("GET", f"{path}?cursor=").status == 200, "none is the first page"
    assert len(asked) > 15
    assert not wrong


@pytest.mark.parametrize("size", ["0", "-1", "201", "abc", "99999999999999999999", "%00", "", "٣"])
def test_a_page_has_an_end(api: Api, size: str) -> None:
    reply = api.get(f"products?page_size={size}")
    assert (reply.status, reply.code) == (400, "BAD_PAGE_SIZE")
    assert api.get("products?page_size=200").status == 200


@pytest.mark.parametrize("path", ["products/not-an-id", "imports/1", "variants/0", "nowhere"])
def test_an_address_that_is_none_is_not_found(api: Api, path: str) -> None:
    reply = api.get(path)
    assert (reply.status, reply.code) == (404, "NOT_FOUND")


def test_an_import_of_a_feed_touches_nobody_else(api: Api) -> None:
    other = make.merchant()
    theirs = goods(other)
    before = Api(other).get("products").body
    body = make.feed(make.row("lipstick-x", title="x", sku="THEIRS", price="1", quantity="0"))
    job = Import.objects.get(pk=api.send_feed(body).body["id"])
    imports.run(import_id=job.pk, now=NOW)
    assert make.problems(job) == []
    assert Api(other).get("products").body == before
    assert make.left(Variant.objects.get(pk=theirs["variant"])) == 10
