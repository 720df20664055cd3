"""The control room's buttons over HTTP: what they do, how they refuse, and that they are each host's own."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from catalog import bundles, floors, plans, prices
from catalog.models import Product, Variant
from commerce.models import Host
from streams import offers, pins, showcase, shows
from streams.models import Coupon, Offer, Stream
from tests.streams import make

pytestmark = pytest.mark.django_db

JSON = "application/json"


def client_of(host: Host) -> Client:
    client = Client()
    client.force_login(host.user)
    return client


@pytest.fixture
def host() -> Host:
    return make.host()


@pytest.fixture
def client(host: Host) -> Client:
    return client_of(host)


@pytest.fixture
def product() -> Product:
    return make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 4)))


@pytest.fixture
def planned(host: Host, product: Product) -> Stream:
    return make.show(host, live=False, products=(product, make.product("Two")))


@pytest.fixture
def live(host: Host, planned: Stream) -> Stream:
    return shows.go_live(host_id=host.id, stream_id=planned.id, now=timezone.now())


def at(stream: Stream, rest: str) -> str:
    return f"/api/v1/studio/shows/{stream.id}/{rest}"


def an_offer(stream: Stream, **more: Any) -> dict[str, Any]:
    return {"item": str(make.item(stream).id), "amount": 999, "quota": 5, "seconds": 60, **more}


def test_a_show_goes_live_and_ends(client: Client, planned: Stream) -> None:
    live = client.post(at(planned, "go-live")).json()
    ended = client.post(at(planned, "end")).json()

    assert (live["status"], ended["status"]) == ("live", "ended")
    assert live["live_at"] == ended["live_at"] <= ended["ended_at"]


def test_a_move_that_is_not_legal_is_refused_with_its_code(client: Client, planned: Stream) -> None:
    answer = client.post(at(planned, "end"))

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "ILLEGAL_MOVE"


def test_a_planned_show_is_cancelled(client: Client, planned: Stream) -> None:
    assert client.post(at(planned, "cancel")).json()["status"] == "cancelled"


def test_an_item_is_pinned_and_unpinned(client: Client, live: Stream) -> None:
    item = make.item(live)

    assert client.post(at(live, "pin"), {"item": str(item.id)}, JSON).json()["pinned"] == str(item.id)
    assert pins.current(stream_id=live.id) is not None
    assert client.delete(at(live, "pin")).json() == {"pinned": None}
    assert pins.current(stream_id=live.id) is None


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


def a_coupon(stream: Stream, **more: Any) -> dict[str, Any]:
    merchant = str(make.item(stream).product.merchant_id)
    return {
        "merchant": merchant,
        "code": "MIRA-10",
        "percent_bp": 1000,
        "quota": 5,
        "seconds": 60,
        **more,
    }


def test_a_coupon_is_opened_and_ended(client: Client, live: Stream) -> None:
    made = client.post(at(live, "coupons"), a_coupon(live), JSON)

    coupon = made.json()["coupon"]
    assert (made.status_code, coupon["percent_bp"], coupon["left"]) == (201, 1000, 5)
    ended = client.post(f"/api/v1/studio/coupons/{coupon['id']}/end").json()["coupon"]
    assert ended["status"] == "ended"
    assert client.post(at(live, "coupons"), a_coupon(live), JSON).json()["code"] == "COUPON_CODE_TAKEN"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"merchant": str(uuid4())}, "NOT_FOUND"),
        ({"merchant": "x"}, "BAD_REQUEST"),
        ({"code": "a b"}, "BAD_REQUEST"),
        ({"code": None}, "BAD_REQUEST"),
        ({"percent_bp": None}, "BAD_REQUEST"),
        ({"amount_off": 500}, "BAD_REQUEST"),
        ({"percent_bp": 10**15}, "BAD_REQUEST"),
        ({"quota": 10**15}, "BAD_REQUEST"),
        ({"seconds": 10**15}, "BAD_REQUEST"),
        ({"min_amount": -1}, "BAD_REQUEST"),
        ({"min_amount": 10**30}, "BAD_REQUEST"),
        ({"percent_bp": 10.5}, "BAD_REQUEST"),
        ({"percent_bp": True}, "BAD_REQUEST"),
        ({"percent_bp": None, "amount_off": 10**30}, "BAD_REQUEST"),
        ({"percent_bp": None, "amount_off": 0}, "BAD_REQUEST"),
        ({"quota": "5"}, "BAD_REQUEST"),
        ({"code": "A\x00BC"}, "BAD_REQUEST"),
        ({"code": 12345}, "BAD_REQUEST"),
        ({"code": "ＭＩＲＡ"}, "BAD_REQUEST"),
        ({"per_buier": 2}, "BAD_REQUEST"),
    ],
)
def test_a_bad_coupon_is_refused_with_a_code(
    client: Client, live: Stream, wrong: dict[str, Any], code: str
) -> None:
    answer = client.post(at(live, "coupons"), a_coupon(live, **wrong), JSON)

    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert not Coupon.objects.exists()


def test_a_coupon_is_claimed_over_http_by_those_who_are_signed_in(client: Client, live: Stream) -> None:
    coupon = client.post(at(live, "coupons"), a_coupon(live), JSON).json()["coupon"]
    address = f"/api/v1/live/{live.slug}/coupons/{coupon['id']}/claim"
    noa = Client()
    noa.force_login(make.user())

    assert Client().post(address).status_code == 401
    first, again = noa.post(address), noa.post(address)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (first.json()["cap"], first.json()["coupon"]["left"]) == (1, 4)
    unknown = noa.post(f"/api/v1/live/{live.slug}/coupons/{uuid4()}/claim")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "UNKNOWN_COUPON")


def test_products_are_found_by_words_of_title_and_merchant(client: Client, planned: Stream) -> None:
    make.product("Wool blanket", seller=make.merchant("Maison Lune"))
    make.product("Draft", status=Product.Status.DRAFT)
    make.product("No price", variants=())

    def titles(text: str) -> list[str]:
        found = client.get(at(planned, "products"), {"q": text}).json()["products"]
        return sorted(each["title"] for each in found)

    assert titles("") == ["Two", "Velvet lipstick", "Wool blanket"]
    assert titles("lune wool") == ["Wool blanket"]
    assert titles("lune lipstick") == []
    assert titles("100%_\x00") == []


def test_a_found_product_has_its_lowest_price_its_stock_and_its_place(
    client: Client, planned: Stream
) -> None:
    [found] = client.get(at(planned, "products"), {"q": "velvet"}).json()["products"]

    assert found["price"] == {"amount": 1499, "currency": "EUR"}
    assert found["left"] == 14
    assert found["item"] == str(make.item(planned).id)
    assert found["image"].startswith("/pictures/")


def test_the_showcase_is_filled_ordered_and_emptied(client: Client, planned: Stream) -> None:
    three = make.product("Three")
    added = client.post(at(planned, "showcase"), {"product": str(three.id)}, JSON)
    ids = [each["id"] for each in added.json()["items"]]

    ordered = client.put(at(planned, "showcase/order"), {"items": ids[::-1]}, JSON).json()["items"]
    removed = client.delete(at(planned, f"showcase/{ids[0]}")).json()["items"]

    assert added.status_code == 201
    assert [each["id"] for each in ordered] == ids[::-1]
    assert [each["id"] for each in removed] == ids[:0:-1]
    assert client.get(at(planned, "showcase")).json()["items"] == removed


def test_an_old_order_is_refused(client: Client, planned: Stream) -> None:
    answer = client.put(at(planned, "showcase/order"), {"items": [str(make.item(planned).id)]}, JSON)

    assert (answer.status_code, answer.json()["code"]) == (409, "SHOWCASE_CHANGED")


def test_sales_begin_at_nothing(client: Client, live: Stream) -> None:
    sales = client.get(at(live, "sales")).json()

    assert (sales["units"], sales["revenue"], sales["latest"]) == (0, [], [])


# --- what merchants offer her ---


def picks(client: Client, stream: Stream, **query: str) -> dict[str, dict[str, Any]]:
    """Return what the search finds, by title."""
    found = client.get(at(stream, "products"), query).json()["products"]
    return {each["title"]: each for each in found}


def promise(product: Product, rate: int | None = None, **hosts: Any) -> Any:
    terms = plans.Terms("Spring", rate, hosts.get("hosts"), hosts.get("products"))
    kind = "open" if rate else "targeted"
    return plans.create(merchant_id=product.merchant_id, kind=kind, terms=terms, now=timezone.now())


def test_a_host_sees_what_she_gets_and_until_when_it_is_locked(
    client: Client, planned: Stream, product: Product
) -> None:
    own = picks(client, planned)[product.title]["commission"]
    assert own == {
        "rate_bp": 1000,
        "each": {"amount": 149, "currency": "EUR"},
        "plan": "",
        "locked_until": None,
        "then_bp": None,
    }
    plan = promise(product, 2000)
    offered = picks(client, planned)[product.title]["commission"]
    assert (offered["rate_bp"], offered["each"]["amount"], offered["plan"]) == (2000, 299, "Spring")
    week = timedelta(days=7).total_seconds() * 1000
    ahead = offered["locked_until"] - timezone.now().timestamp() * 1000
    assert week - 60_000 < ahead <= week
    cut = plans.Terms(rate_bp=1200)
    soon = timezone.now() - timedelta(days=2)
    plan.rates.update(valid_from=soon - timedelta(days=9))
    plans.change(merchant_id=product.merchant_id, plan_id=plan.pk, terms=cut, now=soon)
    offered = picks(client, planned)[product.title]["commission"]
    assert (offered["rate_bp"], offered["then_bp"]) == (2000, 1200)
    assert offered["locked_until"] == int((soon + timedelta(days=7)).timestamp() * 1000)


def test_a_host_sees_open_plans_and_hers_and_nobody_elses(
    client: Client, host: Host, planned: Stream, product: Product
) -> None:
    other = make.host()
    promise(product, hosts={other.slug: 4000})
    assert picks(client, planned)[product.title]["commission"]["rate_bp"] == 1000
    assert picks(client, planned, plan="yes") == {}
    promise(product, hosts={host.slug: 3000}, products=[product.pk])
    assert picks(client, planned)[product.title]["commission"]["rate_bp"] == 3000
    assert set(picks(client, planned, plan="yes")) == {product.title}
    assert "4000" not in client.get(at(planned, "products")).text


def test_what_is_offered_is_read_in_as_many_queries_for_one_product_as_for_many(
    client: Client, planned: Stream, product: Product, django_assert_max_num_queries: Any
) -> None:
    for each in ("One", "Three", "Four"):
        promise(make.product(each), 2000)
    with django_assert_max_num_queries(14):
        assert len(picks(client, planned)) == 5
