"""A merchant's rules for carts over HTTP: how long goods are held, and for whom not any more."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from commerce.models import Merchant, User
from orders.carts import contents, policies
from orders.models import CartPolicy, Hoarder
from tests.catalog.api import Api
from tests.orders import make
from tests.orders.make import NOW

pytestmark = pytest.mark.django_db

POLICY, HOLDERS, HOARDERS = "/api/v1/cart-policy", "/api/v1/cart-holders", "/api/v1/hoarders"


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


@pytest.fixture
def api(seller: Merchant) -> Api:
    return Api(seller)


def holder_of(seller: Merchant, units: int = 1) -> User:
    """A shopper for whose cart a merchant holds something."""
    policies.set_policy(merchant_id=seller.id, hold_seconds=300, now=NOW)
    buyer = make.user()
    lipstick = make.variant(seller=seller)
    contents.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=units, stream_id=None, now=NOW)
    return buyer


def test_a_policy_is_set_read_and_dropped(api: Api, seller: Merchant) -> None:
    assert api.get(POLICY).code == "NOT_FOUND"
    assert api.put(POLICY, {"hold_seconds": 300}).body["hold_seconds"] == 300
    assert api.put(POLICY, {"hold_seconds": 600}).status == 200
    assert api.get(POLICY).body["hold_seconds"] == 600
    assert CartPolicy.objects.get().merchant_id == seller.id
    assert (api.call("DELETE", POLICY).status, api.call("DELETE", POLICY).status) == (204, 204)
    assert not CartPolicy.objects.exists()


@pytest.mark.parametrize("seconds", [0, 59, 3601, -60, 2**70, "300", 1.5, None, True])
def test_an_absurd_policy_is_refused(api: Api, seconds: Any) -> None:
    assert api.put(POLICY, {"hold_seconds": seconds}).code == "BAD_REQUEST"
    assert not CartPolicy.objects.exists()


def test_a_merchant_sees_for_whom_it_held_and_bars_who_hoards(api: Api, seller: Merchant) -> None:
    quiet, greedy = holder_of(seller), holder_of(seller, 9)

    rows = api.get(HOLDERS).body["results"]
    assert [(row["shopper"], row["held"], row["hoarder"]) for row in rows] == [
        (str(greedy.id), 9, False),
        (str(quiet.id), 1, False),
    ]
    assert set(rows[0]) == {"shopper", "held", "lapsed", "last_at", "hoarder"}, "no name and no address"

    answer = api.put(f"{HOARDERS}/{greedy.id}", {"reason": "never buys"})
    assert (answer.status, answer.body["reason"]) == (200, "never buys")
    assert api.put(f"{HOARDERS}/{greedy.id}", {}).body["reason"] == ""
    assert [row["shopper"] for row in api.get(HOARDERS).body["results"]] == [str(greedy.id)]
    assert [row["hoarder"] for row in api.get(HOLDERS).body["results"]] == [True, False]

    assert api.call("DELETE", f"{HOARDERS}/{greedy.id}").status == 204
    assert api.get(HOARDERS).body["results"] == []


def test_nobody_can_try_out_who_exists(api: Api, seller: Merchant) -> None:
    policies.set_policy(merchant_id=seller.id, hold_seconds=300, now=NOW)
    others = holder_of(make.merchant())
    never = make.user()

    answers = [api.put(f"{HOARDERS}/{who}", {}) for who in (others.id, never.id, uuid4())]
    answers += [api.put(f"{HOARDERS}/{'x' * 5}", {})]

    assert {(each.status, each.code) for each in answers} == {(404, "NOT_FOUND")}
    assert {api.call("DELETE", f"{HOARDERS}/{who}").status for who in (others.id, uuid4())} == {204}
    assert not Hoarder.objects.exists()


def test_one_merchant_sees_and_changes_nothing_of_another(api: Api) -> None:
    theirs = make.merchant()
    buyer = holder_of(theirs)
    policies.bar(merchant_id=theirs.id, buyer_id=buyer.id, reason="", by_id=None, now=NOW)

    assert api.get(HOLDERS).body["results"] == []
    assert api.get(HOARDERS).body["results"] == []
    api.call("DELETE", POLICY)
    api.call("DELETE", f"{HOARDERS}/{buyer.id}")

    assert CartPolicy.objects.get().merchant_id == theirs.id
    assert Hoarder.objects.get().merchant_id == theirs.id


CALLS: list[Callable[[Api], Any]] = [
    lambda api: api.get(POLICY),
    lambda api: api.put(POLICY, {"hold_seconds": 300}),
    lambda api: api.call("DELETE", POLICY),
    lambda api: api.get(HOLDERS),
    lambda api: api.get(HOARDERS),
    lambda api: api.put(f"{HOARDERS}/{uuid4()}", {}),
    lambda api: api.call("DELETE", f"{HOARDERS}/{uuid4()}"),
]


@pytest.mark.parametrize("call", CALLS)
def test_nobody_comes_in_without_a_key(api: Api, call: Callable[[Api], Any]) -> None:
    api.headers = {}
    assert call(api).code == "UNAUTHENTICATED"
    api.headers = {"Authorization": "Api-Key wrong.key"}
    assert call(api).code == "BAD_KEY"


def test_a_reason_is_short_text(api: Api, seller: Merchant) -> None:
    buyer = holder_of(seller)
    for reason in ("x" * 201, 5, None):
        assert api.put(f"{HOARDERS}/{buyer.id}", {"reason": reason}).code == "BAD_REQUEST"
    assert api.put(f"{HOARDERS}/{buyer.id}", {"reason": "a\x00b"}).code == "BAD_REQUEST"
