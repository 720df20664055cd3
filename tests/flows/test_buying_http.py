"""Buying, carts and orders over HTTP: what shoppers and merchants can do, and what they are refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Variant
from catalog.pricing import prices
from commerce.models import Card, Merchant, User
from orders.models import Hold, Order, Payment, Purchase
from orders.settling import payments
from streams import offers
from streams.frames import buying
from tests import apikeys
from tests.orders import make

pytestmark = pytest.mark.django_db(transaction=True)  # The till has a connection of its own.

Post = Callable[..., Any]


@pytest.fixture
def shopper() -> User:
    return make.buyer("Noa")


@pytest.fixture
def shop(shopper: User) -> Client:
    client = Client()
    client.force_login(shopper)
    return client


def press(client: Client, body: Any, *, key: str | None = "new") -> Any:
    headers = {} if key is None else {"Idempotency-Key": str(uuid4()) if key == "new" else key}
    return client.post("/api/v1/purchases", body, content_type="application/json", headers=headers)


def wanted(variant: Variant, quantity: Any = 1, *, amount: Any = 1999, **more: Any) -> dict[str, Any]:
    line = {"variant": str(variant.id), "quantity": quantity}
    if "offer" in more:
        line["offer"] = more.pop("offer")
    return {"lines": [line], "expect_total": {"amount": amount, "currency": "EUR"}, **more}


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    return body


def paid(purchase_id: str) -> None:
    purchase = Purchase.objects.get(pk=purchase_id)
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())


# --- buying ---


def test_a_shopper_buys_and_sees_it(shop: Client) -> None:
    lipstick = make.variant(amount=1999)
    stream = make.show(lipstick, now=timezone.now())

    answer = press(shop, wanted(lipstick, 2, amount=3998, stream=stream.slug))

    assert answer.status_code == 201
    body = answer.json()
    msgspec.convert(body, buying.Purchase)
    assert (body["status"], body["stream"], body["replayed"]) == ("accepted", stream.slug, False)
    assert shop.get(f"/api/v1/purchases/{body['id']}").json() == body
    assert shop.get("/api/v1/purchases").json()["results"] == [body]

    paid(body["id"])
    now_paid = shop.get(f"/api/v1/purchases/{body['id']}").json()
    assert (now_paid["status"], now_paid["version"]) == ("paid", 2)
    assert now_paid["orders"][0]["status"] == "open"


def test_the_same_key_gets_the_same_purchase(shop: Client) -> None:
    lipstick, key = make.variant(), str(uuid4())

    first = press(shop, wanted(lipstick), key=key)
    again = press(shop, wanted(lipstick), key=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "replayed": True}
    assert Purchase.objects.count() == 1


def test_strangers_are_sent_away(shopper: User) -> None:
    purchase = make.basket((make.variant(), 1), by=shopper).go()
    anonymous, other = Client(), Client()
    other.force_login(make.buyer())
    body = wanted(make.variant())

    refused(press(anonymous, body), 401, "UNAUTHENTICATED")
    for path in ("", f"/{purchase.id}"):
        refused(anonymous.get(f"/api/v1/purchases{path}"), 401, "UNAUTHENTICATED")

    refused(other.get(f"/api/v1/purchases/{purchase.id}"), 404, "NOT_FOUND")
    pay = other.post(f"/api/v1/purchases/{purchase.id}/pay", {}, content_type="application/json")
    refused(pay, 404, "NOT_FOUND")
    assert other.get("/api/v1/purchases").json()["results"] == []


# --- bad input, each with its own code and nothing held ---


def test_what_cannot_be_bought_is_refused_and_holds_nothing(shop: Client, shopper: User) -> None:
    now = timezone.now()
    lipstick, other = make.variant(amount=1999), make.variant(amount=500, currency="JPY")
    retired = make.variant()
    Variant.objects.filter(pk=retired.pk).update(is_active=False)
    stream, planned = make.show(lipstick, now=now), make.show(lipstick, live=False, now=now)
    closed = make.offer(stream, lipstick, now=now - timedelta(minutes=5), seconds=60)
    offers.close_due(now=now)
    theirs = Card.objects.get(user=make.buyer())
    many = {**wanted(lipstick), "lines": [{"variant": str(uuid4()), "quantity": 1} for _ in range(10_000)]}
    mixed = wanted(lipstick)
    mixed["lines"].append({"variant": str(other.id), "quantity": 1})

    def at(**more: Any) -> dict[str, Any]:
        return wanted(lipstick, stream=stream.slug, **more)

    for body, status, code in [
        ({**wanted(lipstick), "lines": [{"variant": str(uuid4()), "quantity": 1}]}, 404, "NOT_FOUND"),
        (wanted(retired), 409, "NOT_FOR_SALE"),
        (at(offer=str(closed.id), amount=999), 409, "OFFER_ENDED"),
        (at(offer=str(uuid4())), 409, "OFFER_MISMATCH"),
        (wanted(lipstick, offer=str(closed.id)), 409, "OFFER_MISMATCH"),
        (wanted(lipstick, stream=planned.slug), 409, "STREAM_NOT_LIVE"),
        (wanted(lipstick, stream="no-such-show"), 404, "NOT_FOUND"),
        (wanted(lipstick, amount=1), 409, "PRICE_CHANGED"),
        (wanted(lipstick, 11, amount=21_989), 409, "OUT_OF_STOCK"),
        (wanted(lipstick, card=str(theirs.id)), 404, "NOT_FOUND"),
        (wanted(lipstick, card=str(uuid4())), 404, "NOT_FOUND"),
        (mixed, 409, "MIXED_CURRENCIES"),
        (many, 400, "TOO_MANY_LINES"),
        (wanted(lipstick, 0), 400, "BAD_QUANTITY"),
        (wanted(lipstick, -1), 400, "BAD_QUANTITY"),
        (wanted(lipstick, 10**40), 400, "BAD_QUANTITY"),
        (wanted(lipstick, 1.5), 400, "BAD_REQUEST"),
        (wanted(lipstick, "two"), 400, "BAD_REQUEST"),
        (wanted(lipstick, "1"), 400, "BAD_REQUEST"),
        (wanted(lipstick, coupon="ALL"), 400, "BAD_REQUEST"),
        (wanted(lipstick, amount="1999"), 400, "BAD_REQUEST"),
        (wanted(lipstick, None), 400, "BAD_REQUEST"),
        (wanted(lipstick, amount=-1), 400, "BAD_REQUEST"),
        (wanted(lipstick, amount=2**70), 400, "BAD_REQUEST"),
        (wanted(lipstick, card="mine"), 400, "BAD_REQUEST"),
        (wanted(lipstick, seen={"epoch": "K/9", "offset": 1}), 400, "BAD_REQUEST"),
        (wanted(lipstick, seen={"epoch": "k9", "offset": -1}), 400, "BAD_REQUEST"),
        (wanted(lipstick, seen={"epoch": "k9", "offset": 2**70}), 400, "BAD_REQUEST"),
        (wanted(lipstick, stream="\x00"), 400, "BAD_REQUEST"),
        ({"lines": []}, 400, "BAD_REQUEST"),
        ({**wanted(lipstick), "lines": []}, 400, "NOTHING_WANTED"),
        ({**wanted(lipstick), "lines": 10_000 * wanted(lipstick)["lines"]}, 400, "TOO_MANY_LINES"),
        ({"lines": "all"}, 400, "BAD_REQUEST"),
        ([1, 2], 400, "BAD_REQUEST"),
        ('"text"', 400, "BAD_REQUEST"),
        ("null", 400, "BAD_REQUEST"),
    ]:
        refused(press(shop, body), status, code)

    assert not Purchase.objects.exists()
    assert not Hold.objects.exists()
    assert make.left(lipstick) == 10
    assert make.broken() == []


def test_bodies_that_are_no_json_too_deep_or_too_large_are_refused(shop: Client) -> None:
    def raw(text: str) -> Any:
        return shop.post(
            "/api/v1/purchases",
            text,
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid4())},
        )

    refused(raw("{"), 400, "NOT_JSON")
    refused(raw("[" * 100 + "]" * 100), 400, "TOO_DEEP")
    refused(raw('{"lines": "' + "x" * (1 << 21) + '"}'), 413, "TOO_LARGE")


@pytest.mark.parametrize(
    "key",
    [
        *(None, "once", "00000000-0000-0000-0000-00000000000g", "x" * 300),
        "0192f0c47c1e7d539b521f0f7c2b9a10",
        "{0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10}",
        "urn:uuid:0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10",
    ],
)
def test_a_purchase_needs_a_uuid_as_its_key(shop: Client, key: str | None) -> None:
    refused(press(shop, wanted(make.variant()), key=key), 400, "BAD_IDEMPOTENCY_KEY")


def test_a_key_that_bought_something_else_is_refused(shop: Client) -> None:
    lipstick, key = make.variant(), str(uuid4())
    press(shop, wanted(lipstick), key=key)

    refused(press(shop, wanted(lipstick, 2, amount=3998), key=key), 422, "IDEMPOTENCY_MISMATCH")
    assert Purchase.objects.count() == 1


def test_a_changed_price_names_the_new_total(shop: Client) -> None:
    lipstick = make.variant(amount=1999)
    prices.change(
        merchant_id=lipstick.merchant_id,
        variant_id=lipstick.id,
        amount=2499,
        compare_at=None,
        currency="EUR",
        now=make.NOW,
    )

    body = refused(press(shop, wanted(lipstick, amount=1999)), 409, "PRICE_CHANGED")

    assert body["data"]["total"] == {"amount": 2499, "currency": "EUR"}


def test_without_card_or_address_the_code_says_which(shop: Client) -> None:
    client, buyer = Client(), make.user()
    client.force_login(buyer)
    lipstick = make.variant()
    refused(press(client, wanted(lipstick)), 409, "CARD_REQUIRED")
    make.card(buyer)
    refused(press(client, wanted(lipstick)), 409, "ADDRESS_REQUIRED")


# --- another card ---


def test_a_declined_shopper_pays_with_another_card(shop: Client, shopper: User) -> None:
    purchase_id = press(shop, wanted(make.variant())).json()["id"]
    payments.apply(intent=make.said(make.sent(Purchase.objects.get()), "declined"), now=timezone.now())
    declined = shop.get(f"/api/v1/purchases/{purchase_id}").json()
    assert (declined["status"], declined["reason"]) == ("declined", "PAYMENT_DECLINED")
    assert declined["message"] == "Your card has insufficient funds."
    second = make.card(shopper, default=False)

    def pay(card: Any) -> Any:
        return shop.post(
            f"/api/v1/purchases/{purchase_id}/pay", {"card": card}, content_type="application/json"
        )

    refused(pay("nonsense"), 400, "BAD_REQUEST")
    refused(pay(str(Card.objects.get(user=make.buyer()).id)), 404, "NOT_FOUND")
    answer = pay(str(second.id))
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert Payment.objects.get(number=2).card == second
    paid_with = Purchase.objects.get()
    payments.apply(intent=make.said(Payment.objects.get(number=2), "succeeded"), now=timezone.now())
    refused(pay(None), 409, "ILLEGAL_MOVE")
    assert paid_with.card == second


# --- carts ---


def test_a_cart_is_kept_and_guarded_by_its_version(shop: Client) -> None:
    lipstick = make.variant(amount=1999)
    stream = make.show(lipstick, now=timezone.now())
    offer = make.offer(stream, lipstick, amount=999, now=timezone.now())

    def put(body: Any) -> Any:
        return shop.put("/api/v1/cart", body, content_type="application/json")

    assert shop.get("/api/v1/cart").json() == {"version": 0, "lines": [], "totals": []}
    line = {"variant": str(lipstick.id), "quantity": 1}
    cart = put({"version": 0, "lines": [line]}).json()
    msgspec.convert(cart, buying.Cart)
    assert (cart["version"], cart["totals"]) == (1, [{"amount": 1999, "currency": "EUR"}])
    live = shop.get("/api/v1/cart", {"stream": stream.slug}).json()
    assert live["lines"][0]["offer"] == str(offer.id)

    stale = refused(put({"version": 0, "lines": []}), 409, "CART_CONFLICT")
    assert stale["data"]["cart"] == cart
    for bad in (
        {},
        {"version": -1, "lines": []},
        {"version": 1, "lines": [{**line, "quantity": 0}]},
        {"version": 1, "lines": [{**line, "quantity": 100}]},
        {"version": 1, "lines": [line], "stream": 7.5},
    ):
        assert put(bad).status_code in (400, 404), bad
    refused(put({"version": 1, "lines": [{**line, "variant": str(uuid4())}]}), 404, "NOT_FOUND")
    refused(shop.get("/api/v1/cart", {"stream": "nowhere"}), 404, "NOT_FOUND")
    assert shop.get("/api/v1/cart").json() == cart


# --- merchants ---


def door(merchant: Merchant) -> Client:
    _, key = apikeys.key(merchant)
    return Client(headers={"Authorization": f"Api-Key {key}"})


def test_a_merchant_sees_its_part_of_paid_purchases_and_ships_it(shopper: User) -> None:
    mine, theirs = make.variant(amount=1999), make.variant(amount=500)
    unpaid = make.basket((mine, 1)).go()
    purchase = make.basket((mine, 2), (theirs, 1), by=shopper).go()
    paid(str(purchase.id))
    merchant, stranger = door(mine.merchant), door(theirs.merchant)

    (order,) = merchant.get("/api/v1/orders").json()["results"]

    assert order["purchase"] == str(purchase.id)
    assert (order["status"], order["total"]) == ("open", {"amount": 3998, "currency": "EUR"})
    assert [line["quantity"] for line in order["lines"]] == [2]
    assert order["ship_to"]["city"] == "Bremen"
    assert shopper.email not in str(order)
    path = f"/api/v1/orders/{order['id']}"
    assert merchant.get(path).json() == order
    hidden = Order.objects.get(purchase=unpaid)
    parcel = {"carrier": "DHL", "tracking_number": "JD1", "tracking_url": "https://dhl.example/JD1"}
    for client, address in ((stranger, path), (merchant, f"/api/v1/orders/{hidden.id}")):
        refused(client.get(address), 404, "NOT_FOUND")
        refused(client.post(f"{address}/ship", parcel, content_type="application/json"), 404, "NOT_FOUND")

    before = Purchase.objects.get(pk=purchase.id).version
    for _ in range(2):
        shipped = merchant.post(f"{path}/ship", parcel, content_type="application/json")
        assert (shipped.status_code, shipped.json()["status"]) == (200, "shipped")
        assert len(shipped.json()["shipments"]) == 1
    other = merchant.post(f"{path}/ship", {"carrier": "UPS"}, content_type="application/json")
    refused(other, 409, "ORDER_NOT_OPEN")
    for bad in (
        {},
        {"carrier": ""},
        {"carrier": "x" * 81},
        {"carrier": "DHL", "tracking_url": "javascript:1"},
    ):
        refused(merchant.post(f"{path}/ship", bad, content_type="application/json"), 400, "BAD_REQUEST")
    told = make.events("purchase.moved")[-1]
    assert (told["purchase"], told["version"]) == (str(purchase.id), before + 1)


def test_orders_are_filtered_and_paged(shopper: User) -> None:
    lipstick = make.variant()
    for _ in range(3):
        paid(str(make.basket((lipstick, 1)).go(now=timezone.now()).id))
    merchant = door(lipstick.merchant)

    def listed(**query: Any) -> Any:
        return merchant.get("/api/v1/orders", query)

    assert len(listed(status="open").json()["results"]) == 3
    assert listed(status="shipped").json()["results"] == []
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert len(listed(created_before=tomorrow).json()["results"]) == 3
    assert listed(created_from=tomorrow).json()["results"] == []
    page = listed(page_size=2).json()
    assert (len(page["results"]), page["previous"]) == (2, None)
    assert len(merchant.get(page["next"]).json()["results"]) == 1
    ids = [order["id"] for order in page["results"]]
    assert ids == sorted(ids, reverse=True)
    too_far = {"created_from": "0001-01-01T00:00:00+23:59"}  # A moment before the first.
    for bad in (
        {"status": ""},
        {"created_from": ""},
        {"status": "pending"},
        {"status": "x"},
        {"created_from": "yesterday"},
        too_far,
    ):
        refused(listed(**bad), 400, "BAD_REQUEST")


def test_a_merchants_door_needs_its_key(shop: Client) -> None:
    for client in (Client(), shop, Client(headers={"Authorization": "Api-Key nonsense"})):
        assert client.get("/api/v1/orders").status_code == 401
