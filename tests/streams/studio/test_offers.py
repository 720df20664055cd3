"""Offers by the control room's buttons: opened, announced, extended, ended, and what of them is refused."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from catalog import bundles
from catalog.models import Product, Variant
from catalog.pricing import floors, prices
from streams import offers, showcase
from streams.models import Offer, Stream
from tests.streams import make
from tests.streams.studio.asking import JSON, an_offer, at

pytestmark = pytest.mark.django_db


def test_an_offer_is_opened_extended_and_ended(client: Client, live: Stream) -> None:
    opened = client.post(at(live, "offers"), an_offer(live, per_buyer=2), JSON)

    assert opened.status_code == 201
    offer = opened.json()["offer"]
    assert (offer["price"], offer["quota"], offer["per_buyer"]) == ({"amount": 999, "currency": "EUR"}, 5, 2)
    assert opened.json()["stock"] == 14
    longer = client.post(f"/api/v1/studio/offers/{offer['id']}/extend", {"seconds": 30}, JSON).json()["offer"]
    assert longer["ends_at"] == offer["ends_at"] + 30_000
    assert client.post(f"/api/v1/studio/offers/{offer['id']}/end").json()["offer"]["status"] == "ended"


def test_a_sold_out_offer_is_ended_for_good(client: Client, live: Stream) -> None:
    offer = client.post(at(live, "offers"), an_offer(live, quota=1), content_type=JSON).json()["offer"]
    with transaction.atomic():
        offers.take(offer_id=offer["id"], buyer_id=make.user().id, units=1, now=timezone.now())

    ended = client.post(f"/api/v1/studio/offers/{offer['id']}/end")

    assert (ended.status_code, ended.json()["offer"]["status"]) == (200, "ended")
    assert Offer.objects.get(pk=offer["id"]).reason == "host"


def test_an_offer_for_one_variant_keeps_to_it(client: Client, live: Stream) -> None:
    red = Variant.objects.get(title="Red", product__title="Velvet lipstick")

    opened = client.post(at(live, "offers"), an_offer(live, variant=str(red.id), amount=1900), JSON).json()

    assert opened["offer"]["variant"] == str(red.id)
    assert opened["stock"] == 10


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount": 1500}, "PRICE_ABOVE_LIST"),
        ({"amount": 0}, "BAD_REQUEST"),
        ({"quota": 0}, "BAD_REQUEST"),
        ({"seconds": 10**9}, "BAD_REQUEST"),
        ({"amount": "cheap"}, "BAD_REQUEST"),
        ({"item": "not an id"}, "BAD_REQUEST"),
        ({"item": str(uuid4())}, "NOT_FOUND"),
        ({"variant": str(uuid4())}, "OFFER_MISMATCH"),
        ({"amount": 10**15}, "PRICE_ABOVE_LIST"),
        ({"quota": 10**15}, "BAD_REQUEST"),
        ({"opens_in": 4}, "BAD_REQUEST"),
        ({"opens_in": -(10**15)}, "BAD_REQUEST"),
        ({"opens_in": 10**15}, "BAD_REQUEST"),
        ({"opens_in": "soon"}, "BAD_REQUEST"),
        ({"reference": 99999}, "REFERENCE_NOT_PROVEN"),
        ({"per_household": 0}, "BAD_REQUEST"),
        ({"tries_per_minute": 10**15}, "BAD_REQUEST"),
        ({"admits_per_second": -1}, "BAD_REQUEST"),
        ({"turn_seconds": 1}, "BAD_REQUEST"),
        ({"turn_seconds": None}, "BAD_REQUEST"),
        ({"takes_coupons": "perhaps"}, "BAD_REQUEST"),
        ({"takes_coupons": 1}, "BAD_REQUEST"),
        ({"amount": 10**30}, "BAD_REQUEST"),
        ({"amount": -(10**30)}, "BAD_REQUEST"),
        ({"amount": 9.99}, "BAD_REQUEST"),
        ({"amount": True}, "BAD_REQUEST"),
        ({"amount": "999"}, "BAD_REQUEST"),
        ({"quota": True}, "BAD_REQUEST"),
        ({"quota": 5.0}, "BAD_REQUEST"),
        ({"seconds": "60"}, "BAD_REQUEST"),
        ({"reference": 10**30}, "BAD_REQUEST"),
        ({"reference": -1}, "REFERENCE_NOT_PROVEN"),
        ({"opens_in": True}, "BAD_REQUEST"),
        ({"opens_in": 10**400}, "NOT_JSON"),
        ({"per_buyer": None}, "BAD_REQUEST"),
        ({"per_houshold": 1}, "BAD_REQUEST"),  # A limit with a slip of the pen is no limit.
        ({"item": ["\x00"]}, "BAD_REQUEST"),
        ({"variant": "\x00"}, "BAD_REQUEST"),
    ],
)
def test_a_bad_offer_is_refused_with_a_code(
    client: Client, live: Stream, wrong: dict[str, Any], code: str
) -> None:
    answer = client.post(at(live, "offers"), an_offer(live, **wrong), JSON)

    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert not Offer.objects.exists()


@pytest.mark.parametrize("seconds", [True, "30", 0, -5, 10**30, 30.5, None, [30]])
def test_an_offer_is_extended_by_whole_seconds(client: Client, live: Stream, seconds: Any) -> None:
    offer = client.post(at(live, "offers"), an_offer(live), JSON).json()["offer"]
    answer = client.post(f"/api/v1/studio/offers/{offer['id']}/extend", {"seconds": seconds}, JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


def test_the_stock_behind_a_bundles_offer_is_what_its_parts_allow(
    client: Client, live: Stream, product: Product
) -> None:
    red, coral = product.variants.order_by("position")
    kit = make.product("Kit", seller=product.merchant, variants=(("", 2499, 0),))
    one = kit.variants.get()
    bundles.set_parts(
        merchant_id=kit.merchant_id, bundle_id=one.id, parts={red.id: 3, coral.id: 1}, now=make.NOW
    )
    item = showcase.add(host_id=live.host_id, stream_id=live.id, product_id=kit.id, now=make.NOW)

    [found] = client.get(at(live, "products"), {"q": "kit"}).json()["products"]
    opened = client.post(at(live, "offers"), an_offer(live, item=str(item.id)), JSON).json()

    assert (found["left"], opened["stock"]) == (3, 3)


def test_an_offer_for_variants_in_several_currencies_names_one_of_them(
    client: Client, live: Stream, product: Product
) -> None:
    red, coral = product.variants.order_by("position")
    now = timezone.now()
    prices.change(
        merchant_id=product.merchant_id,
        variant_id=coral.id,
        amount=1200,
        compare_at=None,
        currency="JPY",
        now=now,
    )

    refused = client.post(at(live, "offers"), an_offer(live), JSON)

    assert (refused.status_code, refused.json()["code"]) == (409, "MIXED_CURRENCIES")
    opened = client.post(at(live, "offers"), an_offer(live, variant=str(red.id)), JSON)
    assert opened.json()["offer"]["price"]["currency"] == "EUR"


def test_an_offer_is_announced_with_its_limits_and_opened_early(client: Client, live: Stream) -> None:
    limits = {
        "per_household": 3,
        "tries_per_minute": 20,
        "admits_per_second": 50,
        "turn_seconds": 60,
        "grace_seconds": 90,
        "takes_coupons": True,
    }
    made = client.post(at(live, "offers"), an_offer(live, opens_in=300, **limits), JSON)
    offer = made.json()["offer"]

    assert (made.status_code, offer["status"], offer["ends_at"] - offer["starts_at"]) == (
        201,
        "announced",
        60_000,
    )
    assert Offer.objects.values(*limits).get() == limits
    opened = client.post(f"/api/v1/studio/offers/{offer['id']}/open").json()["offer"]
    assert (opened["status"], opened["ends_at"] - opened["starts_at"]) == ("open", 60_000)


def test_the_outlook_says_between_which_prices_an_offer_may_be(client: Client, live: Stream) -> None:
    coral = Variant.objects.get(title="Coral")
    floors.set_floor(
        merchant_id=coral.merchant_id, variant_id=coral.id, amount=800, currency=None, now=timezone.now()
    )
    address = at(live, f"showcase/{make.item(live).id}/outlook")

    assert client.get(address).json() == {
        "list_price": {"amount": 1499, "currency": "EUR"},
        "floor": {"amount": 800, "currency": "EUR"},
        "reference": {"amount": 1499, "currency": "EUR"},
    }
    red = Variant.objects.get(title="Red", product=coral.product_id)
    assert client.get(address, {"variant": str(red.id)}).json()["floor"] is None
    assert client.get(address, {"variant": "red"}).status_code == 400
    assert client.get(address, {"variant": str(uuid4())}).json()["code"] == "OFFER_MISMATCH"
    refused = client.post(at(live, "offers"), an_offer(live, amount=799), JSON)
    assert (refused.status_code, refused.json()["code"]) == (409, "PRICE_BELOW_FLOOR")
