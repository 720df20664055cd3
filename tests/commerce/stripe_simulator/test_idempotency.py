"""Idempotency keys as Stripe documents them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.commerce.stripe_simulator.conftest import intent_in
from tests.stripe_server import StripeServer

PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}


@pytest.fixture
def key() -> stripe.RequestOptions:
    return {"idempotency_key": str(uuid.uuid4())}


def test_the_same_request_has_one_effect_and_one_answer(
    api: stripe.V1Services, key: stripe.RequestOptions
) -> None:
    first = api.payment_intents.create(PAID, key)
    again = api.payment_intents.create(PAID, key)

    assert again.to_dict() == first.to_dict()
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert first.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_a_decline_is_answered_again(api: stripe.V1Services, key: stripe.RequestOptions) -> None:
    declined = PAID | {"payment_method": "pm_card_visa_chargeDeclined"}
    seen = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            api.payment_intents.create(declined, key)
        seen.append(intent_in(caught).id)

    assert seen[0] == seen[1]


def test_other_parameters_or_another_path_under_the_key_are_refused(
    api: stripe.V1Services, key: stripe.RequestOptions
) -> None:
    api.payment_intents.create(PAID, key)

    with pytest.raises(stripe.IdempotencyError):
        api.payment_intents.create(PAID | {"amount": 1001}, key)
    with pytest.raises(stripe.IdempotencyError):
        api.customers.create({}, key)


def test_what_failed_validation_is_not_kept(api: stripe.V1Services, key: stripe.RequestOptions) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_intents.create(PAID | {"bogus": 1}, key)

    assert api.payment_intents.create(PAID, key).status == "succeeded"


def test_a_refusal_during_execution_is_kept(api: stripe.V1Services, key: stripe.RequestOptions) -> None:
    paid = api.payment_intents.create(PAID)
    too_much: Any = {"payment_intent": paid.id, "amount": 2000}

    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.refunds.create(too_much, key)
        assert caught.value.headers is not None
        assert caught.value.headers.get("Idempotent-Replayed") == replayed


def test_twenty_at_once_make_one_object(
    stripe_server: StripeServer, api: stripe.V1Services, customer: stripe.Customer, key: stripe.RequestOptions
) -> None:
    stripe_server.latency(50)
    params = PAID | {"customer": customer.id}

    def pay(_: int) -> str:
        try:
            return api.payment_intents.create(params, key).id
        except stripe.APIError as error:
            assert error.error is not None  # noqa: PT017
            return f"{error.http_status} {error.error.code}"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(pay, range(20)))

    made = api.payment_intents.list({"customer": customer.id}).data
    assert len(made) == 1
    assert set(answers) == {made[0].id, "409 idempotency_key_in_use"}
    assert api.payment_intents.create(params, key).id == made[0].id


def test_a_key_is_forgotten_after_a_day(api: stripe.V1Services, key: stripe.RequestOptions) -> None:
    server = StripeServer()
    try:
        api = server.client().v1
        first = api.payment_intents.create(PAID, key)
        server.advance(23 * 3600)
        assert api.payment_intents.create(PAID, key).id == first.id
        server.advance(3600 + 1)
        assert api.payment_intents.create(PAID, key).id != first.id
    finally:
        server.stop()


def test_a_key_may_be_255_characters_long(api: stripe.V1Services) -> None:
    tail = uuid.uuid4().hex
    assert api.customers.create({}, {"idempotency_key": tail.rjust(255, "k")}).id
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.create({}, {"idempotency_key": tail.rjust(256, "k")})
