"""Disputes: opened by Stripe's test cards, decided by the words Stripe publishes, booked both ways."""

import urllib.error
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from commerce.stripe_simulator import balance, books, disputes, later, payment_intents, refunds
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Refused
from commerce.stripe_simulator.store import Store
from tests.stripe_server import StripeServer

PAY: Any = {
    "amount": 1000,
    "currency": "eur",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}
DISPUTED = PAY | {"payment_method": "pm_card_createDispute"}
INQUIRED = PAY | {"payment_method": "pm_card_createDisputeInquiry"}
DAY = 86_400


def opened(api: stripe.V1Services, params: Any = DISPUTED) -> stripe.Dispute:
    """A payment's dispute."""
    paid = api.payment_intents.create(params)
    assert paid.status == "succeeded"
    (dispute,) = api.disputes.list({"payment_intent": paid.id}).data
    return dispute


def words(text: str) -> Any:
    """Evidence that decides."""
    return {"evidence": {"uncategorized_text": text}}


def events_of(api: stripe.V1Services, dispute: stripe.Dispute) -> list[str]:
    """What was told about a dispute and its payment, oldest first."""
    about = {dispute.id, dispute.charge, dispute.payment_intent}
    found = api.events.list({"limit": 30}).data
    return [event.type for event in reversed(found) if event.data.object["id"] in about]


