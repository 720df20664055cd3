"""What the caller hears when the provider does not answer as it should, and what is true afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import stripe
from pytest_django import Settings

from commerce import errors, gateway
from commerce.gateway import connection, failures
from tests.commerce.gateway.conftest import Buyer
from tests.stripe_server import StripeServer


def settled(ask: Callable[[], gateway.Intent], within: float = 10) -> gateway.Intent:
    """Ask until there is an answer, as a sweep does."""
    deadline = time.monotonic() + within
    while True:
        try:
            return ask()
        except gateway.UnknownOutcome:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _books(server: StripeServer, payment_id: object) -> list[dict[str, Any]]:
    return [row for row in server.books()["intents"] if row["metadata"].get("payment_id") == str(payment_id)]


@pytest.mark.parametrize("kind", ["slow_before", "slow_after"])
def test_an_answer_that_comes_too_late_is_unknown_and_the_same_key_finds_it(
    buyer: Buyer, stripe_server: StripeServer, settings: Settings, kind: str
) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 0.3
    payment_id = uuid4()
    stripe_server.fault(kind, path="/v1/payment_intents", milliseconds=900)

    with pytest.raises(gateway.UnknownOutcome):
        buyer.pay(key=str(payment_id), payment_id=payment_id)
    intent = settled(lambda: buyer.pay(key=str(payment_id), payment_id=payment_id))

    assert intent.status == "succeeded"
    assert [row["payment_intent"] for row in _books(stripe_server, payment_id)] == [intent.id]


def test_a_connection_lost_after_the_charge_is_unknown_and_the_same_key_finds_it(
    buyer: Buyer, stripe_server: StripeServer
) -> None:
    payment_id = uuid4()
    stripe_server.fault("drop_after", path="/v1/payment_intents")

    with pytest.raises(gateway.UnknownOutcome):
        buyer.pay(key=str(payment_id), payment_id=payment_id)
    made = _books(stripe_server, payment_id)
    assert len(made) == 1

    assert buyer.pay(key=str(payment_id), payment_id=payment_id).id == made[0]["payment_intent"]
    assert len(_books(stripe_server, payment_id)) == 1


def test_a_charge_that_was_made_though_answered_500_is_found(
    buyer: Buyer, stripe_server: StripeServer
) -> None:
    payment_id = uuid4()
    stripe_server.fault("error_500_after", path="/v1/payment_intents")

    intent = buyer.pay(key=str(payment_id), payment_id=payment_id)

    assert intent.status == "succeeded"
    assert buyer.pay(key=str(payment_id), payment_id=payment_id) == intent
    assert len(_books(stripe_server, payment_id)) == 1


@pytest.mark.parametrize("kind", ["error_500", "error_500_saved", "drop_before"])
def test_an_error_of_the_provider_is_unknown(buyer: Buyer, stripe_server: StripeServer, kind: str) -> None:
    payment_id = uuid4()
    stripe_server.fault(kind, path="/v1/payment_intents")

    with pytest.raises(gateway.UnknownOutcome):
        buyer.pay(key=str(payment_id), payment_id=payment_id)

    assert _books(stripe_server, payment_id) == []


def test_a_rate_limit_means_that_nothing_was_done(buyer: Buyer, stripe_server: StripeServer) -> None:
    payment_id = uuid4()
    stripe_server.fault("rate_limit", path="/v1/payment_intents")

    with pytest.raises(gateway.Unavailable):
        buyer.pay(key=str(payment_id), payment_id=payment_id)

    assert buyer.pay(key=str(payment_id), payment_id=payment_id).status == "succeeded"


def test_a_provider_that_is_not_there_is_unavailable(settings: Settings) -> None:
    server = StripeServer()
    settings.STRIPE_API_BASE = server.url
    customer = gateway.ensure_customer(user_id=uuid4(), email="b@example.com", name="Ben")
    buyer = Buyer(customer, gateway.attach(customer=customer, card_id="pm_card_visa").id)
    server.kill()
    idle = connection.client()

    # The connection kept open to the dead process may fail in the middle of a request: unknown, then.
    with pytest.raises((gateway.Unavailable, gateway.UnknownOutcome)):
        buyer.pay()
    with pytest.raises(gateway.Unavailable):
        buyer.pay()
    with pytest.raises(gateway.Unavailable):
        gateway.retrieve("pi_1")
    assert connection.client() is idle


def test_a_failed_read_has_done_nothing(buyer: Buyer, stripe_server: StripeServer) -> None:
    intent = buyer.pay()
    for kind in ("error_500", "drop_before"):
        stripe_server.fault(kind, path="/v1/", method="GET")
        with pytest.raises(gateway.Unavailable):
            gateway.retrieve(intent.id)


def test_a_wrong_key_of_ours_is_no_reason_to_decline_a_card(buyer: Buyer, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "rk_test_wrong"

    with pytest.raises(gateway.Misconfigured):
        buyer.pay()


def test_a_proxy_of_the_environment_is_not_used_on_this_machine(
    buyer: Buyer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert buyer.pay().status == "succeeded"


@pytest.mark.parametrize(
    ("key", "base"),
    [
        ("", "https://api.stripe.com"),
        ("sk_live_x", "http://127.0.0.1:12111"),
        ("rk_live_x", "https://stripe.example"),
        ("sk_test_x", "http://stripe.example"),
    ],
)
def test_a_key_never_goes_where_it_should_not(settings: Settings, key: str, base: str) -> None:
    settings.STRIPE_SECRET_KEY = key
    settings.STRIPE_API_BASE = base

    with pytest.raises(Exception, match="STRIPE_"):
        gateway.retrieve("pi_1")


def test_the_client_speaks_the_version_of_the_pinned_sdk_and_never_retries() -> None:
    options = connection.client()._requestor._options

    assert options.stripe_version == stripe.api_version
    assert options.max_network_retries == 0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (stripe.APIError("unreadable", http_status=200), gateway.UnknownOutcome),
        (stripe.APIError("nothing known"), gateway.UnknownOutcome),
        (stripe.APIError("gone", http_status=410), gateway.Refused),
        (stripe.APIConnectionError("lost"), gateway.UnknownOutcome),  # type: ignore[no-untyped-call]
        (stripe.PermissionError("no", http_status=403), gateway.Misconfigured),
    ],
)
def test_errors_are_judged_by_what_may_have_been_done(
    error: stripe.StripeError, expected: type[Exception]
) -> None:
    assert isinstance(failures.translate(error), expected)


def test_doors_can_render_what_is_temporary() -> None:
    for failure in (gateway.Unavailable(), gateway.UnknownOutcome()):
        assert isinstance(failure, errors.Unavailable)
        assert (failure.status, failure.code, failure.temporary) == (503, "UNAVAILABLE", True)
