"""PaymentIntents through the official SDK: every state, every decline."""

from typing import Any

import pytest
import stripe

from commerce.stripe_simulator import cards
from tests.commerce.stripe_simulator.conftest import intent_in
from tests.commerce.stripe_simulator.test_sheet import answer
from tests.stripe_server import StripeServer

PAY: Any = {"amount": 1000, "currency": "eur", "allowed_payment_method_types": ["card"]}


def events_of(api: stripe.V1Services, ident: str) -> list[str]:
    """The types of the events about one object, oldest first."""
    found = [event for event in api.events.list({"limit": 100}).data if event.data.object["id"] == ident]
    return [event.type for event in reversed(found)]


def test_a_saved_card_pays(
    api: stripe.V1Services, customer: stripe.Customer, visa: stripe.PaymentMethod
) -> None:
    intent = api.payment_intents.create(
        PAY
        | {
            "customer": customer.id,
            "payment_method": visa.id,
            "confirm": True,
            "metadata": {"attempt_id": "a1"},
            "description": "Show",
            "expand": ["latest_charge.balance_transaction", "customer"],
        }
    )

    assert (intent.status, intent.amount_received, intent.livemode) == ("succeeded", 1000, False)
    assert isinstance(intent.customer, stripe.Customer)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, True, 1000)
    assert charge.payment_intent == intent.id
    assert charge.metadata.to_dict() == {"attempt_id": "a1"}
    booked = charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.amount, booked.fee, booked.net) == (1000, 59, 941)
    assert events_of(api, intent.id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert events_of(api, charge.id) == ["charge.succeeded"]


def test_the_steps_can_be_taken_one_by_one(api: stripe.V1Services, customer: stripe.Customer) -> None:
    intent = api.payment_intents.create(PAY | {"customer": customer.id})
    assert intent.status == "requires_payment_method"

    intent = api.payment_intents.update(
        intent.id, {"payment_method": "pm_card_mastercard", "amount": 1200, "metadata": {"a": "1", "b": "2"}}
    )
    assert (intent.status, intent.amount) == ("requires_confirmation", 1200)

    intent = api.payment_intents.update(intent.id, {"metadata": {"a": ""}})
    assert intent.metadata.to_dict() == {"b": "2"}

    intent = api.payment_intents.confirm(intent.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 1200)


@pytest.mark.parametrize("test_id", [one for one, card in cards.CARDS.items() if card.on_charge])
def test_a_declined_card_is_a_card_error(
    api: stripe.V1Services, customer: stripe.Customer, test_id: str
) -> None:
    card = cards.CARDS[test_id]
    assert card.on_charge is not None
    if card.authentication != "never":
        return  # told apart below

    with pytest.raises(stripe.CardError) as caught:
        api.payment_intents.create(
            PAY | {"customer": customer.id, "payment_method": test_id, "confirm": True}
        )

    error = caught.value.error
    assert error is not None
    assert caught.value.http_status == 402
    assert (error.code, error.decline_code) == (card.on_charge.code, card.on_charge.decline_code)
    intent = api.payment_intents.retrieve(intent_in(caught).id)
    assert (intent.status, intent.payment_method, intent.amount_received) == (
        "requires_payment_method",
        None,
        0,
    )
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == card.on_charge.decline_code
    charge = api.charges.retrieve(str(error.charge))
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, card.on_charge.code)
    assert events_of(api, intent.id) == ["payment_intent.created", "payment_intent.payment_failed"]


def test_another_card_pays_after_a_decline(
    api: stripe.V1Services, customer: stripe.Customer, visa: stripe.PaymentMethod
) -> None:
    failing = api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as caught:
        api.payment_intents.create(
            PAY | {"customer": customer.id, "payment_method": failing.id, "confirm": True}
        )
    ident = intent_in(caught).id

    intent = api.payment_intents.confirm(ident, {"payment_method": visa.id})

    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    assert len(api.charges.list({"payment_intent": ident}).data) == 2


@pytest.mark.parametrize(
    "test_id", ["pm_card_authenticationRequired", "pm_card_authenticationRequiredOnSetup"]
)
def test_on_session_the_owner_is_asked(
    api: stripe.V1Services, customer: stripe.Customer, test_id: str
) -> None:
    intent = api.payment_intents.create(
        PAY | {"customer": customer.id, "payment_method": test_id, "confirm": True}
    )

    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.type == "use_stripe_sdk"
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert events_of(api, intent.id)[-1] == "payment_intent.requires_action"


def test_with_a_return_url_the_owner_is_redirected(api: stripe.V1Services) -> None:
    intent = api.payment_intents.create(
        PAY
        | {
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "http://localhost/back",
        }
    )

    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.return_url == "http://localhost/back"


