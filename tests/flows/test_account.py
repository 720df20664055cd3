"""Accounts, addresses and cards as a browser meets them: cookies, CSRF, throttles and tenant walls."""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from commerce import accounts, views
from commerce.models import Address, Card, User
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-battery"
HOME = {"name": "Ada", "line1": "1 Mill Lane", "city": "York", "postal_code": "YO1 7HH", "country": "GB"}


class Browser:
    """A client that keeps cookies and sends the CSRF token, as the page does."""

    def __init__(self) -> None:
        self.client = APIClient(enforce_csrf_checks=True)
        self.client.get("/")

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        token = self.client.cookies["csrftoken"].value
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            data="" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"X-CSRFToken": token, **headers},
        )

    def get(self, path: str) -> Any:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    @property
    def session(self) -> str:
        found = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
        return found.value if found else ""


def signed_up(name: str = "ada") -> Browser:
    browser = Browser()
    body = {"email": f"{name}-{uuid4()}@example.com", "name": name.title(), "password": PASSWORD}
    assert browser.post("account/sign-up", body).status_code == 201
    return browser


def add_card(browser: Browser, card: str = "pm_card_visa") -> list[dict[str, Any]]:
    setup = browser.post("cards/setup").json()
    assert setup["publishable_key"] is None
    address = urlsplit(setup["sheet_url"])
    body = urlencode({"client_secret": setup["client_secret"], "card": card}).encode()
    page = f"{address.scheme}://{address.netloc}{address.path}"
    build_opener(ProxyHandler({})).open(Request(page, data=body), timeout=10).read()
    done = browser.post("cards", {"setup_intent": setup["client_secret"].split("_secret_")[0]})
    assert done.status_code == 201
    kept: list[dict[str, Any]] = done.json()
    return kept


def test_a_shopper_signs_up_leaves_and_comes_back() -> None:
    browser = Browser()
    body = {"email": "Ada@Example.com", "name": "Ada", "password": PASSWORD}

    me = browser.post("account/sign-up", body)
    assert me.status_code == 201
    assert (me.json()["name"], me.json()["is_host"]) == ("Ada", False)
    assert browser.get("account/me").json() == me.json()

    assert browser.post("account/sign-out").status_code == 204
    assert browser.get("account/me").status_code == 401

    again = browser.post("account/sign-in", {"email": "ada@example.com", "password": PASSWORD})
    assert again.status_code == 200
    assert browser.get("account/me").json()["id"] == me.json()["id"]


def test_signing_in_and_out_changes_the_session_key() -> None:
    browser = signed_up()
    email = browser.get("account/me").json()["email"]
    first = browser.session
    browser.post("account/sign-in", {"email": email, "password": PASSWORD})
    second = browser.session
    browser.post("account/sign-out")

    assert len({first, second, browser.session}) == 3
    thief = Browser()
    thief.client.cookies[settings.SESSION_COOKIE_NAME] = second
    assert thief.get("account/me").status_code == 401


def test_a_session_from_before_signing_in_is_not_taken_over() -> None:
    accounts.sign_up(email="ada@example.com", name="Ada", password=PASSWORD)
    browser = Browser()
    session = browser.client.session
    session["planted"] = True
    session.save()
    browser.client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)

    browser.post("account/sign-in", {"email": "ada@example.com", "password": PASSWORD})

    assert browser.session
    assert browser.session != session.session_key


def test_unknown_address_and_wrong_password_are_told_alike() -> None:
    accounts.sign_up(email="ada@example.com", name="Ada", password=PASSWORD)
    browser = Browser()

    wrong = browser.post("account/sign-in", {"email": "ada@example.com", "password": "nope"})
    unknown = browser.post("account/sign-in", {"email": "eve@example.com", "password": "nope"})

    assert wrong.status_code == unknown.status_code == 401
    told = [{**one.json(), "request_id": ""} for one in (wrong, unknown)]
    assert told[0] == told[1]
    assert told[0]["code"] == "WRONG_CREDENTIALS"


