"""Refunds, never above the capture, and the books that add up."""

from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from commerce.stripe_simulator import books, payment_intents, refunds
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Refused
from commerce.stripe_simulator.store import Store
from tests.stripe_server import StripeServer

PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}


def test_a_payment_is_refunded_in_parts_and_never_further(api: stripe.V1Services) -> None:
    paid = api.payment_intents.create(PAID)

    first = api.refunds.create({"payment_intent": paid.id, "amount": 300, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.charge) == ("succeeded", 300, paid.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.refunds.create({"payment_intent": paid.id, "amount": 701})
    assert caught.value.param == "amount"
    rest = api.refunds.create({"charge": str(paid.latest_charge)})
    assert rest.amount == 700
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.refunds.create({"payment_intent": paid.id})
    assert caught.value.code == "charge_already_refunded"

    charge = api.charges.retrieve(str(paid.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    listed = api.refunds.list({"payment_intent": paid.id}).data
    assert [one.id for one in listed] == [rest.id, first.id]


@pytest.mark.parametrize("params", [{}, {"payment_intent": "pi_none"}, {"payment_intent": "", "amount": 1}])
def test_a_refund_of_nothing_is_refused(api: stripe.V1Services, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create(params)


def test_what_was_not_captured_cannot_be_refunded(api: stripe.V1Services) -> None:
    held = api.payment_intents.create(PAID | {"capture_method": "manual"})
    for params in ({"payment_intent": held.id}, {"charge": str(held.latest_charge)}):
        with pytest.raises(stripe.InvalidRequestError):
            api.refunds.create(params)  # type: ignore[arg-type]


def test_refunds_take_metadata(api: stripe.V1Services) -> None:
    paid = api.payment_intents.create(PAID)
    made = api.refunds.create({"payment_intent": paid.id, "amount": 1, "metadata": {"refund": "r1"}})

    api.refunds.update(made.id, {"metadata": {"seen": "yes"}})

    metadata = api.refunds.retrieve(made.id).metadata
    assert metadata is not None
    assert metadata.to_dict() == {"refund": "r1", "seen": "yes"}


def test_the_books_know_every_charge_and_refund(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    before = stripe_server.books()["totals"].get("gbp", {"charged": 0, "refunded": 0, "fees": 0})

    paid = api.payment_intents.create(PAID | {"currency": "gbp", "metadata": {"attempt_id": "a9"}})
    api.refunds.create({"payment_intent": paid.id, "amount": 250})

    books = stripe_server.books()
    total = books["totals"]["gbp"]
    assert total["charged"] - before["charged"] == 1000
    assert total["refunded"] - before["refunded"] == 250
    assert total["net"] == total["charged"] - total["refunded"] - total["fees"]
    assert books["consistent"]
    one = next(row for row in books["intents"] if row["payment_intent"] == paid.id)
    assert (one["captured"], one["refunded"], one["metadata"]) == (1000, 250, {"attempt_id": "a9"})


@given(st.integers(50, 5000), st.lists(st.integers(1, 3000), max_size=8), st.booleans())
def test_any_run_of_refunds_stays_within_the_capture(amount: int, wanted: list[int], in_full: bool) -> None:
    store = Store()

    def run(handler: Any, **params: Any) -> Any:
        return handler(Call(store=store, at=1_000_000, params=params))

    paid = run(payment_intents.create, **PAID | {"amount": amount})
    given_back = 0
    for part in wanted:
        fits = given_back + part <= amount
        try:
            run(refunds.create, payment_intent=paid["id"], amount=part)
            assert fits
            given_back += part
        except Refused:
            assert not fits
    if in_full and given_back < amount:
        given_back += run(refunds.create, payment_intent=paid["id"])["amount"]

    charge = store.get("charge", paid["latest_charge"])
    assert charge["amount_refunded"] == given_back <= amount
    found = books.books(store, detail=False)
    assert found["consistent"]
    assert found["totals"]["eur"]["refunded"] == given_back


def test_a_refund_may_wait_before_it_succeeds(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    paid = api.payment_intents.create(PAID | {"payment_method": "pm_card_pendingRefund"})

    made = api.refunds.create({"payment_intent": paid.id})
    assert (made.status, made.pending_reason) == ("pending", "processing")
    assert api.charges.retrieve(str(paid.latest_charge)).amount_refunded == 1000
    stripe_server.hurry()

    again = api.refunds.retrieve(made.id)
    assert (again.status, again.pending_reason) == ("succeeded", None)
    told = [event.type for event in api.events.list({"limit": 9}).data if event.data.object["id"] == made.id]
    assert told == ["charge.refund.updated", "refund.updated", "refund.created"]


def test_a_refund_may_fail_after_it_succeeded(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    paid = api.payment_intents.create(PAID | {"payment_method": "pm_card_refundFail", "currency": "sek"})

    made = api.refunds.create({"payment_intent": paid.id, "amount": 400})
    assert made.status == "succeeded"
    stripe_server.hurry()

    failed = api.refunds.retrieve(made.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    back = failed.failure_balance_transaction
    assert isinstance(back, stripe.BalanceTransaction)
    assert (back.type, back.amount, back.source) == ("refund_failure", 400, made.id)
    assert api.charges.retrieve(str(paid.latest_charge)).amount_refunded == 0
    told = [event.type for event in api.events.list({"limit": 9}).data if event.data.object["id"] == made.id]
    assert told == ["refund.failed", "charge.refund.updated", "refund.updated", "refund.created"]
    assert api.refunds.create({"payment_intent": paid.id}).amount == 1000
    assert stripe_server.books()["consistent"]
