"""Shipping and tax under attack: absurd values in every field, thousands of rows, and ids of others."""

from typing import Any
from uuid import uuid4

import pytest

from commerce.models import Merchant
from orders.models import ShippingCountry, ShippingRate, ShippingZone, TaxRate
from orders.tariffs import keeping
from tests.catalog.api import Api
from tests.flows.test_tariffs_http import POLICY, RATE, RATES, TAX, ZONE, ZONES
from tests.orders import make, tariffing
from tests.orders.make import after

pytestmark = pytest.mark.django_db

ABSURD: list[Any] = [
    0,
    -1,
    2**31,
    2**63,
    2**70,
    1e308,
    0.5,
    True,
    None,
    "",
    "7",
    "\u0000",
    "x" * 100_000,
    [],
    {},
    [[]],
    {"a": {}},
]


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


@pytest.fixture
def api(seller: Merchant) -> Api:
    return Api(seller)


def stored() -> tuple[int, ...]:
    return tuple(each.objects.count() for each in (ShippingZone, ShippingCountry, ShippingRate, TaxRate))


@pytest.mark.parametrize("field", [*RATE, "free_from"])
def test_absurd_values_of_a_parcels_rate(api: Api, field: str) -> None:
    for value in ABSURD:
        answer = api.post(ZONES, {**ZONE, "rates": [{**RATE, field: value}]})
        assert answer.status in (201, 400), (field, value, answer.body)
        if answer.status == 201:
            assert api.call("DELETE", f"{ZONES}/{answer.body['id']}").status == 204
        assert stored() == (0, 0, 0, 0), (field, value)


@pytest.mark.parametrize("field", [*ZONE, "rest_of_world"])
def test_absurd_values_of_a_zone(api: Api, field: str) -> None:
    for value in [*ABSURD, [None], ["DE", 7], ["DE"] * 10_000, [RATE] * 10_000, [RATE, None]]:
        answer = api.post(ZONES, {**ZONE, field: value})
        assert answer.status in (201, 400), (field, str(value)[:50], answer.body)
        if answer.status == 201:
            assert api.call("DELETE", f"{ZONES}/{answer.body['id']}").status == 204
        assert stored() == (0, 0, 0, 0), (field, str(value)[:50])


@pytest.mark.parametrize("field", [*TAX, "valid_to", "category"])
def test_absurd_values_of_a_tax(api: Api, field: str) -> None:
    moments = [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1999-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
    ]
    for value in [*ABSURD, *moments]:
        answer = api.post(RATES, {**TAX, field: value})
        assert answer.status in (201, 400), (field, value, answer.body)
        if answer.status == 201:
            assert api.call("DELETE", f"{RATES}/{answer.body['id']}").status == 204
        assert stored() == (0, 0, 0, 0), (field, value)


@pytest.mark.parametrize("value", [each for each in ABSURD if each is not True])
def test_an_absurd_policy_changes_nothing(api: Api, value: Any) -> None:
    assert api.put(POLICY, {"prices_include_tax": value}).status == 400
    assert api.get(POLICY).body == {"prices_include_tax": True}


def test_ids_of_another_merchant_are_not_there_and_nothing_of_it_changes(api: Api) -> None:
    other = make.merchant()
    zone, rate = tariffing.zone(other, "DE"), tariffing.tax(other, "DE")
    for path, body in ((f"{ZONES}/{zone.pk}", ZONE), (f"{RATES}/{rate.pk}", TAX)):
        answers = [api.get(path), api.put(path, body), api.call("DELETE", path)]
        assert [(each.status, each.code) for each in answers] == [(404, "NOT_FOUND")] * 3
    assert api.post(ZONES, {**ZONE, "id": str(zone.pk)}).status == 400
    assert api.post(ZONES, {**ZONE, "merchant": str(other.pk)}).status == 400
    assert api.get(f"{ZONES}/{uuid4()}").status == 404
    assert stored() == (1, 1, 1, 1)


def test_with_all_the_rates_that_there_may_be_a_purchase_is_charged_by_its_own(
    api: Api, seller: Merchant
) -> None:
    goods = make.variant(seller=seller, amount=1000)
    TaxRate.objects.bulk_create(
        TaxRate(
            merchant=seller, country="DE", category=f"type {number}", name="Levy", bp=10, valid_from=make.NOW
        )
        for number in range(keeping.MOST_RATES - 1)
    )
    tariffing.tax(seller, "DE", 2000)
    tariffing.on_top(seller)

    assert api.post(RATES, {**TAX, "country": "FR"}).code == "TOO_MANY_TARIFFS"
    page = api.get(f"{RATES}?page_size=200").body
    assert len(page["results"]) == 200 and page["next"]
    assert make.basket((goods, 1), total=1200).go(now=after(1)).amount == 1200


@pytest.mark.parametrize(("path", "body"), [(ZONES, ZONE), (RATES, TAX)])
def test_sent_again_with_its_key_it_is_made_once_and_answered_the_same(
    api: Api, path: str, body: Any
) -> None:
    key = {"headers": {"Idempotency-Key": str(uuid4())}}
    first, again = api.post(path, body, **key), api.post(path, body, **key)

    assert (first.status, again.status) == (201, 201), again.body
    assert again.body == first.body
    assert len(api.get(path).body["results"]) == 1
    assert api.post(path, {**body, "name": "Another"}, **key).code == "IDEMPOTENCY_MISMATCH"
