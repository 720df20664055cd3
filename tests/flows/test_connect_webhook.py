"""A payee's account from the provider's own words to the payout: signed bytes over HTTP, and nothing else."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from commerce import payees
from commerce.models import ConnectedAccount, Notice
from orders.models import Payout
from orders.payouts import sending
from orders.reconciling import notices
from tests.flows.test_settling import knock, signed
from tests.orders import make, selling
from tests.orders.selling import REST, Trade
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


def told(account: Any, kind: str = "account.updated", **more: Any) -> bytes:
    """A notice of a connected account as the provider writes it; what it says of the account is stale."""
    body = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "account": account,
        "data": {"object": {"id": account, "object": "account", "payouts_enabled": False}},
        **more,
    }
    return json.dumps(body).encode()


def read_all() -> None:
    """Read what was kept, as the relay's tasks would."""
    for notice_id in notices.unread(now=selling.now(60), limit=100):
        notices.read(notice_id=notice_id, now=timezone.now())


@pytest.fixture
def connect_secret(settings: Settings) -> str:
    """What the endpoint of connected accounts signs with."""
    settings.STRIPE_CONNECT_WEBHOOK_SECRETS = ["whsec_of_connected"]
    return "whsec_of_connected"


@pytest.fixture
def trade(stripe_server: StripeServer) -> Trade:
    """A merchant that has earned something, and whose account its owner has not finished."""
    made = Trade(stripe_server)
    made.sell()
    stripe_server.account(made.merchant.provider_id or "", "restricted")
    payees.refresh(provider_id=made.merchant.provider_id or "", now=timezone.now())
    return made


def state(trade: Trade) -> str:
    return ConnectedAccount.objects.get(pk=trade.merchant.pk).state


def test_from_a_signed_notice_to_the_payout(trade: Trade, connect_secret: str) -> None:
    assert (state(trade), trade.begin(trade.merchant)) == ("restricted", None)
    trade.server.account(trade.merchant.provider_id or "", "enabled")

    body = told(trade.merchant.provider_id)
    for _ in range(2):
        assert knock(body, signed(body, secret=connect_secret)).status_code == 200
    assert state(trade) == "restricted", "a door only keeps it"
    read_all()

    assert Notice.objects.get().processed_at is not None
    assert state(trade) == "enabled"
    payout = trade.begin(trade.merchant)
    assert payout is not None
    sending.send_all(payout_id=payout.id, now=timezone.now())
    assert Payout.objects.get().status == "paid"
    assert trade.arrived(trade.merchant) == REST
    assert make.broken() == []


def test_a_notice_of_a_payee_signed_for_our_own_endpoint_is_refused(trade: Trade) -> None:
    trade.server.account(trade.merchant.provider_id or "", "enabled")
    body = told(trade.merchant.provider_id)

    assert knock(body, signed(body)).json()["code"] == "BAD_SIGNATURE"

    read_all()
    assert not Notice.objects.exists()
    assert state(trade) == "restricted"


@pytest.mark.parametrize("account", ["acct_of_another_platform", "x" * 500, "acct_\u0000", 7, [], {}])
def test_a_signed_notice_of_no_account_of_ours_pays_nobody(
    trade: Trade, connect_secret: str, account: Any
) -> None:
    body = told(account)

    answer = Client(raise_request_exception=False).post(
        "/api/v1/webhooks/stripe",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signed(body, secret=connect_secret)},
    )

    assert answer.status_code in (200, 400), answer.content
    assert state(trade) == "restricted"
    assert trade.begin(trade.merchant) is None


def test_what_is_told_of_one_payee_changes_no_other(trade: Trade, connect_secret: str) -> None:
    """The account that is told of counts, not what the body says it is about."""
    trade.server.account(trade.host.provider_id or "", "deauthorized")
    body = told(
        trade.merchant.provider_id, data={"object": {"id": trade.host.provider_id, "object": "account"}}
    )

    assert knock(body, signed(body, secret=connect_secret)).status_code == 200
    read_all()

    assert ConnectedAccount.objects.get(pk=trade.host.pk).state == "enabled"
