"""Every write of the merchant API, sent with a condition that does not hold, changes nothing.

Which these are says the published document: none may take the header and not look at it.
"""

from typing import Any

import orjson
import pytest
from django.utils import timezone

from catalog.feeds import sources
from orders.carts import policies
from tests.catalog.api import Api
from tests.flows import tenants
from tests.flows.test_tenant_matrix import BODIES, filled, merchants_operations
from tests.orders import make, tariffing

pytestmark = pytest.mark.django_db

# Bodies of writes that name nothing of the merchant's, so that the matrix of tenants has none of them.
OTHERS: dict[str, Any] = {
    "cart_policy_set": {"hold_seconds": 600},
    "feed_change": {"enabled": False},
    "return_policy_set": {"cancel_seconds": 60, "return_days": 30},
    "tax_policy_set": {"prices_include_tax": False},
}


@pytest.mark.parametrize(
    "headers", [{"If-Match": '"nonsense"'}, {"If-None-Match": "*"}], ids=["If-Match", "If-None-Match"]
)
def test_no_write_changes_what_is_not_as_the_caller_says(headers: dict[str, str]) -> None:
    seller = make.merchant("Mine")
    ids = tenants.everything(seller, now=timezone.now())
    feed = sources.create(
        merchant_id=seller.pk,
        url="https://a.example/feed.csv",
        every_minutes=60,
        daily_at_hour=None,
        username="",
        password="",
        enabled=True,
        now=timezone.now(),
    )
    ids |= {"feed": str(feed.pk), "image": str(feed.pk)}
    api, wrong, looked = Api(seller), {}, set()
    for name, method, path, operation in merchants_operations():
        if method == "GET":
            continue
        before = tenants.written()
        body = orjson.loads(filled(orjson.dumps(OTHERS.get(name, BODIES.get(name))).decode(), ids, other={}))
        reply = api.call(method, filled(path, ids, other={}), body, headers=headers)
        said = [each["name"] for each in operation.get("parameters", [])]
        meant = (412, "PRECONDITION_FAILED") if "If-Match" in said else (400, "IF_MATCH_NOT_TAKEN")
        if (reply.status, reply.body and reply.body.get("code")) != meant or tenants.written() != before:
            wrong[name] = (reply.status, reply.body)
        looked |= {name} if meant[0] == 412 else set()
    assert not wrong
    assert len(looked) > 15


SETTINGS: dict[str, tuple[str, Any, Any]] = {
    "cart-policy": ("cart-policy", {"hold_seconds": 600}, {"hold_seconds": 700}),
    "return-policy": ("return-policy", OTHERS["return_policy_set"], {"cancel_seconds": 0, "return_days": 7}),
    "tax-policy": ("tax-policy", {"prices_include_tax": False}, {"prices_include_tax": True}),
    "zone": (
        "shipping-zones/{zone}",
        BODIES["shipping_zone_set"],
        {**BODIES["shipping_zone_set"], "name": "Y"},
    ),
    "rate": ("tax-rates/{rate}", BODIES["tax_rate_set"], {**BODIES["tax_rate_set"], "bp": 1000}),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_setting_is_changed_only_as_long_as_it_is_what_was_seen(kind: str) -> None:
    seller = make.merchant("Mine")
    ids = {"zone": str(tariffing.zone(seller, "DE").pk), "rate": str(tariffing.tax(seller, "DE").pk)}
    policies.set_policy(merchant_id=seller.pk, hold_seconds=300, now=timezone.now())
    address, first, second = SETTINGS[kind]
    api, path = Api(seller), "/api/v1/" + filled(address, ids, other={})
    seen = api.get(path).headers["ETag"]
    changed = api.put(path, first, headers={"If-Match": seen})
    assert changed.status == 200, changed.body
    assert changed.headers["ETag"] == api.get(path).headers["ETag"] != seen
    late = api.put(path, second, headers={"If-Match": seen})
    assert (late.status, late.code) == (412, "PRECONDITION_FAILED")
    assert api.get(path).body == changed.body
    assert api.put(path, second, headers={"If-Match": late.body["data"]["etag"]}).status == 200


def test_a_policy_is_made_only_where_there_is_none() -> None:
    api, none = Api(make.merchant("Mine")), {"If-None-Match": "*"}
    path = "/api/v1/cart-policy"
    assert api.put(path, {"hold_seconds": 600}, headers={"If-Match": "*"}).status == 412
    assert api.put(path, {"hold_seconds": 600}, headers=none).status == 200
    assert api.put(path, {"hold_seconds": 700}, headers=none).status == 412
    assert api.get(path).body["hold_seconds"] == 600


@pytest.mark.parametrize(
    ("kind", "act", "body"),
    [
        ("orders/{order}", ("POST", "/acknowledge"), {"reference": "R-1"}),
        ("orders/{order}", ("POST", "/cancel"), {"reason": "broken"}),
        ("shipments/{shipment}", ("PATCH", ""), {"carrier": "UPS"}),
        ("returns/{return}", ("POST", "/approve"), {"answer": "Send it."}),
    ],
)
def test_an_order_is_acted_on_only_as_it_was_seen(kind: str, act: tuple[str, str], body: Any) -> None:
    seller = make.merchant("Mine")
    ids = tenants.everything(seller, now=timezone.now())
    api, path = Api(seller), "/api/v1/" + filled(kind, ids, other={})
    seen = api.get(path).headers["ETag"]
    done = api.call(act[0], path + act[1], body, headers={"If-Match": seen})
    assert done.status == 200, done.body
    assert done.headers["ETag"] == api.get(path).headers["ETag"] != seen
    late = api.call(act[0], path + act[1], body, headers={"If-Match": seen})
    assert (late.status, late.code) == (412, "PRECONDITION_FAILED")
