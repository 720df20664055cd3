"""Customers and their cards."""

import pytest
import stripe

from commerce.stripe_simulator import cards


def test_a_customer_is_kept_changed_found_and_deleted(api: stripe.V1Services) -> None:
    made = api.customers.create({"email": "eve@example.com", "name": "Eve", "metadata": {"user": "7"}})

    api.customers.update(made.id, {"name": "Eva", "metadata": {"level": "2"}})
    again = api.customers.retrieve(made.id)
    assert (again.name, again.email) == ("Eva", "eve@example.com")
    assert again.metadata is not None
    assert again.metadata.to_dict() == {"user": "7", "level": "2"}
    assert made.id in [one.id for one in api.customers.list({"email": "eve@example.com"}).data]

    assert api.customers.delete(made.id).deleted
    assert api.customers.retrieve(made.id).deleted
    assert made.id not in [one.id for one in api.customers.list({"email": "eve@example.com"}).data]
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.update(made.id, {"name": "E"})


def test_a_missing_customer_is_a_404(api: stripe.V1Services) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.customers.retrieve("cus_none")

    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_cards_are_attached_listed_and_detached(api: stripe.V1Services, customer: stripe.Customer) -> None:
    first = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    second = api.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    assert first.id != "pm_card_visa"
    assert second.card is not None
    assert (second.card.brand, second.card.last4) == ("mastercard", "4444")

    listed = api.customers.payment_methods.list(customer.id, {"type": "card"})
    assert [one.id for one in listed.data] == [second.id, first.id]
    assert [one.id for one in api.payment_methods.list({"customer": customer.id}).data] == [
        second.id,
        first.id,
    ]

    api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": first.id}})
    assert api.payment_methods.detach(first.id).customer is None

    assert [one.id for one in api.payment_methods.list({"customer": customer.id}).data] == [second.id]
    settings = api.customers.retrieve(customer.id).invoice_settings
    assert settings is not None
    assert settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        api.payment_methods.attach(first.id, {"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        api.payment_methods.detach(first.id)


def test_a_card_belongs_to_one_customer(api: stripe.V1Services, visa: stripe.PaymentMethod) -> None:
    stranger = api.customers.create({})

    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        api.payment_methods.attach(visa.id, {"customer": stranger.id})
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.payment_methods.retrieve(stranger.id, visa.id)


@pytest.mark.parametrize("test_id", [one for one, card in cards.CARDS.items() if card.on_attach])
def test_a_card_that_always_declines_cannot_be_saved(
    api: stripe.V1Services, customer: stripe.Customer, test_id: str
) -> None:
    with pytest.raises(stripe.CardError):
        api.payment_methods.attach(test_id, {"customer": customer.id})

    assert api.payment_methods.list({"customer": customer.id}).data == []


def test_unknown_test_cards_tokens_and_numbers_are_refused(
    api: stripe.V1Services, customer: stripe.Customer
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.payment_methods.attach("pm_card_golden", {"customer": customer.id})
    assert caught.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_methods.create({"type": "card", "card": {"token": "tok_golden"}})
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_methods.create(
            {"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2040}}
        )
