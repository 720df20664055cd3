"""Customers and saved cards."""

from uuid import uuid4

import pytest
import requests

from commerce import gateway
from tests.commerce.gateway.conftest import Buyer
from tests.stripe_server import StripeServer


def test_a_user_has_one_customer_however_often_it_is_ensured(stripe_server: StripeServer) -> None:
    user = uuid4()

    first = gateway.ensure_customer(user_id=user, email="ana@example.com", name="Ana")

    assert gateway.ensure_customer(user_id=user, email="ana@example.com", name="Ana") == first
    assert gateway.ensure_customer(user_id=user, email="new@example.com", name="") != first
    made = stripe_server.client().v1.customers.retrieve(first)
    assert made.metadata is not None
    assert (made.email, made.metadata.to_dict()) == ("ana@example.com", {"user_id": str(user)})


def test_a_card_is_saved_with_the_sheet(buyer: Buyer, stripe_server: StripeServer) -> None:
    setup = gateway.setup(customer=buyer.customer)
    assert setup.sheet_url == f"{stripe_server.url}/sheet/setup?client_secret={setup.client_secret}"
    assert (setup.succeeded, setup.card) == (False, None)
    assert str(setup.client_secret) not in repr(setup)

    with requests.Session() as session:
        session.trust_env = False
        session.post(
            f"{stripe_server.url}/sheet/setup",
            data={"client_secret": str(setup.client_secret), "card": "pm_card_amex"},
        )

    done = gateway.retrieve_setup(setup.id)
    assert (done.succeeded, done.customer) == (True, buyer.customer)
    assert done.card is not None
    saved = gateway.card(customer=buyer.customer, card_id=done.card)
    assert (saved.brand, saved.last4, saved.exp_month, saved.exp_year) == ("amex", "8431", 12, 2040)
    assert saved.fingerprint
    assert gateway.cards(customer=buyer.customer)[0] == saved


def test_all_cards_are_listed_newest_first(buyer: Buyer) -> None:
    second = gateway.attach(customer=buyer.customer, card_id="pm_card_mastercard")

    assert [card.id for card in gateway.cards(customer=buyer.customer)] == [second.id, buyer.card]


def test_a_removed_card_is_gone_and_removing_it_again_is_no_error(buyer: Buyer) -> None:
    for _ in range(2):
        gateway.detach(customer=buyer.customer, card_id=buyer.card)

    assert gateway.cards(customer=buyer.customer) == []
    with pytest.raises(gateway.Missing):
        gateway.card(customer=buyer.customer, card_id=buyer.card)


def test_another_customers_card_is_neither_seen_nor_removed(buyer: Buyer) -> None:
    stranger = gateway.ensure_customer(user_id=uuid4(), email="eve@example.com", name="Eve")

    with pytest.raises(gateway.Missing):
        gateway.card(customer=stranger, card_id=buyer.card)
    with pytest.raises(gateway.Missing):
        gateway.detach(customer=stranger, card_id=buyer.card)

    assert [card.id for card in gateway.cards(customer=buyer.customer)] == [buyer.card]


@pytest.mark.parametrize("card_id", ["pm_none", "../customers", "seti_1"])
def test_what_is_no_card_is_missing(buyer: Buyer, card_id: str) -> None:
    with pytest.raises(gateway.Missing):
        gateway.card(customer=buyer.customer, card_id=card_id)


def test_a_card_whose_bank_says_no_is_declined(buyer: Buyer) -> None:
    with pytest.raises(gateway.Declined) as caught:
        gateway.attach(customer=buyer.customer, card_id="pm_card_visa_chargeDeclinedInsufficientFunds")

    assert (caught.value.code, caught.value.data) == (
        "PAYMENT_DECLINED",
        {"decline_code": "insufficient_funds"},
    )


@pytest.mark.parametrize("fault", ["error_500_saved", "error_500_after"])
def test_a_customer_whose_key_answers_with_an_error_is_found_or_made_anew(
    stripe_server: StripeServer, fault: str
) -> None:
    """Else nobody could save a card for a day."""
    user_id = uuid4()
    email = f"{user_id.hex}@example.com"
    stripe_server.fault(fault, path="/v1/customers")

    made = gateway.ensure_customer(user_id=user_id, email=email, name="Ana")

    listed = stripe_server.client().v1.customers.list({"email": email}).data
    assert [each.id for each in listed] == [made]
