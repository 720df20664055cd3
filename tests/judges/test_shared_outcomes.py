"""The same calls to our simulator and to a server that others wrote have the same outcomes; with
`-m stripe_live` they are put to Stripe's test mode, too.
"""

from typing import Any

import pytest
import stripe

from tests.judges.conftest import STRIPE, Judge

EVERYBODY = pytest.mark.parametrize("judge", ["simulator", "localstripe", STRIPE], indirect=True)


def customer(judge: Judge) -> str:
    """A new customer."""
    return judge.api.customers.create({"email": "ana@example.com", "name": "Ana"}).id


def saved(judge: Judge, owner: str, card: str = "pm_card_visa") -> str:
    """A card of hers."""
    return judge.api.payment_methods.attach(card, {"customer": owner}).id


def asked(judge: Judge, **more: Any) -> Any:
    """What a payment of a customer with her saved card is asked for with."""
    owner = customer(judge)
    card = saved(judge, owner, more.pop("card", "pm_card_visa"))
    known = {"amount": 2500, "currency": "eur", "customer": owner, "payment_method": card}
    return known | judge.types | more


def charge_of(judge: Judge, intent: stripe.PaymentIntent) -> stripe.Charge:
    """Its latest charge; one of the servers answers with the object, not with its id."""
    found = intent.latest_charge
    assert found is not None
    return judge.api.charges.retrieve(found if isinstance(found, str) else found.id)


@EVERYBODY
def test_a_saved_card_pays(judge: Judge) -> None:
    paid = judge.api.payment_intents.create(
        asked(judge, confirm=True, off_session=True, metadata={"order": "7"})
    )

    assert (paid.status, paid.amount, paid.currency) == ("succeeded", 2500, "eur")
    assert paid.metadata is not None
    assert paid.metadata["order"] == "7"
    charge = charge_of(judge, paid)
    assert (charge.status, charge.amount, charge.amount_refunded) == ("succeeded", 2500, 0)
    assert judge.api.payment_intents.retrieve(paid.id).status == "succeeded"


@EVERYBODY
def test_a_card_that_fails_when_it_is_charged_declines(judge: Judge) -> None:
    asking = asked(judge, card="pm_card_chargeCustomerFail", confirm=True, off_session=True)

    with pytest.raises(stripe.CardError) as caught:
        judge.api.payment_intents.create(asking)

    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")


@EVERYBODY
def test_a_card_that_is_declined_at_once_cannot_be_saved(judge: Judge) -> None:
    owner = customer(judge)

    with pytest.raises(stripe.CardError) as caught:
        saved(judge, owner, "pm_card_visa_chargeDeclined")

    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")


@EVERYBODY
def test_a_payment_is_confirmed_later(judge: Judge) -> None:
    made = judge.api.payment_intents.create(asked(judge))
    assert made.status == "requires_confirmation"

    assert judge.api.payment_intents.confirm(made.id).status == "succeeded"


@EVERYBODY
def test_a_hold_is_captured(judge: Judge) -> None:
    asking = asked(judge, capture_method="manual", confirm=True, off_session=True)
    held = judge.api.payment_intents.create(asking)
    assert held.status == "requires_capture"
    assert not charge_of(judge, held).captured

    assert judge.api.payment_intents.capture(held.id).status == "succeeded"

    assert charge_of(judge, judge.api.payment_intents.retrieve(held.id)).captured


@EVERYBODY
def test_a_hold_is_let_go(judge: Judge) -> None:
    asking = asked(judge, capture_method="manual", confirm=True, off_session=True)
    held = judge.api.payment_intents.create(asking)

    assert judge.api.payment_intents.cancel(held.id).status == "canceled"

    assert judge.api.payment_intents.retrieve(held.id).status == "canceled"
    assert not charge_of(judge, held).captured


@EVERYBODY
def test_a_part_is_given_back(judge: Judge) -> None:
    paid = judge.api.payment_intents.create(asked(judge, confirm=True, off_session=True))

    made = judge.api.refunds.create({"payment_intent": paid.id, "amount": 500, "metadata": {"refund": "r"}})

    assert (made.status, made.amount, made.currency) == ("succeeded", 500, "eur")
    charge = charge_of(judge, paid)
    assert (charge.amount_refunded, charge.refunded) == (500, False)


@EVERYBODY
def test_a_card_is_saved_by_a_setup_intent(judge: Judge) -> None:
    owner = customer(judge)
    setup: Any = {"customer": owner, **judge.types}
    made = judge.api.setup_intents.create(setup)
    assert made.status == "requires_payment_method"

    done = judge.api.setup_intents.confirm(made.id, {"payment_method": saved(judge, owner)})

    assert (done.status, done.customer) == ("succeeded", owner)
