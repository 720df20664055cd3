"""Transfers never send more than there is, reversals never take back more than was sent."""

import uuid
from pathlib import Path
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from commerce.stripe_simulator import accounts, balance, books, payment_intents, refunds, transfers
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
NEW: Any = {"country": "DE", "capabilities": {"transfers": {"requested": True}}}
DAY = 86_400


@pytest.fixture
def host(stripe_server: StripeServer, api: stripe.V1Services) -> stripe.Account:
    """An account that may be paid."""
    account = api.accounts.create(NEW)
    stripe_server.account(account.id, "enabled")
    return account


def charge_of(api: stripe.V1Services, **more: Any) -> str:
    """A paid charge's id."""
    return str(api.payment_intents.create(PAID | more).latest_charge)


def test_a_charges_money_is_sent_on_before_it_is_available(
    stripe_server: StripeServer, api: stripe.V1Services, host: stripe.Account
) -> None:
    group = str(uuid.uuid4())
    charge = charge_of(api, transfer_group=group)

    made = api.transfers.create(
        {
            "amount": 600,
            "currency": "eur",
            "destination": host.id,
            "source_transaction": charge,
            "metadata": {"leg": "1"},
            "expand": ["balance_transaction", "destination_payment"],
        }
    )

    booked, arrived = made.balance_transaction, made.destination_payment
    assert isinstance(booked, stripe.BalanceTransaction)
    assert isinstance(arrived, stripe.Charge)
    assert (booked.type, booked.amount, booked.fee, booked.source) == ("transfer", -600, 0, made.id)
    assert (arrived.amount, arrived.id[:3]) == (600, "py_")
    assert made.transfer_group == group
    assert [one.id for one in api.transfers.list({"transfer_group": group}).data] == [made.id]
    assert [one.id for one in api.transfers.list({"destination": host.id}).data] == [made.id]
    theirs = api.balance.retrieve({}, {"stripe_account": host.id})
    assert [(one.amount, one.currency) for one in theirs.pending] == [(600, "eur")]
    (movement,) = api.balance_transactions.list({}, {"stripe_account": host.id}).data
    assert (movement.type, movement.net, movement.source) == ("payment", 600, arrived.id)
    with pytest.raises(stripe.InvalidRequestError):
        api.charges.retrieve(arrived.id)
    assert api.charges.retrieve(arrived.id, {}, {"stripe_account": host.id}).source_transfer == made.id
    assert "transfer.created" in [event.type for event in api.events.list({"limit": 3}).data]
    assert stripe_server.books()["consistent"]


def test_a_charge_without_a_group_gets_one(api: stripe.V1Services, host: stripe.Account) -> None:
    charge = charge_of(api)
    leg: Any = {"amount": 1, "currency": "eur", "destination": host.id, "source_transaction": charge}

    first = api.transfers.create(leg)

    assert first.transfer_group
    assert api.charges.retrieve(charge).transfer_group == first.transfer_group
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.transfers.create(leg | {"transfer_group": "other"})
    assert caught.value.param == "transfer_group"


