"""Saving a card with its owner there."""

from typing import Any

import pytest
import stripe

SAVE: Any = {"allowed_payment_method_types": ["card"]}


def test_a_confirmed_card_is_attached(api: stripe.V1Services, customer: stripe.Customer) -> None:
    setup = api.setup_intents.create(SAVE | {"customer": customer.id})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")

    setup = api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})

    assert setup.status == "succeeded"
    saved = api.payment_methods.list({"customer": customer.id}).data
    assert [one.id for one in saved] == [setup.payment_method]


def test_a_declined_card_is_not_attached_and_another_may_follow(
    api: stripe.V1Services, customer: stripe.Customer
) -> None:
    setup = api.setup_intents.create(SAVE | {"customer": customer.id})

    with pytest.raises(stripe.CardError) as caught:
        api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa_chargeDeclined"})

    assert caught.value.error is not None
    assert caught.value.error.setup_intent is not None
    assert caught.value.error.setup_intent.id == setup.id
    again = api.setup_intents.retrieve(setup.id)
    assert again.status == "requires_payment_method"
    assert again.last_setup_error is not None
    assert api.payment_methods.list({"customer": customer.id}).data == []
    assert api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_a_card_with_3d_secure_waits_for_its_owner(api: stripe.V1Services, customer: stripe.Customer) -> None:
    setup = api.setup_intents.create(
        SAVE | {"customer": customer.id, "payment_method": "pm_card_authenticationRequired", "confirm": True}
    )

    assert setup.status == "requires_action"
    assert api.payment_methods.list({"customer": customer.id}).data == []
    assert api.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"}).status == "canceled"


def test_confirming_without_a_card_or_after_the_end_is_refused(
    api: stripe.V1Services, customer: stripe.Customer
) -> None:
    setup = api.setup_intents.create(SAVE | {"customer": customer.id})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.setup_intents.confirm(setup.id)
    assert caught.value.code == "setup_intent_unexpected_state"
    api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    for change in (api.setup_intents.confirm, api.setup_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError):
            change(setup.id)


def test_setups_are_listed_and_described(api: stripe.V1Services, customer: stripe.Customer) -> None:
    setup = api.setup_intents.create(SAVE | {"customer": customer.id})

    api.setup_intents.update(setup.id, {"description": "In the show", "metadata": {"show": "1"}})

    listed = api.setup_intents.list({"customer": customer.id}).data
    assert [(one.id, one.description) for one in listed] == [(setup.id, "In the show")]
