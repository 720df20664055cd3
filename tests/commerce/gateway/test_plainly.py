"""What is read off the JSON is what the SDK's own objects say, and what is asked is what the SDK asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
import stripe

from commerce import gateway
from commerce.gateway import connection, failures, payments, plainly
from commerce.money import Money
from tests.commerce.gateway.conftest import TEN, Buyer
from tests.stripe_server import StripeServer

CARDS = {
    "pm_card_visa": "succeeded",
    "pm_card_chargeCustomerFail": "declined",
    "pm_card_authenticationRequired": "requires_action",
}
WANTED: Any = {
    "amount": 1000,
    "currency": "eur",
    "customer": "cus_1",
    "payment_method": "pm_1",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
    "metadata": {"payment_id": str(UUID(int=1)), "purchase_id": str(UUID(int=2))},
}


def by_the_sdk(one: stripe.PaymentIntent) -> gateway.Intent:
    """Read the SDK's object by its attributes, as its documentation does."""
    words = {
        "requires_payment_method": "declined",
        "requires_confirmation": "processing",
        "requires_capture": "held",
        "canceled": "cancelled",
    }
    status: Any = words.get(one.status, one.status)
    error = one.last_payment_error if status == "declined" else None

    def ours(name: str) -> UUID | None:
        try:
            return UUID(one.metadata.to_dict().get(name))
        except (ValueError, TypeError):
            return None

    charge = one.latest_charge
    return gateway.Intent(
        id=one.id,
        status=status,
        amount=Money(one.amount, one.currency.upper()),
        received=Money(one.amount_received, one.currency.upper()),
        payment_id=ours("payment_id"),
        purchase_id=ours("purchase_id"),
        charge_id=charge.id if isinstance(charge, stripe.Charge) else charge,
        decline_code=(error.decline_code or error.code) if error is not None else None,
        message=error.message if error is not None else None,
        livemode=one.livemode,
        client_secret=one.client_secret,
        sheet_url=connection.sheet_url("3ds", one.client_secret) if status == "requires_action" else None,
    )


@pytest.mark.parametrize(("card", "status"), CARDS.items())
def test_what_a_charge_answers_is_what_the_sdk_reads(
    buyer: Buyer, stripe_server: StripeServer, card: str, status: str
) -> None:
    intent = buyer.pay(card=gateway.attach(customer=buyer.customer, card_id=card).id)

    object_ = stripe_server.client().v1.payment_intents.retrieve(intent.id)
    assert intent.status == status
    assert intent == by_the_sdk(object_) == plainly.of_object(object_) == gateway.retrieve(intent.id)


def test_promises_ends_and_what_was_never_confirmed_are_read_as_the_sdk_does(
    buyer: Buyer, stripe_server: StripeServer
) -> None:
    api, made = stripe_server.client().v1.payment_intents, []

    def make(**other: object) -> str:
        wanted: Any = {"amount": 1000, "currency": "eur", **other}
        return api.create(wanted).id

    promise = {**WANTED, "customer": buyer.customer, "payment_method": buyer.card}
    made.append(make(**{**promise, "capture_method": "manual"}))
    made.append(make(**{**promise, "confirm": False}))
    made.append(api.cancel(make(**{**promise, "capture_method": "manual"})).id)
    made.append(make(metadata={"payment_id": "order 7"}))

    found = [gateway.retrieve(each) for each in made]

    assert [each.status for each in found] == ["held", "processing", "cancelled", "declined"]
    assert found == [by_the_sdk(api.retrieve(each)) for each in made]


class Canned(stripe.HTTPClient):
    """Answers what it is told, and keeps what was asked."""

    name = "canned"

    def __init__(self, body: str, status: int = 200) -> None:
        super().__init__()
        self.body, self.status = body, status
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        self.asked.append((method, url, dict(headers or {}), post_data))
        return self.body, self.status, {"Request-Id": "req_1"}


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Canned]:
    """Put a canned provider in the place of the settings' own."""

    def put(body: object, status: int = 200) -> Canned:
        told = Canned(body if isinstance(body, str) else json.dumps(body), status)
        client = stripe.StripeClient(
            "sk_test_canned",
            stripe_version=stripe.api_version,
            base_addresses={"api": "http://127.0.0.1:1"},
            max_network_retries=0,
            http_client=told,
        )
        monkeypatch.setattr(connection, "bare", lambda: client)
        return told

    return put


def whole(**other: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 1000,
        "amount_received": 1000,
        "currency": "eur",
        "metadata": WANTED["metadata"],
        "latest_charge": "ch_1",
        "last_payment_error": None,
        "livemode": False,
        "client_secret": "pi_1_secret_x",
        **other,
    }


