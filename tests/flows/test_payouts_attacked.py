"""Where payees are paid, under attack: bad addresses, lost notices, one payee in another's way."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from commerce.models import ConnectedAccount
from orders import recovery
from orders.models import Payout
from orders.payouts import paying
from tests import apikeys
from tests.orders import make, selling
from tests.orders.selling import Trade
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

BACK = {"return_url": "https://shop.example.com/paid", "refresh_url": "https://shop.example.com/again"}
GOOD = {**BACK, "country": "DE"}
MOST = "https://shop.example.com/"


def opened(body: Any) -> Any:
    """What a merchant is answered who opens its account like that."""
    _, key = apikeys.key(make.merchant())
    return Client(raise_request_exception=False).post(
        "/api/v1/payout-account",
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Api-Key {key}"},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"return_url": "http://["},
        {"return_url": "https://"},
        {"return_url": "https:shop.example.com"},
        {"return_url": "https://:8000/x"},
        {"return_url": "https://shop.example.com:99999999/x"},
        {"return_url": "https://shop.example.com/\u0000"},
        {"return_url": "https://shop.example.com/a b"},
        {"return_url": "https://shop.example.com@evil.example.com\\x"},
        {"refresh_url": "//shop.example.com"},
        {"refresh_url": "javascript:alert(1)"},
        {"refresh_url": MOST + "x" * 500},
        {"refresh_url": ""},
        {"refresh_url": 7},
        {"refresh_url": None},
        {"country": 49},
        {"country": "\u0000\u0000"},
        {"country": "DEU"},
        {"country": ["DE"]},
        {"merchant": "of-another"},
    ],
)
def test_an_absurd_address_opens_no_account(change: dict[str, Any], stripe_server: StripeServer) -> None:
    answer = opened({**GOOD, **change})

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST"), answer.content
    assert not ConnectedAccount.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[]", "BAD_REQUEST"),
        ("7", "BAD_REQUEST"),
        ("null", "BAD_REQUEST"),
        ("{", "NOT_JSON"),
        ("\x00", "NOT_JSON"),
    ],
)
def test_what_is_no_object_opens_no_account(body: str, code: str, stripe_server: StripeServer) -> None:
    answer = opened(body)

    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.content


@pytest.mark.parametrize("url", [MOST + "x" * (500 - len(MOST)), "http://localhost:9000/paid?by=us#here"])
def test_a_page_of_the_callers_is_taken(url: str, stripe_server: StripeServer) -> None:
    assert opened({**GOOD, "return_url": url}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_payee_in_somebodys_hand_keeps_no_other_from_being_paid(
    own_stripe: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.transactions.PATIENT_MS", 300)
    trade = Trade(own_stripe)
    trade.sell()
    held, go = threading.Event(), threading.Event()

    def hold(account: ConnectedAccount) -> None:
        try:
            with transaction.atomic():
                ConnectedAccount.objects.select_for_update().get(pk=account.pk)
                held.set()
                go.wait(20)
        finally:
            connection.close()

    for blocked, free in ((trade.host, trade.merchant), (trade.merchant, trade.host)):
        held.clear()
        go.clear()
        Payout.objects.update(status="paid")
        holder = threading.Thread(target=hold, args=(blocked,))
        holder.start()
        assert held.wait(10)
        try:
            begun = paying.begin_all(now=selling.now())
        finally:
            go.set()
            holder.join(10)
        assert [each.account_id for each in begun] == [free.pk]


def test_an_account_whose_notices_were_lost_is_asked_for(stripe_server: StripeServer) -> None:
    trade = Trade(stripe_server)
    trade.sell()
    account = trade.merchant
    ConnectedAccount.objects.filter(pk=account.pk).update(state="onboarding", transfers_enabled=False)
    assert paying.begin(account_id=account.pk, currency="EUR", now=selling.now()) is None

    assert recovery.finish(now=selling.now())["payees"] == 0  # Asked a moment ago.
    assert recovery.finish(now=selling.now(3600))["payees"] == 1
    assert recovery.finish(now=selling.now(3600))["payees"] == 0

    assert paying.begin(account_id=account.pk, currency="EUR", now=selling.now(3600)) is not None
