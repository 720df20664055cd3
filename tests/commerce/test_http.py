from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisDown
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from commerce import errors, http, merchantkeys, parsers
from commerce.models import Merchant, MerchantKey, MerchantKeySecret
from commerce.scopes import Need
from tests import apikeys

requests = APIRequestFactory()


class Sold(errors.Conflict):
    code = "OUT_OF_STOCK"
    message = "Sold out."


class Answering(http.MerchantView):
    """Answers with whatever the test wants."""

    act: Callable[[Request], Any]

    def need(self, request: Request) -> Need | None:
        return None

    def post(self, request: Request) -> Response:
        return Response(type(self).act(request))


def answer(act: Callable[[Request], Any], body: bytes = b"{}", **headers: str) -> Response:
    view: type[Answering] = type("View", (Answering,), {"act": staticmethod(act), "permission_classes": []})
    request = requests.post("/", body, content_type="application/json", headers=headers)
    response: Response = view.as_view()(request).render()
    return response


def fail(error: Exception) -> Callable[[Request], Any]:
    def act(request: Request) -> Any:
        raise error

    return act


def test_a_refusal_becomes_problem_details_with_its_code_and_numbers() -> None:
    response = answer(fail(Sold(variant="v1", left=0)))

    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    body = orjson.loads(response.content)
    assert (body["code"], body["title"]) == ("OUT_OF_STOCK", "Out of stock")
    assert body["data"] == {"variant": "v1", "left": 0}
    assert body["temporary"] is False


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed"), RedisDown("gone")])
def test_a_part_that_is_down_is_a_temporary_refusal_not_a_500(error: Exception) -> None:
    response = answer(fail(error))

    assert response.status_code == 503
    assert response["Retry-After"] == "1"
    assert orjson.loads(response.content)["temporary"] is True


def test_a_value_the_database_cannot_hold_is_a_bad_request_not_a_500() -> None:
    response = answer(fail(DataError("time zone displacement out of range")))

    assert (response.status_code, orjson.loads(response.content)["code"]) == (400, "BAD_REQUEST")


def test_a_programming_error_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        answer(fail(ZeroDivisionError()))


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "NOT_JSON"),
        (b'{"a": NaN}', 400, "NOT_JSON"),
        (b"\xff\xfe", 400, "NOT_JSON"),
        (nested(parsers.MAX_JSON_DEPTH + 1), 400, "TOO_DEEP"),
        (nested(100_000), 400, "NOT_JSON"),
        (b'"' + b"x" * parsers.MAX_JSON_BYTES + b'"', 413, "TOO_LARGE"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_its_reason(body: bytes, status: int, code: str) -> None:
    response = answer(lambda request: request.data, body)

    assert (response.status_code, orjson.loads(response.content)["code"]) == (status, code)


def test_a_body_at_the_depth_limit_is_read() -> None:
    assert answer(lambda request: request.data, nested(parsers.MAX_JSON_DEPTH)).status_code == 200


@pytest.fixture
def merchant() -> Merchant:
    return Merchant.objects.create(name="Demo", slug="demo")


def who(request: Request) -> Any:
    return str(request.auth.merchant_id) if isinstance(request.auth, MerchantKey) else None


@pytest.mark.django_db
def test_a_key_names_its_merchant_and_remembers_its_use(merchant: Merchant) -> None:
    stored, key = apikeys.key(merchant)

    response = answer(who, Authorization=f"Api-Key {key}")

    assert response.data == str(merchant.id)
    assert MerchantKeySecret.objects.get(key=stored).last_used_at is not None
    assert key not in str(MerchantKeySecret.objects.values())


@pytest.mark.django_db
@pytest.mark.parametrize("spoil", ["unknown", "revoked", "expired", "merchant closed"])
def test_a_key_that_is_not_good_any_more_is_refused(merchant: Merchant, spoil: str) -> None:
    stored, key = apikeys.key(merchant)
    match spoil:
        case "unknown":
            key = key[:-1] + ("a" if key[-1] != "a" else "b")
        case "revoked":
            merchantkeys.revoke(key_id=stored.pk, now=datetime.now(UTC), by=merchantkeys.By())
        case "expired":
            MerchantKey.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        case _:
            Merchant.objects.update(is_active=False)

    response = answer(who, Authorization=f"Api-Key {key}")

    assert response.status_code == 401
    assert orjson.loads(response.content)["code"] == "BAD_KEY"
    assert response["WWW-Authenticate"] == "Api-Key"


@pytest.mark.parametrize("address", ["/api/v1/nothing", "/api/v1/two%0Alines", "/api/"])
def test_an_address_that_is_none_is_a_problem(address: str) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "NOT_FOUND"
