"""Coupons by the control room's buttons."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from streams.models import Coupon, Stream
from tests.streams import make
from tests.streams.studio.asking import JSON, a_coupon, at

pytestmark = pytest.mark.django_db


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
