"""The second bookkeeping: every kind of movement has its own total, and the objects must say the same."""

from typing import Any

import pytest

from commerce.stripe_simulator import balance, books, payment_intents, refunds
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.store import Store

PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}
EUR: Any = {"currency": "eur"}


def run(store: Store, handler: Any, **params: Any) -> Any:
    """Carry out one request."""
    return handler(Call(store=store, at=1_000_000, params=params))


def test_a_fee_that_no_object_tells_is_a_fee_and_no_refund() -> None:
    store = Store()
    run(store, payment_intents.create, **PAID)

    balance.book(Call(store=store, at=1_000_000), "stripe_fee", EUR, -250, description="Radar")

    found = books.books(store, detail=False)
    total = found["totals"]["eur"]
    assert (total["charged"], total["refunded"], total["refunds"]) == (1000, 0, 0)
    assert (total["fees"], total["net"]) == (59 + 250, 1000 - 59 - 250)
    assert total["kinds"]["stripe_fee"] == {"count": 1, "amount": -250, "fee": 0, "net": -250}
    assert found["consistent"]


@pytest.mark.parametrize("kind", ["charge", "refund", "refund_failure", "adjustment", "transfer"])
def test_a_movement_without_its_object_is_seen(kind: str) -> None:
    store = Store()
    run(store, payment_intents.create, **PAID)
    assert books.books(store, detail=False)["consistent"]

    balance.book(Call(store=store, at=1_000_000), kind, EUR, -1)

    assert not books.books(store, detail=False)["consistent"]


def test_what_belongs_to_a_connected_account_is_not_ours() -> None:
    store = Store()
    run(store, payment_intents.create, **PAID)

    balance.book(Call(store=store, at=1_000_000), "payment", EUR, 400, account="acct_1")

    found = books.books(store, detail=True)
    assert found["totals"]["eur"]["net"] == 1000 - 59
    assert found["accounts"] == {"acct_1": {"eur": 400}}
    assert not found["consistent"], "nothing was transferred to it"


def test_what_comes_back_is_taken_off_what_left() -> None:
    store = Store()
    paid = run(store, payment_intents.create, **PAID)
    made = run(store, refunds.create, payment_intent=paid["id"], amount=300)

    balance.book(Call(store=store, at=1_000_000), "refund_failure", made, 300)

    total = books.books(store, detail=False)["totals"]["eur"]
    assert (total["refunded"], total["refunds"]) == (0, 1)


def test_money_is_available_after_its_days() -> None:
    store = Store()
    run(store, payment_intents.create, **PAID)

    assert balance.available(store, 1_000_000, "eur") == 0
    assert balance.available(store, 1_000_000 + 2 * 86_400, "eur") == 1000 - 59
    assert balance.available(store, 1_000_000 + 2 * 86_400, "usd") == 0
    row = next(store.all("balance_transaction"))
    for after, status in ((0, "pending"), (2 * 86_400, "available")):
        call = Call(store=store, at=1_000_000 + after, path={"id": row["id"]})
        assert balance.retrieve_transaction(call)["status"] == status
