"""The edge: keys, versions, unknown addresses, bodies that make no sense, and the mark on every answer."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from config.env import ROOT
from tests.stripe_server import KEY, StripeServer


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_it_says_that_it_is_simulated(stripe_server: StripeServer, http: requests.Session) -> None:
    for path in ("/", "/v1/customers", "/v1/nothing", "/sheet/setup", "/_simulator/books"):
        answer = http.get(stripe_server.url + path)
        assert answer.headers["Yellowcart-Simulated"] == "true"
        assert answer.headers["Request-Id"].startswith("req_")
    banner = http.get(stripe_server.url).json()
    assert banner["simulated"] is True
    assert "not Stripe" in banner["message"]


@pytest.mark.parametrize(
    "key", ["", "sk_live_real", "rk_live_real", "pk_test_x", "sk_test_", "nonsense", "ключ"]
)
def test_only_test_keys_are_taken(stripe_server: StripeServer, http: requests.Session, key: str) -> None:
    for path in ("/v1/customers", "/_simulator/books"):
        answer = http.get(stripe_server.url + path, headers={"Authorization": f"Bearer {key}".encode()})
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert "sk_live_real" not in answer.text
    assert http.get(stripe_server.url + "/v1/customers").status_code == 401
    assert http.get(stripe_server.url + "/v1/customers", auth=(KEY, "")).status_code == 200


def test_the_sdk_sees_an_authentication_error(stripe_server: StripeServer) -> None:
    client = stripe.StripeClient(
        "sk_live_1", base_addresses={"api": stripe_server.url}, max_network_retries=0
    )
    with pytest.raises(stripe.AuthenticationError):
        client.v1.customers.create({})


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/v1/unicorns", {}, 404),
        ("DELETE", "/v1/payment_intents", {}, 405),
        ("POST", "/v1/customers", {"json": {"name": "x"}}, 400),
        ("POST", "/v1/customers", {"data": b"\xff\xfe=1"}, 400),
        ("POST", "/v1/customers", {"data": {"name": "x" * 300_000}}, 413),
        ("POST", "/v1/customers", {"data": {"name": "x" * 6_000}}, 400),
        ("POST", "/v1/customers", {"data": {"name[": "x"}}, 400),
        ("GET", "/v1/customers?limit=ten", {}, 400),
        ("GET", "/v1/customers?bogus=1", {}, 400),
        ("GET", "/v1/customers/" + "x" * 300, {}, 404),
        ("GET", "/v1/customers", {"headers": {"Stripe-Version": "2020-08-27"}}, 400),
        ("GET", "/v1/customers", {"headers": {"Stripe-Account": "acct_1"}}, 403),
        ("POST", "/_simulator/latency", {"data": b"{"}, 400),
        ("POST", "/_simulator/latency", {"json": {"milliseconds": -1}}, 400),
        ("POST", "/_simulator/webhooks", {"json": {"copies": "many"}}, 400),
    ],
)
def test_nonsense_is_refused_clearly(
    stripe_server: StripeServer,
    http: requests.Session,
    method: str,
    path: str,
    more: dict[str, Any],
    status: int,
) -> None:
    headers = (
        {"Content-Type": "application/x-www-form-urlencoded"} if isinstance(more.get("data"), bytes) else {}
    )

    answer = http.request(method, stripe_server.url + path, auth=(KEY, ""), **{"headers": headers} | more)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_it_listens_on_the_loopback_only(stripe_server: StripeServer) -> None:
    import psutil

    listening = [
        one.laddr.ip
        for one in psutil.Process(stripe_server.child.pid).net_connections()
        if one.status == psutil.CONN_LISTEN
    ]

    assert listening == ["127.0.0.1"]


def test_a_taken_port_is_said_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "commerce.stripe_simulator", "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert ended.returncode == 1
    assert ended.stderr == f"port {port} on 127.0.0.1 cannot be taken: Address already in use\n"


def test_it_stands_alone() -> None:
    source = (
        "import sys, commerce.stripe_simulator.__main__\n"
        "strangers = ('django', 'config', 'catalog', 'orders', 'streams')\n"
        "print([name for name in sys.modules if name.split('.')[0] in strangers"
        " or name.startswith('commerce.') and not name.startswith('commerce.stripe_simulator')])"
    )

    found = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert found.stdout == "[]\n", found.stderr


def test_fifty_clients_at_once_are_all_served(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    customer = api.customers.create({})
    visa = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    body = {
        "amount": "1000",
        "currency": "eur",
        "customer": customer.id,
        "payment_method": visa.id,
        "confirm": "true",
        "allowed_payment_method_types[0]": "card",
    }

    def pay(number: int) -> str:
        with requests.Session() as session:
            session.trust_env = False
            made = [
                session.post(
                    stripe_server.url + "/v1/payment_intents",
                    data=body,
                    auth=(KEY, ""),
                    headers={"Idempotency-Key": f"{customer.id}-{number}-{part}"},
                )
                for part in range(4)
            ]
        assert {answer.json()["status"] for answer in made} == {"succeeded"}
        return json.dumps([answer.json()["id"] for answer in made])

    with ThreadPoolExecutor(50) as pool:
        ids = [one for answer in pool.map(pay, range(50)) for one in json.loads(answer)]

    listed = api.payment_intents.list({"customer": customer.id, "limit": 100})
    assert sorted(one.id for one in listed.auto_paging_iter()) == sorted(ids)
    assert len(set(ids)) == 200
