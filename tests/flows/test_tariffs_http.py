"""Shipping zones and tax rates over HTTP: a merchant's own, checked; and what they make a cart cost."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from commerce.models import Merchant
from orders.models import Order, Purchase, ShippingCountry, ShippingRate, ShippingZone, TaxRate
from orders.settling import payments
from tests.catalog.api import Api
from tests.orders import make, tariffing
from tests.orders.make import after

pytestmark = pytest.mark.django_db

ZONES, RATES, POLICY = "/api/v1/shipping-zones", "/api/v1/tax-rates", "/api/v1/tax-policy"
RATE = {"name": "Parcel", "currency": "EUR", "amount": 490, "days_min": 2, "days_max": 4}
ZONE = {"name": "Home", "countries": ["DE", "AT"], "rates": [RATE]}
TAX = {"country": "DE", "name": "VAT", "bp": 1900, "valid_from": "2025-01-01T00:00:00Z"}


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


@pytest.fixture
def api(seller: Merchant) -> Api:
    return Api(seller)


def test_a_zone_is_made_read_changed_and_dropped(api: Api, seller: Merchant) -> None:
    made = api.post(ZONES, ZONE)
    assert made.status == 201
    assert made.body["countries"] == ["AT", "DE"]
    assert made.body["rates"] == [{**RATE, "free_from": None}]
    one = f"{ZONES}/{made.body['id']}"
    assert api.get(one).body == made.body
    assert [row["id"] for row in api.get(ZONES).body["results"]] == [made.body["id"]]
    rates = [{**RATE, "amount": 0, "free_from": 5000}, {**RATE, "currency": "JPY", "amount": 700}]
    changed = api.put(one, {"name": "All", "rest_of_world": True, "rates": rates}).body
    assert (changed["countries"], changed["rest_of_world"]) == ([], True)
    assert [rate["currency"] for rate in changed["rates"]] == ["EUR", "JPY"]
    assert (api.call("DELETE", one).status, api.call("DELETE", one).status) == (204, 404)
    assert not ShippingRate.objects.exists() and not ShippingCountry.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"countries": []}, "BAD_SHIPPING_ZONE"),
        ({"rest_of_world": True}, "BAD_SHIPPING_ZONE"),
        ({"countries": ["XX"]}, "BAD_SHIPPING_ZONE"),
        ({"countries": ["de"]}, "BAD_REQUEST"),
        ({"rates": [RATE, RATE]}, "BAD_SHIPPING_ZONE"),
        ({"rates": []}, "BAD_REQUEST"),
        ({"rates": [{**RATE, "currency": "XTS"}]}, "BAD_SHIPPING_ZONE"),
        ({"rates": [{**RATE, "currency": "KWD", "amount": 491}]}, "BAD_SHIPPING_ZONE"),
        ({"rates": [{**RATE, "days_min": 9}]}, "BAD_SHIPPING_ZONE"),
        ({"rates": [{**RATE, "amount": -1}]}, "BAD_REQUEST"),
        ({"rates": [{**RATE, "amount": 2**70}]}, "BAD_REQUEST"),
        ({"rates": [{**RATE, "amount": "490"}]}, "BAD_REQUEST"),
        ({"name": "x" * 81}, "BAD_REQUEST"),
        ({"merchant": "mine"}, "BAD_REQUEST"),
    ],
)
def test_an_absurd_zone_is_refused(api: Api, change: Any, code: str) -> None:
    assert api.post(ZONES, {**ZONE, **change}).code == code
    assert not ShippingZone.objects.exists()


def test_a_country_is_in_one_zone_of_a_merchant(api: Api, seller: Merchant) -> None:
    first = api.post(ZONES, ZONE).body["id"]
    assert api.post(ZONES, {**ZONE, "countries": ["DE"]}).code == "COUNTRY_TAKEN"
    other = api.post(ZONES, {**ZONE, "countries": ["FR"]}).body["id"]
    assert api.put(f"{ZONES}/{other}", ZONE).code == "COUNTRY_TAKEN"
    assert api.put(f"{ZONES}/{first}", ZONE).status == 200
    world = {**ZONE, "countries": [], "rest_of_world": True}
    assert api.post(ZONES, world).status == 201
    assert api.post(ZONES, world).code == "COUNTRY_TAKEN"
    # Behind the door stands the table.
    with pytest.raises(IntegrityError, match="shipping_country_once"), transaction.atomic():
        ShippingCountry.objects.create(merchant=seller, zone_id=other, country="DE")


def test_a_tax_rate_is_made_read_changed_and_dropped(api: Api) -> None:
    made = api.post(RATES, {**TAX, "category": " Books "})
    assert (made.status, made.body["category"], made.body["valid_to"]) == (201, "books", None)
    one = f"{RATES}/{made.body['id']}"
    assert api.get(one).body == made.body
    ended = api.put(one, {**TAX, "valid_to": "2026-01-01T00:00:00Z"})
    assert ended.body["category"] == ""
    assert api.post(RATES, {**TAX, "valid_from": "2026-01-01T00:00:00Z", "bp": 2000}).status == 201
    assert len(api.get(RATES).body["results"]) == 2
    assert (api.call("DELETE", one).status, api.get(one).status) == (204, 404)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"country": "XX"}, "BAD_TAX_RATE"),
        ({"bp": 10_001}, "BAD_REQUEST"),
        ({"bp": 19.5}, "BAD_REQUEST"),
        ({"valid_to": "2025-01-01T00:00:00Z"}, "BAD_TAX_RATE"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "BAD_REQUEST"),
        ({"valid_from": "1999-01-01T00:00:00Z"}, "BAD_TAX_RATE"),
        ({"name": " "}, "BAD_REQUEST"),
    ],
)
def test_an_absurd_tax_rate_is_refused(api: Api, change: Any, code: str) -> None:
    assert api.post(RATES, {**TAX, **change}).code == code
    assert not TaxRate.objects.exists()


def test_two_rates_for_the_same_goods_never_count_at_once(api: Api, seller: Merchant) -> None:
    first = api.post(RATES, TAX).body["id"]
    again = api.post(RATES, {**TAX, "bp": 700})
    assert (again.code, again.body["data"]["rate"]) == ("TAX_RATES_OVERLAP", first)
    assert api.post(RATES, {**TAX, "category": "books", "bp": 700}).status == 201
    assert api.post(RATES, {**TAX, "country": "AT"}).status == 201
    # Behind the door stands the table.
    with pytest.raises(IntegrityError, match="tax_rate_one_at_a_time"), transaction.atomic():
        TaxRate.objects.create(merchant=seller, country="DE", name="VAT", bp=1, valid_from=after(0))


def test_what_can_be_sent_is_described(api: Api) -> None:
    assert [api.call("OPTIONS", each).status for each in (ZONES, RATES, POLICY)] == [200, 200, 200]


def test_prices_contain_tax_unless_the_merchant_says_otherwise(api: Api) -> None:
    assert api.get(POLICY).body == {"prices_include_tax": True}
    assert api.put(POLICY, {"prices_include_tax": False}).body == {"prices_include_tax": False}
    assert api.get(POLICY).body == {"prices_include_tax": False}
    assert api.put(POLICY, {"prices_include_tax": "no"}).code == "BAD_REQUEST"


def test_another_merchants_zones_and_rates_are_not_there(api: Api) -> None:
    other = make.merchant()
    zone, rate = tariffing.zone(other, "DE"), tariffing.tax(other)
    for address, body in ((f"{ZONES}/{zone.pk}", ZONE), (f"{RATES}/{rate.pk}", TAX)):
        calls = [api.get(address), api.put(address, body), api.call("DELETE", address)]
        assert [each.status for each in calls] == [404, 404, 404]
    assert api.get(ZONES).body["results"] == api.get(RATES).body["results"] == []
    assert (api.post(ZONES, ZONE).status, api.post(RATES, TAX).status) == (201, 201)
    assert (ShippingZone.objects.filter(pk=zone.pk).count(), TaxRate.objects.filter(pk=rate.pk).count()) == (
        1,
        1,
    )
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        ShippingRate.objects.filter(zone=zone).update(merchant=api.merchant)


@pytest.mark.django_db(transaction=True)
def test_the_cart_and_a_quote_say_what_the_till_takes(client: Any, seller: Merchant) -> None:
    one = make.variant(seller=seller, amount=1000)
    tariffing.zone(seller, "DE", amount=490, free_from=3000)
    tariffing.tax(seller, valid_from=datetime(2025, 1, 1, tzinfo=UTC))
    tariffing.on_top(seller)
    buyer = make.buyer()
    client.force_login(buyer)

    def send(method: str, path: str, body: Any, **more: Any) -> Any:
        return getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json", **more)

    cart = send("post", "cart/lines", {"variant": str(one.id), "quantity": 2}).json()
    (total,) = cart["totals"]
    assert total["amount"] == 2490 + 473
    wanted = {"lines": [{"variant": str(one.id), "quantity": 2}]}
    quote = send("post", "purchases/quote", wanted).json()
    assert (quote["total"], quote["country"]) == ({"amount": 2963, "currency": "EUR"}, "DE")
    assert (
        quote["orders"]
        == total["orders"]
        == [
            {
                "merchant": {"id": str(seller.id), "name": seller.name},
                "goods": {"amount": 2000, "currency": "EUR"},
                "total": {"amount": 2963, "currency": "EUR"},
                "shipping": {"name": "Parcel", "amount": {"amount": 490, "currency": "EUR"}},
                "taxes": [{"name": "VAT", "bp": 1900, "amount": {"amount": 473, "currency": "EUR"}}],
                "tax_on_top": True,
                "free_from": {"amount": 3000, "currency": "EUR"},
                "days": [2, 4],
            }
        ]
    )
    press = {**wanted, "expect_total": quote["total"]}
    bought = send("post", "purchases", press, headers={"Idempotency-Key": str(uuid4())})
    assert bought.status_code == 201
    (order,) = bought.json()["orders"]
    assert (order["total"], order["shipping"]) == (quote["total"], quote["orders"][0]["shipping"])
    assert Purchase.objects.get().amount == 2963
    assert Order.objects.get().shipping_tax_amount == 93

    tariffing.move(buyer, "FR")
    refused = send("post", "purchases/quote", wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "NOT_SHIPPED_THERE")
    (total,) = send("post", "cart/lines", {"variant": str(one.id)}).json()["totals"]
    assert total["orders"][0]["refused"] == "NOT_SHIPPED_THERE"


def test_where_nobody_charges_anything_the_cart_says_nothing_of_it(client: Any) -> None:
    one = make.variant(amount=1000)
    client.force_login(make.buyer())
    added = {"variant": str(one.id)}
    cart = client.post("/api/v1/cart/lines", added, content_type="application/json").json()
    assert cart["totals"] == [{"amount": 1000, "currency": "EUR"}]


def test_the_merchants_order_says_what_was_charged(api: Api, seller: Merchant) -> None:
    one = make.variant(seller=seller, amount=1190)
    tariffing.zone(seller, "DE", amount=490)
    tariffing.tax(seller)
    purchase = make.basket((one, 1), total=1680).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    (order,) = api.get("/api/v1/orders").body["results"]
    assert order["shipping"] == {"name": "Parcel", "amount": {"amount": 490, "currency": "EUR"}}
    assert order["taxes"] == [{"name": "VAT", "bp": 1900, "amount": {"amount": 268, "currency": "EUR"}}]
    assert order["lines"][0]["tax"]["amount"]["amount"] == 190
