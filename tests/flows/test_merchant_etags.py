"""A merchant's system reads what has changed, and changes what it has seen (RFC 9110, section 13)."""

import threading
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from catalog import products
from catalog.models import Product, Variant
from catalog.shelf import stock
from commerce import etags
from commerce.webhooks import endpoints
from tests.catalog import make
from tests.catalog.api import Api, Reply
from tests.catalog.make import NOW
from tests.orders.threads import at_once

# A transaction counts as one version, so what these write is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one() -> Variant:
    return make.variant(make.merchant(), sku="S-1", stocked=10)


@pytest.fixture
def api(one: Variant) -> Api:
    return Api(one.merchant)


def write(api: Api, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.call(method, path, body, headers=named)


def paths(one: Variant) -> dict[str, tuple[str, Any, Any]]:
    """Each resource with what changes it, twice."""
    variant, product = f"variants/{one.pk}", f"products/{one.product_id}"
    pair = [make.variant(one.merchant) for _ in range(2)]
    parts = {"parts": [{"variant": str(each.pk)} for each in pair]}
    bundle = make.variant(one.merchant, stocked=0)
    endpoint = endpoints.create(
        merchant_id=one.merchant_id, url="https://93.184.215.14/h", description="", event_types=[], now=NOW
    )
    return {
        "product": (product, ("PATCH", {"title": "New"}), ("PATCH", {"title": "Newer"})),
        "variant": (variant, ("PATCH", {"barcode": "1"}), ("PATCH", {"barcode": "2"})),
        "price": (f"{variant}/price", ("PUT", {"amount": 100}), ("PUT", {"amount": 200})),
        "floor": (f"{variant}/floor", ("PUT", {"amount": 10}), ("DELETE", None)),
        "parts": (f"variants/{bundle.pk}/parts", ("PUT", parts), ("DELETE", None)),
        "endpoint": (
            f"/api/v1/webhook-endpoints/{endpoint.pk}",
            ("PATCH", {"description": "mine"}),
            ("PATCH", {"enabled": False}),
        ),
    }


KINDS = ["product", "variant", "price", "floor", "parts", "endpoint"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_seen_is_not_sent_again_and_changed_only_as_long_as_it_is(
    api: Api, one: Variant, kind: str
) -> None:
    path, first, second = paths(one)[kind]
    read = api.get(path)
    seen = read.headers["ETag"]
    again = write(api, "GET", path, If_None_Match=f'"other", W/{seen}')
    assert (again.status, again.body, again.headers["ETag"]) == (304, None, seen)

    changed = write(api, first[0], path, first[1], If_Match=seen)
    assert changed.status == 200
    assert changed.headers["ETag"] == api.get(path).headers["ETag"] != seen
    assert write(api, "GET", path, If_None_Match=seen).status == 200

    late = write(api, second[0], path, second[1], If_Match=seen)
    assert (late.status, late.code) == (412, "PRECONDITION_FAILED")
    assert late.body["data"]["etag"] == changed.headers["ETag"]
    assert api.get(path).body == changed.body
    assert write(api, second[0], path, second[1], If_Match=late.body["data"]["etag"]).status == 200


def test_the_price_that_comes_back_is_guarded_while_an_announced_one_runs(api: Api, one: Variant) -> None:
    ends = (timezone.now() + timedelta(hours=1)).isoformat()
    assert api.post(f"variants/{one.pk}/price/schedule", {"amount": 900, "ends_at": ends}).status == 201
    path = f"variants/{one.pk}/price"
    seen = api.get(path).headers["ETag"]
    first = write(api, "PUT", path, {"amount": 1200}, If_Match=seen)
    assert (first.status, first.body["current"]["amount"]) == (200, 900)
    assert write(api, "PUT", path, {"amount": 1300}, If_Match=seen).code == "PRECONDITION_FAILED"
    assert api.get(path).body["running"]["comes_back"]["amount"] == 1200
    assert write(api, "PUT", path, {"amount": 1300}, If_Match=first.headers["ETag"]).status == 200


def test_sales_stock_and_prices_spoil_nobodys_change_and_are_read_anew(api: Api, one: Variant) -> None:
    for path, body in (
        (f"products/{one.product_id}", {"title": "New"}),
        (f"variants/{one.pk}", {"sku": "S"}),
    ):
        seen = api.get(path).headers["ETag"]
        stock.take(units={one.pk: 1}, now=NOW)
        assert write(api, "GET", path, If_None_Match=seen).status == 200
        assert api.put(f"variants/{one.pk}/price", {"amount": 100 + len(body)}).status == 200
        assert write(api, "PATCH", path, body, If_Match=seen).status == 200


def test_all_that_changes_a_resource_looks_at_the_same_version(api: Api, one: Variant) -> None:
    path = f"products/{one.product_id}"
    seen = api.get(path).headers["ETag"]
    assert write(api, "POST", f"{path}/variants", {"options": {"Size": "L"}}, If_Match='"9.x"').status == 412
    retired = write(api, "POST", f"{path}/retire", If_Match=seen)
    assert (retired.status, retired.headers["ETag"]) == (200, api.get(path).headers["ETag"])
    assert write(api, "POST", f"{path}/retire", If_Match=seen).status == 412


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("*", 200),
        ("{seen}", 200),
        ('"9.other", {seen}', 200),
        (',, "9.other",{seen} ,', 200),
        ('"1.stock-was-sold"', 200),
        ('"9.other"', 412),
        ("W/{seen}", 412),
        ('""', 412),
        ("", 400),
        ("1", 400),
        ('"1', 400),
        ('* , "1.a"', 400),
        ('"1.a" "1.b"', 400),
        ("w/{seen}", 400),
        ('"1.a", ' * 1000, 400),
    ],
)
def test_if_match_is_a_list_of_strong_tags_or_anything(
    api: Api, one: Variant, condition: str, status: int
) -> None:
    path = f"variants/{one.pk}"
    seen = api.get(path).headers["ETag"]
    reply = write(api, "PATCH", path, {"barcode": "1"}, If_Match=condition.format(seen=seen))
    assert reply.status == status
    if status != 200:
        assert reply.code == {400: "BAD_ETAG", 412: "PRECONDITION_FAILED"}[status]
        assert api.get(path).headers["ETag"] == seen