REASON = {"code": "card_declined", "decline_code": "lost_card", "message": "No.", "type": "card_error"}
SHAPES = {
    "succeeded": whole(),
    "expanded charge": whole(latest_charge={"id": "ch_2", "object": "charge", "amount": 1000}),
    "no charge": whole(latest_charge=None, status="processing", amount_received=0),
    "unknown status": whole(status="processing"),
    "declined": whole(status="requires_payment_method", amount_received=0, last_payment_error=REASON),
    "declined without its bank's word": whole(
        status="requires_payment_method", last_payment_error={**REASON, "decline_code": None}
    ),
    "paid after a decline": whole(last_payment_error=REASON),
    "live": whole(livemode=True),
    "no metadata of ours": whole(metadata={}),
    "metadata that is no id": whole(metadata={"payment_id": "7", "purchase_id": ""}),
    "held": whole(status="requires_capture", amount_received=0),
    "asks her bank": whole(status="requires_action", amount_received=0),
    "cancelled": whole(status="canceled", amount_received=0),
    "no cents": whole(currency="jpy"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read_as_the_sdk_reads_it(canned: Callable[..., Canned], shape: str) -> None:
    canned(SHAPES[shape])
    object_ = connection.client().payment_intents.create(WANTED, {"idempotency_key": "k"})

    assert plainly.create(WANTED, key="k") == by_the_sdk(object_)
    assert plainly.retrieve("pi_1") == plainly.of_object(object_) == by_the_sdk(object_)


def test_what_is_asked_is_what_the_sdk_asks(canned: Callable[..., Canned]) -> None:
    told = canned(whole())
    connection.client().payment_intents.create(WANTED, {"idempotency_key": "k"})
    plainly.create(WANTED, key="k")
    connection.client().payment_intents.retrieve("pi_/1?x")
    plainly.retrieve("pi_/1?x")

    for _, _, headers, _ in told.asked:
        # It tells of the request before, which is another one each time.
        headers.pop("X-Stripe-Client-Telemetry", None)
    made, plainly_made, looked, plainly_looked = told.asked
    assert made == plainly_made
    assert made[2]["Idempotency-Key"] == "k"
    assert made[2]["Stripe-Version"] == stripe.api_version
    assert looked == plainly_looked


def told_off(type_: str, status: int, **more: Any) -> tuple[object, int]:
    return {"error": {"type": type_, "message": "No.", **more}}, status


ERRORS: dict[str, tuple[object, int]] = {
    "another request of the same key": told_off("invalid_request_error", 409, code="lock_timeout"),
    "the key was used for something else": told_off("idempotency_error", 400),
    "too many": told_off("invalid_request_error", 429, code="rate_limit"),
    "gone": told_off("invalid_request_error", 404, code="resource_missing", param="intent"),
    "bad": told_off("invalid_request_error", 400, code="amount_too_small", param="amount"),
    "who are you": told_off("invalid_request_error", 401),
    "not you": told_off("invalid_request_error", 403),
    "broken": told_off("api_error", 500),
    "away": ("<html>Bad gateway</html>", 502),
    "nothing": ("", 503),
    "half an answer": (json.dumps(whole())[:100], 200),
    "an error that says nothing": ({}, 500),
    "declined, and nothing of the intent": told_off("card_error", 402, **{**REASON, "type": "card_error"}),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_those_of_the_sdk(canned: Callable[..., Canned], name: str) -> None:
    canned(*ERRORS[name])
    with pytest.raises(stripe.StripeError) as sdks:
        connection.client().payment_intents.create(WANTED, {"idempotency_key": "k"})
    with pytest.raises(stripe.StripeError) as plain:
        plainly.create(WANTED, key="k")

    assert type(plain.value) is type(sdks.value)
    assert (plain.value.http_status, plain.value.code) == (sdks.value.http_status, sdks.value.code)
    ours, theirs = failures.translate(plain.value), failures.translate(sdks.value)
    assert (type(ours), vars(ours)) == (type(theirs), vars(theirs))


def test_a_decline_that_says_which_intent_is_read_as_the_sdk_reads_it(canned: Callable[..., Canned]) -> None:
    declined = whole(status="requires_payment_method", amount_received=0, last_payment_error=REASON)
    canned({"error": {**REASON, "payment_intent": declined}}, 402)
    with pytest.raises(stripe.CardError) as sdks:
        connection.client().payment_intents.create(WANTED, {"idempotency_key": "k"})
    error = sdks.value.error
    assert error is not None
    assert error.payment_intent is not None

    assert charged() == by_the_sdk(error.payment_intent)


UNREADABLE = {
    "another thing": whole(object="charge"),
    "a list": [],
    "no amount": {key: value for key, value in whole().items() if key != "amount"},
    "an amount in words": whole(amount="1000"),
    "an amount that is none": whole(amount_received=True),
    "no id": whole(id=""),
    "no currency": whole(currency=None),
    "a reason that is none": whole(status="requires_payment_method", last_payment_error="no"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_answer_that_is_no_intent_may_still_be_a_charge(canned: Callable[..., Canned], name: str) -> None:
    canned(UNREADABLE[name])

    with pytest.raises(gateway.UnknownOutcome):
        charged()
    with pytest.raises(gateway.Unavailable):
        gateway.retrieve("pi_1")


def test_a_refusal_to_cancel_that_says_nothing_readable_is_still_one_of_ours(
    canned: Callable[..., Canned],
) -> None:
    ended = {"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "message": "No."}
    canned({"error": {**ended, "payment_intent": whole(amount="1000")}}, 400)

    with pytest.raises(gateway.Refused):
        gateway.cancel("pi_1")


def charged() -> gateway.Intent:
    return payments.charge(
        key="k", amount=TEN, customer="cus_1", card="pm_1", payment_id=uuid4(), purchase_id=uuid4()
    )
