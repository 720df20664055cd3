"""The pages where a shopper chooses a card and answers the bank."""

from typing import Any

import pytest
import requests
import stripe

from tests.stripe_server import StripeServer

TYPES: Any = {"allowed_payment_method_types": ["card"]}


def post(server: StripeServer, path: str, **fields: str) -> requests.Response:
    """Send what the page's script sends."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(server.url + path, data=fields)


def get(server: StripeServer, path: str, **query: str) -> requests.Response:
    """Open a page."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(server.url + path, params=query)


def answer(server: StripeServer, secret: str, outcome: str) -> dict[str, Any]:
    """Answer the bank's question."""
    said: dict[str, Any] = post(server, "/sheet/3ds", client_secret=secret, outcome=outcome).json()
    return said


@pytest.fixture
def setup(api: stripe.V1Services, customer: stripe.Customer) -> stripe.SetupIntent:
    return api.setup_intents.create(TYPES | {"customer": customer.id})


@pytest.fixture
def asked(api: stripe.V1Services, customer: stripe.Customer) -> stripe.PaymentIntent:
    return api.payment_intents.create(
        TYPES
        | {
            "amount": 123456,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
        }
    )


def test_the_sheet_shows_the_test_cards_and_says_simulated(
    stripe_server: StripeServer, setup: stripe.SetupIntent
) -> None:
    page = get(stripe_server, "/sheet/setup", client_secret=str(setup.client_secret))

    assert page.status_code == 200
    assert "SIMULATED" in page.text
    assert 'value="pm_card_visa"' in page.text
    assert 'value="pm_card_visa_chargeDeclined"' in page.text
    assert "frame-ancestors http://localhost:*" in page.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in page.headers
    for asset, kind in (("sheet.css", "text/css"), ("sheet.js", "text/javascript")):
        assert get(stripe_server, f"/sheet/{asset}").headers["Content-Type"].startswith(kind)


def test_a_chosen_card_is_saved(
    stripe_server: StripeServer, api: stripe.V1Services, setup: stripe.SetupIntent
) -> None:
    said = post(
        stripe_server, "/sheet/setup", client_secret=str(setup.client_secret), card="pm_card_mastercard"
    )

    assert said.json() == {"status": "succeeded", "intent": setup.id}
    saved = api.payment_methods.list({"customer": str(setup.customer)}).data
    assert [one.card.last4 for one in saved if one.card] == ["4444"]


def test_a_declined_card_says_why_and_another_may_be_chosen(
    stripe_server: StripeServer, setup: stripe.SetupIntent
) -> None:
    secret = str(setup.client_secret)

    said = post(
        stripe_server,
        "/sheet/setup",
        client_secret=secret,
        card="pm_card_visa_chargeDeclinedInsufficientFunds",
    )

    assert said.json()["status"] == "failed"
    assert "insufficient funds" in said.json()["message"]
    again = post(stripe_server, "/sheet/setup", client_secret=secret, card="pm_card_visa")
    assert again.json()["status"] == "succeeded"


@pytest.mark.parametrize(("outcome", "status"), [("complete", "succeeded"), ("fail", "failed")])
def test_a_card_with_3d_secure_leads_to_the_banks_page(
    stripe_server: StripeServer, api: stripe.V1Services, setup: stripe.SetupIntent, outcome: str, status: str
) -> None:
    secret = str(setup.client_secret)
    said = post(
        stripe_server, "/sheet/setup", client_secret=secret, card="pm_card_authenticationRequired"
    ).json()
    assert said["status"] == "requires_action"
    bank = get(stripe_server, said["next"])
    assert "Complete authentication" in bank.text
    assert "save this card" in bank.text

    assert answer(stripe_server, secret, outcome)["status"] == status

    saved = api.payment_methods.list({"customer": str(setup.customer)}).data
    assert len(saved) == int(outcome == "complete")


def test_a_setup_page_opened_again_leads_to_the_bank(
    stripe_server: StripeServer, setup: stripe.SetupIntent
) -> None:
    secret = str(setup.client_secret)
    post(stripe_server, "/sheet/setup", client_secret=secret, card="pm_card_authenticationRequired")

    assert "Complete authentication" in get(stripe_server, "/sheet/setup", client_secret=secret).text


def test_a_completed_payment_succeeds_once(
    stripe_server: StripeServer, api: stripe.V1Services, asked: stripe.PaymentIntent
) -> None:
    secret = str(asked.client_secret)
    page = get(stripe_server, "/sheet/3ds", client_secret=secret)
    assert "1,234.56 EUR" in page.text

    assert answer(stripe_server, secret, "complete") == {"status": "succeeded", "intent": asked.id}
    assert answer(stripe_server, secret, "fail")["status"] == "succeeded"

    assert api.payment_intents.retrieve(asked.id).amount_received == 123456
    assert len(api.charges.list({"payment_intent": asked.id}).data) == 1


def test_a_failed_authentication_lets_another_card_be_tried(
    stripe_server: StripeServer, api: stripe.V1Services, asked: stripe.PaymentIntent
) -> None:
    said = answer(stripe_server, str(asked.client_secret), "fail")

    assert said["status"] == "failed"
    intent = api.payment_intents.retrieve(asked.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    failed = api.events.list({"type": "payment_intent.payment_failed", "limit": 5}).data
    assert asked.id in [event.data.object["id"] for event in failed]


def test_after_the_bank_the_card_may_still_decline(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    intent = api.payment_intents.create(
        TYPES
        | {
            "amount": 1000,
            "currency": "eur",
            "payment_method": "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "confirm": True,
        }
    )

    said = answer(stripe_server, str(intent.client_secret), "complete")

    assert said["status"] == "failed"
    again = api.payment_intents.retrieve(intent.id)
    assert again.last_payment_error is not None
    assert again.last_payment_error.decline_code == "insufficient_funds"


def test_a_cancelled_payment_cannot_be_completed(
    stripe_server: StripeServer, api: stripe.V1Services, asked: stripe.PaymentIntent
) -> None:
    api.payment_intents.cancel(asked.id)

    assert answer(stripe_server, str(asked.client_secret), "complete")["status"] == "canceled"
    assert api.payment_intents.retrieve(asked.id).amount_received == 0


@pytest.mark.parametrize("path", ["/sheet/setup", "/sheet/3ds"])
def test_a_wrong_secret_opens_nothing(
    stripe_server: StripeServer, setup: stripe.SetupIntent, path: str
) -> None:
    for secret in ("", "seti_none_secret_x", setup.id, f"{setup.id}_secret_guess", "<script>"):
        assert get(stripe_server, path, client_secret=secret).status_code == 404
        assert post(stripe_server, path, client_secret=secret, card="pm_card_visa").status_code == 404


def test_the_sheet_takes_only_test_cards_and_known_answers(
    stripe_server: StripeServer, setup: stripe.SetupIntent, asked: stripe.PaymentIntent
) -> None:
    secret = str(setup.client_secret)
    assert (
        post(stripe_server, "/sheet/setup", client_secret=secret, card="4242424242424242").status_code == 400
    )
    assert post(stripe_server, "/sheet/3ds", client_secret=str(asked.client_secret)).status_code == 400
    assert get(stripe_server, "/sheet/setup", client_secret=str(asked.client_secret)).status_code == 400