def test_guessing_at_one_account_is_stopped_from_any_network() -> None:
    accounts.sign_up(email="ada@example.com", name="Ada", password=PASSWORD)
    browser = Browser()

    def guess(number: int, password: str = "nope") -> Any:
        body = {"email": "ada@example.com", "password": password}
        return browser.client.post(
            "/api/v1/account/sign-in",
            body,
            headers={"X-CSRFToken": browser.client.cookies["csrftoken"].value},
            REMOTE_ADDR=f"203.0.113.{number}",
        )

    statuses = [guess(number).status_code for number in range(views.TRIES_PER_EMAIL)]
    assert set(statuses) == {401}
    refused = guess(99, PASSWORD)
    assert refused.status_code == 429
    assert refused.json()["code"] == "RATE_LIMITED"
    assert refused.json()["retry_ms"] > 0
    assert int(refused["Retry-After"]) > 0


def test_one_network_cannot_try_many_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "TRIES_PER_ADDRESS", 3)
    browser = Browser()

    statuses = [
        browser.post("account/sign-in", {"email": f"{n}@example.com", "password": "x"}).status_code
        for n in range(4)
    ]
    assert statuses == [401, 401, 401, 429]


def test_whoever_knows_the_password_is_not_kept_out_by_earlier_slips() -> None:
    accounts.sign_up(email="ada@example.com", name="Ada", password=PASSWORD)
    browser = Browser()
    for _ in range(2):
        for _ in range(views.TRIES_PER_EMAIL - 1):
            browser.post("account/sign-in", {"email": "ada@example.com", "password": "slip"})
        right = browser.post("account/sign-in", {"email": "ada@example.com", "password": PASSWORD})
        assert right.status_code == 200


@pytest.mark.parametrize("path", ["sign-up", "sign-in", "sign-out"])
def test_another_sites_form_is_refused_before_anybody_is_signed_in(path: str) -> None:
    accounts.sign_up(email="ada@example.com", name="Ada", password=PASSWORD)
    client = APIClient(enforce_csrf_checks=True)

    refused = client.post(
        f"/api/v1/account/{path}", {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
    )

    assert refused.status_code == 403
    assert refused["Content-Type"] == "application/problem+json"
    assert settings.SESSION_COOKIE_NAME not in client.cookies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nonsense", "name": "Ada", "password": PASSWORD}, "email"),
        ({"email": "a@example.com", "name": "", "password": PASSWORD}, "name"),
        ({"email": "a@example.com", "name": "A\x00da", "password": PASSWORD}, "name"),
        ({"email": "a@example.com", "name": "Ada"}, "password"),
        ({"email": ["a@example.com"], "name": {}, "password": 1.5}, "email"),
        ({"email": "a@example.com", "name": "Ada", "password": "x" * 129}, "password"),
    ],
)
def test_a_bad_sign_up_names_the_field(body: dict[str, Any], field: str) -> None:
    refused = Browser().post("account/sign-up", body)

    assert refused.status_code == 400
    assert field in refused.json()["errors"]


def test_taken_address_and_weak_password_have_their_codes() -> None:
    accounts.sign_up(email="ada@example.com", name="Ada", password=PASSWORD)
    browser = Browser()

    taken = browser.post("account/sign-up", {"email": "ADA@example.com", "name": "Ada", "password": PASSWORD})
    weak = browser.post("account/sign-up", {"email": "b@example.com", "name": "B", "password": "12345678"})

    assert (taken.status_code, taken.json()["code"]) == (409, "EMAIL_TAKEN")
    assert (weak.status_code, weak.json()["code"]) == (400, "WEAK_PASSWORD")
    assert User.objects.count() == 1


def test_everything_of_ones_own_asks_for_a_session() -> None:
    browser = Browser()
    for method, path in [
        ("GET", "account/me"),
        ("PATCH", "account/me"),
        ("GET", "account/addresses"),
        ("POST", "account/addresses"),
        ("PUT", f"account/addresses/{uuid4()}"),
        ("DELETE", f"account/addresses/{uuid4()}"),
        ("GET", "cards"),
        ("POST", "cards"),
        ("POST", "cards/setup"),
        ("POST", f"cards/{uuid4()}/default"),
        ("DELETE", f"cards/{uuid4()}"),
    ]:
        refused = browser.send(method, path, {})
        assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED"), path


def test_addresses_are_added_changed_and_removed() -> None:
    browser = signed_up()

    first = browser.post("account/addresses", HOME).json()
    second = browser.post("account/addresses", {**HOME, "city": "Leeds"}).json()
    assert [one["city"] for one in browser.get("account/addresses").json()] == ["Leeds", "York"]

    changed = browser.send("PUT", f"account/addresses/{first['id']}", {**HOME, "line2": "Flat 2"})
    assert changed.status_code == 200
    assert [one["line2"] for one in browser.get("account/addresses").json()] == ["Flat 2", ""]

    assert browser.send("DELETE", f"account/addresses/{second['id']}").status_code == 204
    assert [one["id"] for one in browser.get("account/addresses").json()] == [first["id"]]


