"""A running Stripe simulator for tests: `stripe_server` listens where settings.STRIPE_API_BASE points."""

from __future__ import annotations

import base64
import json
import signal
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from django.conf import settings

from config import servers
from config.children import Child, Program
from config.embedded import free_port
from config.env import ROOT

KEY = "sk_test_simulated"


class StripeServer:
    """One simulator process, and the knobs it has for tests."""

    def __init__(
        self,
        *,
        port: int | None = None,
        webhook: tuple[str, str] | None = None,
        connect_webhook: tuple[str, str] | None = None,
        events: Sequence[str] = (),
        state_file: Path | None = None,
        latency_ms: int = 0,
    ) -> None:
        """Start it; `webhook` is (url, secret), `connect_webhook` the same for connected accounts.

        The first is sent `events`; all without any.
        """
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        argv = [sys.executable, "-m", "commerce.stripe_simulator", "--port", str(self.port)]
        argv += ["--later-ms", "3600000"]  # nothing happens by itself before `hurry`
        if webhook:
            argv += ["--webhook-url", webhook[0], "--webhook-secret", webhook[1]]
            argv += [word for kind in events for word in ("--webhook-event", kind)]
        if connect_webhook:
            argv += ["--connect-webhook-url", connect_webhook[0]]
            argv += ["--connect-webhook-secret", connect_webhook[1]]
        if state_file:
            argv += ["--state-file", str(state_file)]
        if latency_ms:
            argv += ["--latency-ms", str(latency_ms)]
        program = Program(name="simulator", argv=argv, cwd=ROOT, ready_line="SIMULATED", quiet=True)
        self.child: Child = servers.start(program)

    def client(self) -> stripe.StripeClient:
        """The official SDK, pointed here."""
        return stripe.StripeClient(
            KEY,
            base_addresses={"api": self.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=30),
        )

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """Call a private endpoint and return its JSON."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def fault(self, kind: str, **more: Any) -> None:
        """Let something go wrong; see commerce/stripe_simulator/faults.py."""
        self.ask("/_simulator/faults", {"kind": kind, **more})

    def latency(self, milliseconds: int) -> None:
        """Make every call wait this long before it is carried out."""
        self.ask("/_simulator/latency", {"milliseconds": milliseconds})

    def webhooks(self, **habits: bool | float) -> None:
        """Change how webhooks are delivered: deliver, copies, delay_ms, shuffle_ms, lost (a share), seed."""
        self.ask("/_simulator/webhooks", dict(habits))

    def advance(self, seconds: int) -> datetime:
        """Move the simulator's clock on, and return what it shows; all tests of a process share it."""
        shown = self.ask("/_simulator/clock", {"advance_seconds": seconds})["now"]
        return datetime.fromtimestamp(shown, UTC)

    def hurry(self, seconds: int = 7200) -> None:
        """Let what would happen within this time happen now: refunds end, disputes are decided."""
        self.ask("/_simulator/later", {"hurry_seconds": seconds})

    def rate(self, per_second: int) -> None:
        """Answer 429 to what comes above this many calls a second; 0 answers all."""
        self.ask("/_simulator/rate", {"per_second": per_second})

    def refused(self) -> int:
        """Return how many calls were turned away for their rate."""
        return int(self.ask("/_simulator/rate")["refused"])

    def move(self, kind: str, amount: int, currency: str, **more: str) -> str:
        """Book a movement that nobody asked for (stripe_fee, payout, topup) and return its id."""
        given = {"type": kind, "amount": amount, "currency": currency, **more}
        return str(self.ask("/_simulator/movements", given)["id"])

    def account(self, account: str, state: str) -> None:
        """Put a connected account into a state: enabled, pending, restricted, deauthorized."""
        self.ask("/_simulator/accounts", {"account": account, "state": state})

    def dispute(self, charge: str, amount: int) -> str:
        """Have the buyer's bank take so much of a charge back, and return the dispute's id."""
        return str(self.ask("/_simulator/disputes", {"charge": charge, "amount": amount})["id"])

    def decide(self, dispute: str, returned: int) -> None:
        """End a dispute: the bank gives so much back of what it took."""
        self.ask("/_simulator/disputes", {"dispute": dispute, "returned": returned})

    def books(self) -> dict[str, Any]:
        """The simulator's own bookkeeping, with every charge."""
        found: dict[str, Any] = self.ask("/_simulator/books?detail=1")
        return found

    def calm(self) -> None:
        """End all faults."""
        self.ask("/_simulator/faults", method="DELETE")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.child.tell(signal.SIGKILL)
        self.child.finish(time.monotonic() + 5)

    def stop(self) -> None:
        """Stop it."""
        self.child.stop()


@pytest.fixture(scope="session")
def stripe_process() -> Generator[StripeServer]:
    """One simulator for the whole session of this worker, where the product expects Stripe."""
    server = StripeServer(port=urlsplit(settings.STRIPE_API_BASE).port)
    yield server
    server.stop()


@pytest.fixture
def stripe_server(stripe_process: StripeServer) -> Generator[StripeServer]:
    """The session's simulator without faults; objects of other tests are still in it."""
    yield stripe_process
    stripe_process.calm()


@pytest.fixture
def own_stripe(settings: Any) -> Generator[StripeServer]:
    """A simulator of this test's own, where the product expects Stripe: its books are those of this test."""
    server = StripeServer()
    settings.STRIPE_API_BASE = server.url
    yield server
    server.stop()