def test_a_tag_is_of_the_very_answer(api: Api, one: Variant) -> None:
    path = f"products/{one.product_id}"
    assert write(api, "GET", path, If_None_Match="*").status == 304
    assert write(api, "GET", path, If_Match='"9.x"').code == "PRECONDITION_FAILED"
    assert write(api, "GET", path, If_None_Match="x").code == "BAD_ETAG"
    assert write(api, "PATCH", path, {"title": "x"}, If_None_Match="*").code == "PRECONDITION_FAILED"
    page = api.get("products")
    assert write(api, "GET", "products", If_None_Match=page.headers["ETag"]).status == 304
    stock.take(units={one.pk: 1}, now=NOW)
    assert write(api, "GET", "products", If_None_Match=page.headers["ETag"]).status == 200


def test_what_is_not_there_is_unknown_and_what_takes_no_condition_says_so(api: Api, one: Variant) -> None:
    stranger = make.variant(make.merchant())
    for pk in (uuid4(), stranger.pk):
        assert write(api, "PATCH", f"variants/{pk}", {"sku": "x"}, If_Match="*").status == 404
    for method, path, body in (
        ("POST", "products", {"handle": "x", "title": "x"}),
        ("POST", "stock/batch", {"stock": [{"sku": "S-1", "available": 1}]}),
        ("PUT", f"variants/{one.pk}/stock", {"available": 1}),
    ):
        reply = write(api, method, path, body, If_Match='"1.x"')
        assert (reply.status, reply.code) == (400, "IF_MATCH_NOT_TAKEN")


def test_a_key_that_was_used_gets_its_answer_whatever_the_version_is_now(api: Api, one: Variant) -> None:
    path, seen = f"variants/{one.pk}", api.get(f"variants/{one.pk}").headers["ETag"]
    refused = write(api, "PATCH", path, {"sku": "A"}, If_Match='"9.x"', Idempotency_Key="k")
    assert refused.status == 412
    first = write(api, "PATCH", path, {"sku": "A"}, If_Match=seen, Idempotency_Key="k")
    assert api.patch(path, {"sku": "B"}).status == 200
    again = write(api, "PATCH", path, {"sku": "A"}, If_Match=seen, Idempotency_Key="k")
    assert (again.status, again.headers["Idempotent-Replayed"], again.body) == (200, "true", first.body)
    versions = [reply.headers["ETag"].strip('"').split(".")[0] for reply in (first, again)]
    assert versions == ["2", "2"]
    assert api.get(path).body["sku"] == "B"


@pytest.mark.parametrize("kind", ["product", "variant", "price", "endpoint"])
def test_of_two_who_have_seen_the_same_one_changes_it(api: Api, one: Variant, kind: str) -> None:
    path, first, second = paths(one)[kind]
    seen = api.get(path).headers["ETag"]
    acts = [
        partial(write, Api(one.merchant), method, path, body, If_Match=seen)
        for method, body in (first, second)
    ]
    assert sorted(reply.status for reply in at_once(acts)) == [200, 412]


def meanwhile(api: Api, one: Variant) -> Reply:
    """Patch the title of what was seen, while somebody who came first still writes the vendor."""
    path = f"products/{one.product_id}"
    seen = api.get(path).headers["ETag"]
    replies: list[Reply] = []

    def act() -> None:
        try:
            replies.append(write(api, "PATCH", path, {"title": "New"}, If_Match=seen))
        finally:
            connection.close()

    with transaction.atomic():
        products.change(
            merchant_id=one.merchant_id, product_id=one.product_id, changes={"vendor": "V"}, now=NOW
        )
        late = threading.Thread(target=act)
        late.start()
        late.join(3)  # It stands at the lock, or has looked already.
    late.join(20)
    return replies[0]


def test_who_waits_for_the_lock_looks_when_it_has_it(api: Api, one: Variant) -> None:
    assert meanwhile(api, one).status == 412
    assert Product.objects.get(pk=one.product_id).vendor == "V"
    assert Product.objects.get(pk=one.product_id).title == "Velvet lipstick"


def test_control_without_the_lock_it_changes_what_it_has_not_seen(
    api: Api, one: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = etags.Resource.__init__

    def without(self: etags.Resource, look: Any, lock: Any, version: Any = etags.digest) -> None:
        whole(self, look, lambda: None, version)

    monkeypatch.setattr(etags.Resource, "__init__", without)
    assert meanwhile(api, one).status == 200