def test_a_bad_address_names_the_field() -> None:
    browser = signed_up()
    for body, field in [
        ({**HOME, "country": "XX"}, "country"),
        ({**HOME, "line1": ""}, "line1"),
        ({**HOME, "city": "x" * 121}, "city"),
        ({"name": "Ada"}, "line1"),
    ]:
        refused = browser.post("account/addresses", body)
        assert refused.status_code == 400
        assert field in refused.json()["errors"]
    assert not Address.objects.exists()


def test_another_users_address_is_not_there() -> None:
    theirs = signed_up("bob").post("account/addresses", HOME).json()["id"]
    browser = signed_up()

    changed = browser.send("PUT", f"account/addresses/{theirs}", {**HOME, "city": "Elsewhere"})
    removed = browser.send("DELETE", f"account/addresses/{theirs}")

    assert (changed.status_code, removed.status_code) == (404, 404)
    assert browser.get("account/addresses").json() == []
    assert Address.objects.get().city == "York"


def test_cards_are_added_chosen_and_removed(stripe_server: StripeServer) -> None:
    browser = signed_up()
    assert browser.get("cards").json() == []

    add_card(browser)
    visa, mastercard = reversed(add_card(browser, "pm_card_mastercard"))
    assert (visa["brand"], visa["last4"], visa["is_default"]) == ("visa", "4242", False)
    assert mastercard["is_default"]

    chosen = browser.post(f"cards/{visa['id']}/default").json()
    assert [one["id"] for one in chosen] == [visa["id"], mastercard["id"]]

    assert browser.send("DELETE", f"cards/{visa['id']}").status_code == 204
    left = browser.get("cards").json()
    assert [(one["id"], one["is_default"]) for one in left] == [(mastercard["id"], True)]


def test_what_is_told_of_a_card_is_no_more_than_its_owner_needs(stripe_server: StripeServer) -> None:
    (card,) = add_card(signed_up())

    assert set(card) == {"id", "brand", "last4", "exp_month", "exp_year", "is_default"}
    fields = {field.name for field in Card._meta.get_fields()}
    assert not fields & {"number", "cvc", "pan"}


def test_another_users_card_is_not_there(stripe_server: StripeServer) -> None:
    (theirs,) = add_card(signed_up("bob"))
    browser = signed_up()

    chosen = browser.post(f"cards/{theirs['id']}/default")
    removed = browser.send("DELETE", f"cards/{theirs['id']}")

    assert (chosen.status_code, removed.status_code) == (404, 404)
    assert Card.objects.get().removed_at is None


def test_another_users_card_form_saves_nothing(stripe_server: StripeServer) -> None:
    other = signed_up("bob")
    secret = other.post("cards/setup").json()["client_secret"]
    browser = signed_up()
    browser.post("cards/setup")

    refused = browser.post("cards", {"setup_intent": secret.split("_secret_")[0]})

    assert (refused.status_code, refused.json()["code"]) == (409, "CARD_NOT_SAVED")


@pytest.mark.parametrize(
    "body", [{}, {"setup_intent": ""}, {"setup_intent": "../refunds/re_1"}, {"setup_intent": 7}]
)
def test_a_form_that_is_none_is_a_clear_refusal(body: dict[str, Any], stripe_server: StripeServer) -> None:
    browser = signed_up()
    browser.post("cards/setup")

    assert browser.post("cards", body).status_code in (400, 409)


def test_with_the_provider_down_the_form_is_a_temporary_refusal(stripe_server: StripeServer) -> None:
    browser = signed_up()
    stripe_server.fault("error_500", times=None)

    refused = browser.post("cards/setup")

    assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
    assert refused.json()["temporary"] is True


def test_changing_the_name() -> None:
    browser = signed_up()

    assert browser.send("PATCH", "account/me", {"name": " Ada  L. "}).json()["name"] == "Ada L."
    assert browser.send("PATCH", "account/me", {"name": ""}).status_code == 400
    assert browser.get("account/me").json()["name"] == "Ada L."
