"""What can be made to go wrong, and what is left of it."""

import uuid
from typing import Any

import pytest
import stripe

from tests.stripe_server import StripeServer

PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}

# fault -> (what the client sees, whether the payment was made, whether the same key gives it afterwards)
OUTCOMES: dict[str, tuple[type[stripe.StripeError], bool, bool]] = {
    "error_500": (stripe.APIError, False, True),
    "error_500_saved": (stripe.APIError, False, False),
    "error_500_after": (stripe.APIError, True, False),
    "rate_limit": (stripe.RateLimitError, False, True),
    "drop_before": (stripe.APIConnectionError, False, True),
    "drop_after": (stripe.APIConnectionError, True, True),
}


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_fault_strikes_once_and_leaves_what_it_says(
    stripe_server: StripeServer, api: stripe.V1Services, customer: stripe.Customer, kind: str
) -> None:
    seen, done, replays = OUTCOMES[kind]
    params = PAID | {"customer": customer.id}
    key: stripe.RequestOptions = {"idempotency_key": str(uuid.uuid4())}
    stripe_server.fault(kind, path="/v1/payment_intents")

    with pytest.raises(seen):
        api.payment_intents.create(params, key)

    made = api.payment_intents.list({"customer": customer.id}).data
    assert len(made) == int(done)
    if replays:
        again = api.payment_intents.create(params, key)
        assert again.status == "succeeded"
        assert not done or again.id == made[0].id
        assert len(api.payment_intents.list({"customer": customer.id}).data) == 1
    else:
        with pytest.raises(seen):
            api.payment_intents.create(params, key)


@pytest.mark.parametrize("kind", ["slow_before", "slow_after"])
def test_a_slow_request_is_done_though_its_client_has_gone(
    stripe_server: StripeServer, api: stripe.V1Services, customer: stripe.Customer, kind: str
) -> None:
    hasty = stripe.StripeClient(
        "sk_test_hasty",
        base_addresses={"api": stripe_server.url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=0.2),
    ).v1
    params = PAID | {"customer": customer.id}
    key: stripe.RequestOptions = {"idempotency_key": str(uuid.uuid4())}
    stripe_server.fault(kind, milliseconds=500, path="/v1/payment_intents")

    with pytest.raises(stripe.APIConnectionError):
        hasty.payment_intents.create(params, key)
    with pytest.raises(stripe.APIError) as caught:
        api.payment_intents.create(params, key)
    assert caught.value.http_status == 409

    stripe_server.fault("slow_before", milliseconds=600, path="/v1/balance", method="GET")
    api.balance.retrieve()
    again = api.payment_intents.create(params, key)
    assert [one.id for one in api.payment_intents.list({"customer": customer.id}).data] == [again.id]


def test_a_share_of_requests_can_be_struck(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    stripe_server.fault("error_500", times=None, share=0.5, seed=7, path="/v1/customers")

    def failed() -> bool:
        try:
            api.customers.create({})
        except stripe.APIError:
            return True
        return False

    outcomes = [failed() for _ in range(40)]

    assert 5 < sum(outcomes) < 35
    stripe_server.calm()
    assert not failed()


@pytest.mark.parametrize(
    "rule", [{}, {"kind": "fire"}, {"kind": "error_500", "times": "x"}, {"kind": "error_500", "y": 1}]
)
def test_a_fault_that_is_not_understood_is_refused(stripe_server: StripeServer, rule: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="400"):
        stripe_server.ask("/_simulator/faults", rule)