def test_a_disputed_charge_loses_its_money_and_a_fee(api: stripe.V1Services) -> None:
    dispute = opened(api)

    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 1000)
    (taken,) = dispute.balance_transactions
    assert (taken.type, taken.reporting_category) == ("adjustment", "dispute")
    assert (taken.amount, taken.fee, taken.net, taken.source) == (-1000, 1500, -2500, dispute.id)
    assert not dispute.is_charge_refundable
    assert api.charges.retrieve(str(dispute.charge)).disputed
    assert events_of(api, dispute) == [
        "payment_intent.created",
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.refunds.create({"charge": str(dispute.charge)})
    assert caught.value.code == "charge_disputed"


def test_winning_words_bring_the_money_and_the_fee_back(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    dispute = opened(api)

    told = api.disputes.update(dispute.id, words("winning_evidence"))
    assert told.status == "under_review"
    assert (told.evidence_details.has_evidence, told.evidence_details.submission_count) == (True, 1)
    stripe_server.hurry()

    won = api.disputes.retrieve(dispute.id)
    assert won.status == "won"
    taken, back = won.balance_transactions
    assert (back.amount, back.fee, back.reporting_category) == (1000, -1500, "dispute_reversal")
    assert taken.net + back.net == 0
    assert events_of(api, dispute)[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert api.refunds.create({"charge": str(dispute.charge)}).status == "succeeded"
    assert stripe_server.books()["consistent"]


@pytest.mark.parametrize("how", ["words", "close"])
def test_a_lost_dispute_keeps_the_money_and_stays_closed(
    stripe_server: StripeServer, api: stripe.V1Services, how: str
) -> None:
    dispute = opened(api)

    if how == "words":
        api.disputes.update(dispute.id, words("losing_evidence"))
        stripe_server.hurry()
    else:
        assert api.disputes.close(dispute.id).status == "lost"

    lost = api.disputes.retrieve(dispute.id)
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)
    assert events_of(api, dispute)[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        api.disputes.close(dispute.id)
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create({"charge": str(dispute.charge)})


def test_evidence_can_be_staged_and_is_submitted_once(api: stripe.V1Services) -> None:
    dispute = opened(api, PAY | {"payment_method": "pm_card_createDisputeProductNotReceived"})
    assert dispute.reason == "product_not_received"

    staged = api.disputes.update(
        dispute.id, {"evidence": {"shipping_carrier": "Post"}, "submit": False, "metadata": {"a": "1"}}
    )
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    sent = api.disputes.update(dispute.id, {"evidence": {"product_description": "A cup"}})
    assert sent.status == "under_review"
    assert (sent.evidence.shipping_carrier, sent.evidence.product_description) == ("Post", "A cup")
    with pytest.raises(stripe.InvalidRequestError):
        api.disputes.update(dispute.id, {"evidence": {"product_description": "Two cups"}})
    assert api.disputes.update(dispute.id, {"metadata": {"b": "2"}}).status == "under_review"


@pytest.mark.parametrize(
    "evidence",
    [{"receipt": "file_1"}, {"enhanced_evidence": {}}, {"bogus": "x"}, {"uncategorized_text": "x" * 20_001}],
)
def test_evidence_that_is_not_understood_is_refused(api: stripe.V1Services, evidence: Any) -> None:
    dispute = opened(api)
    with pytest.raises(stripe.InvalidRequestError):
        api.disputes.update(dispute.id, {"evidence": evidence | {"product_name": ""}})
    assert api.disputes.update(dispute.id, words("x" * 20_000)).status == "under_review"


def test_an_inquiry_takes_nothing_until_it_is_escalated(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    dispute = opened(api, INQUIRED)
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    api.refunds.create({"charge": str(dispute.charge), "amount": 300})

    api.disputes.update(dispute.id, words("escalate_inquiry_evidence"))
    stripe_server.hurry()

    asked = api.disputes.retrieve(dispute.id)
    assert (asked.status, asked.amount) == ("needs_response", 700)
    assert [one.net for one in asked.balance_transactions] == [-700 - 1500]
    assert events_of(api, dispute)[-1] == "charge.dispute.funds_withdrawn"


@pytest.mark.parametrize("text", ["winning_evidence", "losing_evidence"])
def test_an_inquiry_that_is_answered_is_just_closed(
    stripe_server: StripeServer, api: stripe.V1Services, text: str
) -> None:
    dispute = opened(api, INQUIRED)
    api.disputes.update(dispute.id, words(text))
    stripe_server.hurry()

    closed = api.disputes.retrieve(dispute.id)
    assert (closed.status, closed.balance_transactions) == ("warning_closed", [])


def test_a_dispute_opens_when_a_hold_is_captured(api: stripe.V1Services) -> None:
    held = api.payment_intents.create(DISPUTED | {"capture_method": "manual"})
    assert api.disputes.list({"payment_intent": held.id}).data == []

    api.payment_intents.capture(held.id, {"amount_to_capture": 400})

    (dispute,) = api.disputes.list({"payment_intent": held.id}).data
    assert dispute.amount == 400


def test_a_dispute_that_does_not_exist_is_missing(api: stripe.V1Services) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.disputes.retrieve("du_none")
    assert (caught.value.http_status, caught.value.param) == (404, "dispute")


def kept(server: StripeServer) -> int:
    """What banks have taken for good, by both ways of counting it."""
    found = server.books()
    assert found["consistent"]
    return int(found["totals"].get("eur", {"disputed": 0})["disputed"])


def paid(api: stripe.V1Services) -> str:
    """A charge of 10.00 that nobody contests."""
    intent = api.payment_intents.create(PAY | {"payment_method": "pm_card_visa"})
    return str(intent.latest_charge)


def test_a_dispute_of_a_part_takes_that_part_and_the_rest_can_be_refunded_once_it_is_lost(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    before = kept(stripe_server)
    charge = paid(api)
    found = api.disputes.retrieve(stripe_server.dispute(charge, 400))
    assert (found.amount, found.status, found.charge) == (400, "needs_response", charge)
    assert [one.net for one in found.balance_transactions] == [-400 - 1500]
    assert events_of(api, found)[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.refunds.create({"charge": charge, "amount": 1})
    assert caught.value.code == "charge_disputed"

    api.disputes.close(found.id)
    with pytest.raises(stripe.InvalidRequestError, match="600"):
        api.refunds.create({"charge": charge, "amount": 601})
    assert api.refunds.create({"charge": charge, "amount": 600}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create({"charge": charge, "amount": 1})
    assert kept(stripe_server) - before == 400


def test_a_dispute_that_gives_back_a_part_is_lost_and_keeps_its_fee(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    before = kept(stripe_server)
    dispute = opened(api)
    stripe_server.decide(dispute.id, 300)

    lost = api.disputes.retrieve(dispute.id)
    taken, back = lost.balance_transactions
    assert (lost.status, taken.amount, back.amount, back.fee) == ("lost", -1000, 300, 0)
    assert back.reporting_category == "dispute_reversal"
    assert events_of(api, dispute)[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert kept(stripe_server) - before == 700


def test_a_dispute_that_gives_back_all_is_won(stripe_server: StripeServer, api: stripe.V1Services) -> None:
    dispute = opened(api)
    stripe_server.decide(dispute.id, 1000)
    assert api.disputes.retrieve(dispute.id).status == "won"
    assert stripe_server.books()["consistent"]


@pytest.mark.parametrize(
    "asked",
    [
        {"charge": "ch_none", "amount": 1},
        {"amount": 1001},
        {"amount": 0},
        {"amount": True},
        {},
        {"dispute": "dp_none", "returned": 1},
        {"returned": 401},
        {"returned": -1},
    ],
)
def test_a_dispute_that_cannot_be_is_refused(
    stripe_server: StripeServer, api: stripe.V1Services, asked: dict[str, Any]
) -> None:
    charge = paid(api)
    if "returned" in asked:
        asked = {"dispute": stripe_server.dispute(charge, 400)} | asked
    with pytest.raises(urllib.error.HTTPError, match="40"):
        stripe_server.ask("/_simulator/disputes", {"charge": charge} | asked)
    assert stripe_server.books()["consistent"]


def test_a_charge_is_disputed_once_and_decided_once(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    charge = paid(api)
    dispute = stripe_server.dispute(charge, 400)
    with pytest.raises(urllib.error.HTTPError, match="40"):
        stripe_server.dispute(charge, 400)
    stripe_server.decide(dispute, 100)
    with pytest.raises(urllib.error.HTTPError, match="40"):
        stripe_server.decide(dispute, 100)


class World:
    """One store, and its time."""

    def __init__(self) -> None:
        self.store = Store()
        self.later = later.Later(self.store)
        self.at = 1_000_000.0

    def run(self, handler: Any, path: Any = None, given: Any = None, **params: Any) -> Any:
        call = Call(store=self.store, at=self.at, params=params, path=path or {})
        done = handler(call) if given is None else handler(call, given)
        self.later.note(self.store.take_changes())
        return done

    def pass_time(self, seconds: float) -> None:
        self.at += seconds
        while taken := self.later.take(self.at):
            row, step = taken
            later.STEPS[step](Call(store=self.store, at=self.at), row)
            self.later.note(self.store.take_changes())


def test_who_does_not_answer_in_time_has_lost() -> None:
    world = World()
    world.run(payment_intents.create, **DISPUTED)
    (row,) = world.store.all("dispute")

    world.pass_time(8 * DAY - 1)
    assert row["status"] == "needs_response"
    world.pass_time(DAY + 1)

    assert (row["status"], row["evidence_details"]["past_due"]) == ("lost", True)


STEP = st.sampled_from(["winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "other", "close"])


@given(
    st.sampled_from(["pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_refundFail"]),
    st.lists(
        st.one_of(STEP, st.integers(1, 700), st.integers(-1000, -1), st.sampled_from(["minute", "weeks"])),
        max_size=6,
    ),
)
def test_whatever_happens_the_books_and_the_objects_agree(card: str, steps: list[Any]) -> None:
    world = World()
    paid = world.run(payment_intents.create, **PAY | {"payment_method": card})
    for step in steps:
        dispute = next(world.store.all("dispute"), None)
        try:
            if isinstance(step, int) and step < 0:
                to = {"dispute": dispute["id"], "returned": -step} if dispute else {"amount": -step}
                world.run(disputes.inject, given={"charge": paid["latest_charge"]} | to)
            elif isinstance(step, int):
                world.run(refunds.create, payment_intent=paid["id"], amount=step)
            elif step in ("minute", "weeks"):
                world.pass_time(60 if step == "minute" else 20 * DAY)
            elif dispute and step == "close":
                world.run(disputes.close, {"dispute": dispute["id"]})
            elif dispute:
                world.run(disputes.update, {"dispute": dispute["id"]}, **words(step))
        except Refused:
            pass
        found = books.books(world.store, detail=False)
        assert found["consistent"], (found, steps)
        available = balance.available(world.store, int(world.at) + 10 * DAY, "eur")
        assert available == found["totals"]["eur"]["net"]
