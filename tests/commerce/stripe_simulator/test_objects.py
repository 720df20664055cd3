"""Objects have every field of Stripe's own samples, and of the installed SDK's classes."""

import json
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe._object_classes import get_object_class

from commerce.stripe_simulator import objects
from commerce.stripe_simulator.refusals import Refused
from tests.commerce.stripe_simulator.conftest import Hearer
from tests.stripe_server import StripeServer

FIELDS: dict[str, list[str]] = json.loads((Path(__file__).parent / "fixtures" / "fields.json").read_text())[
    "fields"
]


PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}


def test_every_kind_answers_with_the_fields_of_stripes_samples(
    stripe_server: StripeServer,
    api: stripe.V1Services,
    customer: stripe.Customer,
    visa: stripe.PaymentMethod,
    hearer: Hearer,
) -> None:
    intent = api.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": visa.id,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            "expand": ["latest_charge.balance_transaction"],
        }
    )
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    booked = charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    setup = api.setup_intents.create({"customer": customer.id, "allowed_payment_method_types": ["card"]})
    account = api.accounts.create({"country": "DE", "capabilities": {"transfers": {"requested": True}}})
    stripe_server.account(account.id, "enabled")
    source = api.payment_intents.create(PAID | {"payment_method": "pm_card_createDispute"})
    transfer = api.transfers.create(
        {
            "amount": 10,
            "currency": "eur",
            "destination": account.id,
            "source_transaction": str(source.latest_charge),
        }
    )
    link = api.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "http://127.0.0.1/a",
            "return_url": "http://127.0.0.1/b",
        }
    )
    made = {
        "account": account.to_dict(),
        "account_link": link.to_dict(),
        "dispute": api.disputes.list({"payment_intent": source.id}).data[0].to_dict(),
        "transfer": transfer.to_dict(),
        "transfer_reversal": api.transfers.reversals.create(transfer.id, {"amount": 3}).to_dict(),
        "customer": customer.to_dict(),
        "payment_method": visa.to_dict(),
        "payment_intent": intent.to_dict(),
        "charge": charge.to_dict(),
        "balance_transaction": booked.to_dict(),
        "refund": api.refunds.create({"payment_intent": intent.id}).to_dict(),
        "setup_intent": setup.to_dict(),
        "event": api.events.list({"limit": 1}).data[0].to_dict(),
        "webhook_endpoint": api.webhook_endpoints.create(
            {"url": hearer.url, "enabled_events": ["*"]}
        ).to_dict(),
        "balance": api.balance.retrieve().to_dict(),
    }
    api.webhook_endpoints.delete(made["webhook_endpoint"]["id"])

    for path, expected in FIELDS.items():
        found = made
        for step in path.split("."):
            found = found[step]
        # `connect_reserved` covers accounts that owe the platform; none can here.
        assert set(expected) - found.keys() <= {"connect_reserved"}, path


def test_a_blank_object_has_the_fields_of_the_sdks_class() -> None:
    for kind in (
        "payment_intent",
        "charge",
        "refund",
        "setup_intent",
        "payment_method",
        "balance_transaction",
        "dispute",
        "transfer",
        "transfer_reversal",
        "account",
        "account_link",
    ):
        known = set(get_object_class("V1", kind).__annotations__) - {"OBJECT_NAME", "deleted"}
        assert objects.blank(kind).keys() == known


def test_a_field_that_the_sdk_does_not_know_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        objects.blank("payment_intent", amonut=1)


def test_blank_objects_share_nothing() -> None:
    first = objects.blank("charge")
    first["metadata"]["a"] = "1"
    first["billing_details"]["name"] = "Ana"

    assert objects.blank("charge")["metadata"] == {}
    assert objects.blank("charge")["billing_details"]["name"] is None


@pytest.mark.parametrize(
    "path",
    [
        "customer",
        "latest_charge.balance_transaction",
        "latest_charge.customer.invoice_settings.default_payment_method",
    ],
)
def test_what_holds_an_id_can_be_expanded(path: str) -> None:
    objects.check_expansion("payment_intent", path)


@pytest.mark.parametrize(
    "path", ["amount", "bogus", "latest_charge.amount", "data.customer", "amount_details", "", "customer."]
)
def test_what_holds_no_id_cannot_be_expanded(path: str) -> None:
    with pytest.raises(Refused):
        objects.check_expansion("payment_intent", path)


def test_lists_are_expanded_item_by_item(
    api: stripe.V1Services, customer: stripe.Customer, visa: stripe.PaymentMethod
) -> None:
    page = api.payment_methods.list({"customer": customer.id, "expand": ["data.customer"]})
    assert [one.customer.email for one in page.data] == [customer.email]  # type: ignore[union-attr]

    for wrong in ("customer", "data", "data.card"):
        with pytest.raises(stripe.InvalidRequestError):
            api.payment_methods.list({"customer": customer.id, "expand": [wrong]})
