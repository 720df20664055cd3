"""What the simulator's tests share: the official SDK pointed at it, and somebody who hears webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from tests.stripe_server import StripeServer


@pytest.fixture
def api(stripe_server: StripeServer) -> stripe.V1Services:
    """The official SDK."""
    return stripe_server.client().v1


@pytest.fixture
def customer(api: stripe.V1Services) -> stripe.Customer:
    """A new customer."""
    return api.customers.create({"email": "ana@example.com", "name": "Ana"})


@pytest.fixture
def visa(api: stripe.V1Services, customer: stripe.Customer) -> stripe.PaymentMethod:
    """A card of this customer that pays."""
    return api.payment_methods.attach("pm_card_visa", {"customer": customer.id})


def intent_in(caught: pytest.ExceptionInfo[stripe.CardError]) -> stripe.PaymentIntent:
    """The PaymentIntent that a card error carries."""
    error = caught.value.error
    assert error is not None
    assert error.payment_intent is not None
    return error.payment_intent


class Hearer:
    """An HTTP server that keeps what is posted to it and answers with the next of `answers`, else 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self._changed = threading.Condition()
        hearer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with hearer._changed:
                    status = hearer.answers.pop(0) if hearer.answers else 200
                    hearer.heard.append((body, self.headers["Stripe-Signature"]))
                    hearer._changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, enough: Callable[[list[tuple[bytes, str]]], bool], within: float = 10) -> None:
        """Block until what was heard is enough."""
        deadline = time.monotonic() + within
        with self._changed:
            while not enough(self.heard):
                left = deadline - time.monotonic()
                assert left > 0, f"only {len(self.heard)} webhooks came"
                self._changed.wait(left)

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hearer() -> Generator[Hearer]:
    """Somebody who hears webhooks."""
    one = Hearer()
    yield one
    one.stop()


@pytest.fixture
def endpoint(api: stripe.V1Services, hearer: Hearer) -> Generator[stripe.WebhookEndpoint]:
    """The hearer, registered for all events until the test is over."""
    made = api.webhook_endpoints.create({"url": hearer.url, "enabled_events": ["*"]})
    yield made
    api.webhook_endpoints.delete(made.id)