def test_off_session_a_card_that_wants_its_owner_is_declined(
    api: stripe.V1Services, customer: stripe.Customer
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        api.payment_intents.create(
            PAY
            | {
                "customer": customer.id,
                "payment_method": "pm_card_authenticationRequired",
                "confirm": True,
                "off_session": True,
            }
        )

    assert caught.value.code == "authentication_required"


def test_a_card_set_up_with_its_owner_pays_off_session(
    api: stripe.V1Services, customer: stripe.Customer, stripe_server: StripeServer
) -> None:
    setup = api.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )
    answer(stripe_server, str(setup.client_secret), "complete")

    intent = api.payment_intents.create(
        PAY
        | {
            "customer": customer.id,
            "payment_method": str(setup.payment_method),
            "confirm": True,
            "off_session": True,
        }
    )

    assert intent.status == "succeeded"


def test_a_hold_is_captured_in_part(api: stripe.V1Services) -> None:
    held = api.payment_intents.create(
        PAY | {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"}
    )
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1000, 0)

    with pytest.raises(stripe.InvalidRequestError, match="capturable"):
        api.payment_intents.capture(held.id, {"amount_to_capture": 1001})
    taken = api.payment_intents.capture(held.id, {"amount_to_capture": 400})

    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 400, 0)
    charge = api.charges.retrieve(str(taken.latest_charge), {"expand": ["balance_transaction"]})
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert (charge.amount_captured, charge.balance_transaction.amount) == (400, 400)


def test_a_hold_is_let_go_without_moving_money(api: stripe.V1Services) -> None:
    held = api.payment_intents.create(
        PAY | {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"}
    )

    gone = api.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})

    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    charge = api.charges.retrieve(str(gone.latest_charge))
    assert (charge.refunded, charge.captured, charge.balance_transaction) == (True, False, None)
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_intents.confirm(held.id)


def test_what_has_succeeded_cannot_be_cancelled(api: stripe.V1Services) -> None:
    paid = api.payment_intents.create(PAY | {"payment_method": "pm_card_visa", "confirm": True})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.payment_intents.cancel(paid.id)

    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.error is not None
    assert caught.value.error.payment_intent is not None
    assert caught.value.error.payment_intent.status == "succeeded"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"currency": "EUR"}, None),
        ({"currency": "euro"}, None),
        ({"customer": "cus_none"}, "resource_missing"),
        ({"payment_method": "pm_none"}, "resource_missing"),
        ({"off_session": True}, None),
        ({"confirm": True}, "payment_intent_unexpected_state"),
        ({"automatic_payment_methods": {"enabled": True}}, None),
        ({"application_fee_amount": 1}, "parameter_not_simulated"),
        ({"bogus": 1}, "parameter_unknown"),
        ({"expand": ["amount"]}, None),
    ],
)
def test_bad_requests_are_refused_and_leave_nothing(
    api: stripe.V1Services, extra: dict[str, Any], code: str | None
) -> None:
    before = api.payment_intents.list({"limit": 1}).data[:1]

    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.payment_intents.create(PAY | extra)

    assert (caught.value.http_status, caught.value.code) == (400, code)
    if "expand" not in extra:
        assert api.payment_intents.list({"limit": 1}).data[:1] == before


def test_confirming_needs_a_return_url_when_a_redirect_could_be_chosen(api: stripe.V1Services) -> None:
    params: Any = {
        "amount": 1000,
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "confirm": True,
    }

    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        api.payment_intents.create(params)
    never = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}

    assert api.payment_intents.create(params | never).status == "succeeded"


def test_another_customers_card_cannot_be_used(api: stripe.V1Services, visa: stripe.PaymentMethod) -> None:
    stranger = api.customers.create({})

    for customer in ({"customer": stranger.id}, {}):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.payment_intents.create(PAY | customer | {"payment_method": visa.id, "confirm": True})
        assert caught.value.param == "payment_method"


def test_a_card_without_a_customer_pays_once(api: stripe.V1Services) -> None:
    method = api.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    paying = PAY | {"payment_method": method.id, "confirm": True}
    assert api.payment_intents.create(paying).status == "succeeded"

    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        api.payment_intents.create(paying)


def test_lists_go_by_customer_and_page_both_ways(api: stripe.V1Services, customer: stripe.Customer) -> None:
    made = [api.payment_intents.create(PAY | {"customer": customer.id}).id for _ in range(5)]

    page = api.payment_intents.list({"customer": customer.id, "limit": 2})
    assert [one.id for one in page.data] == [made[4], made[3]]
    assert page.has_more
    everything = [one.id for one in page.auto_paging_iter()]
    assert everything == made[::-1]
    back = api.payment_intents.list({"customer": customer.id, "ending_before": made[1], "limit": 2})
    assert [one.id for one in back.data] == [made[3], made[2]]
    assert back.has_more
    bad: list[Any] = [{"limit": 0}, {"limit": 101}, {"starting_after": "pi_none"}]
    for wrong in bad:
        with pytest.raises(stripe.InvalidRequestError):
            api.payment_intents.list(wrong | {"customer": customer.id})
