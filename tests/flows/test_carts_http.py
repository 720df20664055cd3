"""Carts over HTTP: of shoppers, of guests, and how the one becomes the other."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Product, Variant
from commerce.models import User
from orders.carts import policies
from orders.models import GuestCart
from streams.frames import buying
from tests.orders import make

pytestmark = pytest.mark.django_db

CART, LINES, MERGE = "/api/v1/cart", "/api/v1/cart/lines", "/api/v1/cart/merge"
PASSWORD = "correct-horse-battery"


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return client.generic(
        method,
        path,
        b"" if body is None else msgspec.json.encode(body),
        content_type="application/json",
    )


def put_in(client: Client, variant: Variant, quantity: Any = 1, **more: Any) -> Any:
    return send(client, "POST", LINES, {"variant": str(variant.id), "quantity": quantity, **more})


def line(variant: Variant) -> str:
    return f"{LINES}/{variant.id}"


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.content
    body: dict[str, Any] = answer.json()
    return body


def quantities(answer: Any) -> dict[str, int]:
    assert answer.status_code == 200, answer.content
    msgspec.convert(answer.json(), buying.Cart)
    return {each["variant"]: each["quantity"] for each in answer.json()["lines"]}


@pytest.fixture
def member() -> User:
    made = make.user("Noa")
    made.set_password(PASSWORD)
    made.save()
    return made


@pytest.fixture
def shop(member: User) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def guest() -> Client:
    return Client()


def sign_in(client: Client, user: User) -> None:
    answer = send(client, "POST", "/api/v1/account/sign-in", {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.content


# --- the same for shoppers and guests ---


@pytest.fixture(params=["shopper", "guest"])
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.getfixturevalue("shop" if request.param == "shopper" else "guest")
    return chosen


def test_lines_are_added_set_and_taken_out(client: Client) -> None:
    lipstick, blush = make.variant(amount=100), make.variant(amount=500, currency="JPY")

    assert quantities(put_in(client, lipstick)) == {str(lipstick.id): 1}
    assert quantities(put_in(client, lipstick, 2)) == {str(lipstick.id): 3}
    cart = put_in(client, blush).json()
    assert cart["totals"] == [{"amount": 300, "currency": "EUR"}, {"amount": 500, "currency": "JPY"}]
    assert [each["merchant"]["id"] for each in cart["lines"]] == [
        str(lipstick.merchant_id),
        str(blush.merchant_id),
    ]

    answer = send(client, "PATCH", line(lipstick), {"version": cart["version"], "quantity": 7})
    assert quantities(answer) == {str(lipstick.id): 7, str(blush.id): 1}
    answer = send(client, "DELETE", f"{line(blush)}?version={answer.json()['version']}")
    assert quantities(answer) == {str(lipstick.id): 7}
    answer = send(
        client,
        "PUT",
        CART,
        {"version": answer.json()["version"], "lines": [{"variant": str(blush.id), "quantity": 2}]},
    )
    assert quantities(answer) == {str(blush.id): 2}
    assert client.get(CART).json() == answer.json()


def test_a_stale_version_is_a_conflict_with_the_cart_as_it_is(client: Client) -> None:
    lipstick = make.variant()
    stale = put_in(client, lipstick).json()["version"]
    now = put_in(client, lipstick).json()

    for answer in (
        send(client, "PATCH", line(lipstick), {"version": stale, "quantity": 5}),
        send(client, "DELETE", f"{line(lipstick)}?version={stale}"),
        send(client, "PUT", CART, {"version": stale, "lines": []}),
        put_in(client, lipstick, version=stale),
    ):
        assert refused(answer, 409, "CART_CONFLICT")["data"]["cart"] == now
    assert client.get(CART).json() == now


def test_with_a_version_a_repetition_adds_nothing_twice(client: Client) -> None:
    lipstick = make.variant()

    assert quantities(put_in(client, lipstick, 2, version=0)) == {str(lipstick.id): 2}
    refused(put_in(client, lipstick, 2, version=0), 409, "CART_CONFLICT")

    assert quantities(client.get(CART)) == {str(lipstick.id): 2}


@pytest.mark.parametrize("quantity", [0, -1, 100, 2**31, 2**70, -(2**70), "2", 1.5, None, True])
def test_absurd_quantities_are_refused(client: Client, quantity: Any) -> None:
    lipstick = make.variant()
    put_in(client, lipstick)
    code = "BAD_QUANTITY" if type(quantity) is int else "BAD_REQUEST"

    refused(put_in(client, lipstick, quantity), 400, code)
    refused(send(client, "PATCH", line(lipstick), {"version": 1, "quantity": quantity}), 400, code)
    lines = [{"variant": str(lipstick.id), "quantity": quantity}]
    refused(send(client, "PUT", CART, {"version": 1, "lines": lines}), 400, code)

    assert quantities(client.get(CART)) == {str(lipstick.id): 1}


def test_what_cannot_be_bought_does_not_go_in(client: Client) -> None:
    lipstick, retired = make.variant(), make.variant()
    Product.objects.filter(pk=retired.product_id).update(status=Product.Status.RETIRED)

    refused(put_in(client, retired), 409, "NOT_FOR_SALE")
    refused(send(client, "POST", LINES, {"variant": str(uuid4())}), 404, "NOT_FOUND")
    refused(put_in(client, lipstick, stream="no-such-show"), 404, "NOT_FOUND")
    refused(send(client, "POST", LINES, {"variant": "x"}), 400, "BAD_REQUEST")
    refused(send(client, "POST", LINES, [1, 2]), 400, "BAD_REQUEST")
    refused(put_in(client, lipstick, wanted=True), 400, "BAD_REQUEST")
    refused(send(client, "PATCH", line(lipstick), {"version": 0, "quantity": 1}), 404, "NOT_FOUND")
    refused(send(client, "DELETE", f"{line(lipstick)}?version=0"), 404, "NOT_FOUND")
    refused(send(client, "DELETE", line(lipstick)), 400, "BAD_REQUEST")
    refused(send(client, "DELETE", f"{LINES}/{lipstick.id}?version={2**80}"), 400, "BAD_REQUEST")

    assert quantities(client.get(CART)) == {}


def test_ten_thousand_lines_are_refused_at_once(client: Client) -> None:
    lipstick = make.variant()
    for count in (21, 10_000):
        lines = [{"variant": str(uuid4()), "quantity": 1} for _ in range(count)]
        refused(send(client, "PUT", CART, {"version": 0, "lines": lines}), 400, "TOO_MANY_LINES")
    many = [{"variant": str(lipstick.id), "quantity": 1} for _ in range(30)]
    answer = send(client, "PUT", CART, {"version": 0, "lines": many})
    assert quantities(answer) == {str(lipstick.id): 30}


def test_a_cart_is_full_with_twenty_lines(client: Client) -> None:
    for _ in range(20):
        put_in(client, make.variant())
    refused(put_in(client, make.variant()), 400, "TOO_MANY_LINES")


def test_another_sites_page_cannot_fill_a_cart() -> None:
    client = Client(enforce_csrf_checks=True)
    refused(put_in(client, make.variant()), 403, "FORBIDDEN")
    assert not GuestCart.objects.exists()


# --- holds over HTTP ---


def test_held_units_are_seen_with_their_end_and_too_many_are_refused(shop: Client, guest: Client) -> None:
    lipstick = make.variant(stocked=3)
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=600, now=timezone.now())

    before = timezone.now()
    (held,) = put_in(shop, lipstick, 2).json()["lines"]
    assert held["held"] == 2
    end = before + timedelta(seconds=600)
    assert 0 <= held["held_until"] - end.timestamp() * 1000 < 20_000

    assert refused(put_in(shop, lipstick, 2), 409, "OUT_OF_STOCK")["data"]["left"] == 1
    (line,) = put_in(guest, lipstick, 3).json()["lines"]
    assert (line["held"], line["held_until"], line["left"]) == (0, None, 1)
