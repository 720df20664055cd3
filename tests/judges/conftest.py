"""The servers that are asked the same questions: our simulator, one that others wrote, and Stripe itself."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import stripe

from config import servers
from config.children import Child, Program
from config.embedded import free_port
from config.env import ROOT
from tests.stripe_server import StripeServer

LOOPBACK = Path(__file__).with_name("loopback.py")
KEY_NAME = "STRIPE_TEST_KEY"


@dataclass(frozen=True)
class Judge:
    """A server, and how it wants to be told which kinds of payment are meant."""

    name: str
    api: stripe.V1Services
    types: dict[str, Any]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what asks Stripe itself, unless it was named with `-m stripe_live`."""
    if "stripe_live" in (config.option.markexpr or ""):
        return
    live = [item for item in items if item.get_closest_marker("stripe_live")]
    if live:
        config.hook.pytest_deselected(items=live)
        items[:] = [item for item in items if item not in live]


def client(key: str, base: str | None = None) -> stripe.V1Services:
    """The official SDK, pointed at a server; None is Stripe."""
    addresses: Any = {"api": base} if base else {}
    http = stripe.RequestsClient(timeout=30)
    return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=0, http_client=http).v1


def checked_key(given: str) -> str:
    """Return a key for Stripe's test mode. Fails the test without one, and for any other key."""
    if not given:
        pytest.fail(f"Put a key of Stripe's test mode into {KEY_NAME}.")
    if not given.startswith(("sk_test_", "rk_test_")):
        pytest.fail(f"{KEY_NAME} is no test key: nothing was sent. Tests never touch a live account.")
    return given


@pytest.fixture(scope="session")
def localstripe() -> Generator[str]:
    """The address of localstripe: a program of its own, on the loopback address."""
    port = free_port()

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    argv = [sys.executable, str(LOOPBACK), "localstripe", "--port", str(port), "--from-scratch"]
    program = Program(name="localstripe", argv=argv, cwd=ROOT, ready=answers, quiet=True)
    child: Child = servers.start(program)
    yield f"http://127.0.0.1:{port}"
    child.tell(signal.SIGTERM)
    child.stop()


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """The server that a test is run against; see EVERYBODY and STRICT."""
    types = {"allowed_payment_method_types": ["card"]}
    match request.param:
        case "simulator":
            server: StripeServer = request.getfixturevalue("stripe_server")
            return Judge("simulator", client("sk_test_judged", server.url), types)
        case "localstripe":
            # It knows no parameter for the kinds but one that the API has given up; without, it takes cards.
            return Judge("localstripe", client("sk_test_judged", request.getfixturevalue("localstripe")), {})
        case _:
            return Judge("stripe", client(checked_key(os.environ.get(KEY_NAME, ""))), types)


STRIPE = pytest.param("stripe", marks=[pytest.mark.stripe_live, pytest.mark.timeout(300)])