def test_no_more_is_sent_on_than_a_charge_brought(api: stripe.V1Services, host: stripe.Account) -> None:
    leg: Any = {"currency": "eur", "destination": host.id, "source_transaction": charge_of(api)}
    first = api.transfers.create(leg | {"amount": 700})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.transfers.create(leg | {"amount": 301})
    assert caught.value.param == "amount"
    assert api.transfers.create(leg | {"amount": 300}).amount == 300
    api.transfers.reversals.create(first.id, {"amount": 50})
    assert api.transfers.create(leg | {"amount": 50}).amount == 50


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"currency": "usd"}, None, "source_transaction"),
        ({"destination": "acct_none"}, "resource_missing", "destination"),
        ({"source_transaction": "ch_none"}, "resource_missing", "source_transaction"),
        ({"source_type": "card"}, "parameter_not_simulated", "source_type"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(
    api: stripe.V1Services, host: stripe.Account, wrong: Any, code: str | None, param: str
) -> None:
    leg = {"amount": 1, "currency": "eur", "destination": host.id, "source_transaction": charge_of(api)}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.transfers.create(leg | wrong)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_what_is_not_captured_is_no_source(api: stripe.V1Services, host: stripe.Account) -> None:
    held = charge_of(api, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError):
        api.transfers.create(
            {"amount": 1, "currency": "eur", "destination": host.id, "source_transaction": held}
        )


@pytest.mark.parametrize("state", ["pending", "restricted", None])
def test_an_account_that_may_not_receive_gets_nothing(
    stripe_server: StripeServer, api: stripe.V1Services, state: str | None
) -> None:
    account = api.accounts.create(NEW)
    if state:
        stripe_server.account(account.id, state)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.transfers.create(
            {"amount": 1, "currency": "eur", "destination": account.id, "source_transaction": charge_of(api)}
        )
    assert caught.value.code == "insufficient_capabilities_for_transfer"


def test_without_a_source_only_available_money_can_be_sent(tmp_path: Path) -> None:
    state = tmp_path / "state"
    server = StripeServer(state_file=state)
    try:
        api = server.client().v1
        account = api.accounts.create(NEW)
        server.account(account.id, "enabled")
        charge_of(api)
        send: Any = {"amount": 900, "currency": "eur", "destination": account.id}
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.transfers.create(send)
        assert caught.value.code == "balance_insufficient"

        charge_of(api, payment_method="pm_card_bypassPending")
        made = api.transfers.create(send)
        with pytest.raises(stripe.InvalidRequestError):
            api.transfers.create(send)

        reversal = api.transfers.reversals.create(made.id, {"amount": 400, "metadata": {"refund": "r"}})
        books = server.books()
        server.kill()
        server = StripeServer(port=server.port, state_file=state)
        api = server.client().v1
        again = api.transfers.retrieve(made.id)
        assert (again.amount_reversed, again.reversed) == (400, False)
        assert [one.id for one in again.reversals.data] == [reversal.id]
        assert server.books() == books
        assert books["consistent"]
    finally:
        server.stop()


def test_a_reversal_brings_back_no_more_than_was_sent(
    stripe_server: StripeServer, api: stripe.V1Services, host: stripe.Account
) -> None:
    leg: Any = {"currency": "eur", "destination": host.id, "source_transaction": charge_of(api)}
    made = api.transfers.create(leg | {"amount": 500})

    first = api.transfers.reversals.create(made.id, {"amount": 200, "expand": ["balance_transaction"]})
    booked = first.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.type, booked.amount, booked.source) == ("transfer_refund", 200, first.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.transfers.reversals.create(made.id, {"amount": 301})
    assert caught.value.param == "amount"
    rest = api.transfers.reversals.create(made.id)
    assert rest.amount == 300
    with pytest.raises(stripe.InvalidRequestError):
        api.transfers.reversals.create(made.id)

    now = api.transfers.retrieve(made.id)
    assert (now.amount_reversed, now.reversed) == (500, True)
    assert [one.id for one in api.transfers.reversals.list(made.id).data] == [rest.id, first.id]
    assert api.transfers.reversals.retrieve(made.id, first.id).amount == 200
    theirs = api.balance.retrieve({}, {"stripe_account": host.id})
    available, pending = (
        sum(one.amount for one in theirs.available),
        sum(one.amount for one in theirs.pending),
    )
    assert available + pending == 0
    types = [
        event.type for event in api.events.list({"limit": 10}).data if event.data.object["id"] == made.id
    ]
    assert types == ["transfer.reversed", "transfer.reversed", "transfer.created"]
    assert stripe_server.books()["consistent"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["send", "send_free", "reverse", "refund", "pay", "wait"]), st.integers(1, 900)
        ),
        max_size=12,
    )
)
def test_any_run_of_transfers_keeps_the_books(steps: list[tuple[str, int]]) -> None:
    store, at = Store(), 1_000_000

    def run(handler: Any, path: Any = None, **params: Any) -> Any:
        return handler(Call(store=store, at=at, params=params, path=path or {}))

    paid = run(payment_intents.create, **PAID)
    account = run(accounts.create, **NEW)
    accounts.become(Call(store=store, at=at), account, "enabled")
    leg = {"currency": "eur", "destination": account["id"]}
    sent: list[Any] = []
    for what, amount in steps:
        free = balance.available(store, at, "eur")
        try:
            match what:
                case "send":
                    source = paid["latest_charge"]
                    sent.append(run(transfers.create, **leg, amount=amount, source_transaction=source))
                case "send_free":
                    sent.append(run(transfers.create, **leg, amount=amount))
                    assert amount <= free
                case "reverse" if sent:
                    run(transfers.reverse, {"transfer": sent[amount % len(sent)]["id"]}, amount=amount)
                case "refund":
                    run(refunds.create, payment_intent=paid["id"], amount=amount)
                case "pay":
                    run(payment_intents.create, **PAID | {"amount": 50 + amount})
                case "wait":
                    at += 3 * DAY
        except Refused:
            pass

    found = books.books(store, detail=True)
    assert found["consistent"]
    total = found["totals"]["eur"]
    assert found["accounts"].get(account["id"], {}).get("eur", 0) == total["transferred"] >= 0
    kinds = {name: part["net"] for name, part in total["kinds"].items()}
    assert sum(kinds.values()) == total["net"]
    from_charge = sum(
        row["amount"] - row["amount_reversed"] for row in sent if row["source_transaction"] is not None
    )
    assert from_charge <= 1000
