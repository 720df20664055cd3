"""What can be made to go wrong, and what is left of it."""

import uuid
from typing import Any

import pytest
import stripe

from commerce.stripe_simulator import faults
from commerce.stripe_simulator.refusals import Refused
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


def test_calls_above_the_rate_are_turned_away(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    stripe_server.rate(5)

    refused = 0
    for _ in range(8):
        try:
            api.balance.retrieve()
        except stripe.RateLimitError:
            refused += 1

    assert 0 < refused == stripe_server.refused()
    stripe_server.rate(0)
    for _ in range(8):
        api.balance.retrieve()


def test_a_rate_lets_through_what_comes_slowly() -> None:
    now = [100.0]
    rate = faults.Rate(per_second=2, clock=lambda: now[0])

    def answered() -> bool:
        try:
            rate.check()
        except Refused:
            return False
        return True

    assert [answered() for _ in range(3)] == [True, True, False]
    now[0] += 0.99
    assert not answered()
    now[0] += 0.01
    assert [answered() for _ in range(3)] == [True, True, False]


def test_a_fee_that_nobody_asked_for_is_in_the_movements_and_the_books(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    before = stripe_server.books()["totals"].get("nok", {"fees": 0})

    moved = stripe_server.move("stripe_fee", -340, "nok", description="Radar")

    row = api.balance_transactions.retrieve(moved)
    assert (row.type, row.reporting_category, row.amount, row.net) == ("stripe_fee", "fee", -340, -340)
    assert (row.source, row.description) == (None, "Radar")
    assert api.balance_transactions.list({"type": "stripe_fee", "limit": 1}).data[0].id == moved
    books = stripe_server.books()
    assert books["totals"]["nok"]["fees"] - before["fees"] == 340
    assert books["consistent"]


@pytest.mark.parametrize(
    "wrong", [{"type": "charge"}, {"amount": 0}, {"amount": "1"}, {"currency": "EUR"}, {"account": "acct_0"}]
)
def test_a_movement_that_is_not_understood_is_refused(
    stripe_server: StripeServer, wrong: dict[str, Any]
) -> None:
    good = {"type": "stripe_fee", "amount": -1, "currency": "eur"}
    with pytest.raises(Exception, match="400"):
        stripe_server.ask("/_simulator/movements", good | wrong)
