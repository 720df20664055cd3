"""Connected accounts, the links to their onboarding, and who hears of them."""

from typing import Any

import pytest
import requests
import stripe

from tests.commerce.stripe_simulator.conftest import Hearer
from tests.stripe_server import StripeServer

NEW: Any = {"country": "DE", "email": "host@example.com", "capabilities": {"transfers": {"requested": True}}}


def new_link(api: stripe.V1Services, account: stripe.Account) -> str:
    """The address of an onboarding page."""
    made = api.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "http://127.0.0.1/again",
            "return_url": "http://127.0.0.1/done?x=1",
        }
    )
    assert made.expires_at - made.created == 300
    return made.url


def open_page(url: str) -> requests.Response:
    """Open it, without following where it leads."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, allow_redirects=False)


def press(server: StripeServer, page: requests.Response, outcome: str, **other: str) -> requests.Response:
    """Send the page's form."""
    fields = {
        name: page.text.partition(f'name="{name}" value="')[2].partition('"')[0]
        for name in ("link", "session")
    }
    with requests.Session() as session:
        session.trust_env = False
        data = fields | {"outcome": outcome} | other
        return session.post(f"{server.url}/sheet/onboarding", data=data, allow_redirects=False)


def test_a_new_account_can_do_nothing_and_says_what_is_missing(api: stripe.V1Services) -> None:
    account = api.accounts.create(NEW | {"type": "express", "metadata": {"host": "7"}})

    assert (account.charges_enabled, account.payouts_enabled, account.details_submitted) == (False,) * 3
    assert (account.default_currency, account.type) == ("eur", "express")
    assert account.requirements is not None
    assert "external_account" in (account.requirements.currently_due or [])
    assert account.requirements.disabled_reason == "requirements.past_due"
    assert account.capabilities is not None
    assert account.capabilities.transfers == "inactive"
    assert api.accounts.retrieve(account.id).to_dict() == account.to_dict()
    assert account.id in [one.id for one in api.accounts.list({"limit": 3}).data]


@pytest.mark.parametrize(
    ("outcome", "capability", "reason"),
    [
        ("enabled", "active", None),
        ("pending", "pending", "requirements.pending_verification"),
        ("restricted", "inactive", "requirements.past_due"),
        ("left", "inactive", "requirements.past_due"),
    ],
)
def test_the_onboarding_page_leads_back_whatever_was_given(
    stripe_server: StripeServer, api: stripe.V1Services, outcome: str, capability: str, reason: str | None
) -> None:
    account = api.accounts.create(NEW)
    page = open_page(new_link(api, account))
    assert "SIMULATED" in page.text

    gone = press(stripe_server, page, outcome)

    assert (gone.status_code, gone.headers["Location"]) == (303, "http://127.0.0.1/done?x=1")
    now = api.accounts.retrieve(account.id)
    assert now.capabilities is not None
    assert now.requirements is not None
    assert (now.capabilities.transfers, now.requirements.disabled_reason) == (capability, reason)
    assert now.payouts_enabled == (outcome == "enabled")
    assert now.details_submitted == (outcome != "left")


def test_a_link_is_good_for_one_visit_and_five_minutes(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    account = api.accounts.create(NEW)
    url = new_link(api, account)
    page = open_page(url)

    again = open_page(url)
    assert (again.status_code, again.headers["Location"]) == (303, "http://127.0.0.1/again")
    assert press(stripe_server, page, "enabled", session="guess").status_code == 404
    assert press(stripe_server, page, "rich").status_code == 400
    assert open_page(f"{stripe_server.url}/sheet/onboarding?link=none").status_code == 404
    assert not api.accounts.retrieve(account.id).details_submitted


def test_a_link_that_is_too_old_leads_to_a_fresh_one(tmp_path: Any) -> None:
    server = StripeServer()
    try:
        api = server.client().v1
        url = new_link(api, api.accounts.create(NEW))
        server.advance(301)
        assert open_page(url).headers["Location"] == "http://127.0.0.1/again"
    finally:
        server.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        {"refresh_url": "http://127.0.0.1/", "type": "account_onboarding"},
        {"refresh_url": "javascript:1", "return_url": "http://127.0.0.1/", "type": "account_onboarding"},
        {"refresh_url": "http://127.0.0.1/", "return_url": "http://127.0.0.1/", "type": "other"},
    ],
)
def test_a_link_that_leads_nowhere_is_refused(api: stripe.V1Services, wrong: Any) -> None:
    account = api.accounts.create(NEW)
    with pytest.raises(stripe.InvalidRequestError):
        api.account_links.create(wrong | {"account": account.id})


def test_only_an_endpoint_for_connected_accounts_hears_of_them(
    stripe_server: StripeServer, api: stripe.V1Services, hearer: Hearer, endpoint: stripe.WebhookEndpoint
) -> None:
    connect = api.webhook_endpoints.create({"url": hearer.url, "enabled_events": ["*"], "connect": True})
    account = api.accounts.create(NEW)

    stripe_server.account(account.id, "enabled")
    api.customers.create({})
    hearer.wait(lambda heard: len(heard) >= 2)

    told: dict[str, stripe.Event] = {}
    for body, signature in hearer.heard:
        for secret in (str(connect.secret), str(endpoint.secret)):
            try:
                event = stripe.Webhook.construct_event(body, signature, secret)
            except stripe.SignatureVerificationError:
                continue
            told[secret] = event
    api.webhook_endpoints.delete(connect.id)
    updated = told[str(connect.secret)]
    assert (updated.type, updated.account) == ("account.updated", account.id)
    assert told[str(endpoint.secret)].type == "customer.created"
    assert updated.id not in [event.id for event in api.events.list({"limit": 5}).data]
    theirs = api.events.list({"limit": 5}, {"stripe_account": account.id}).data
    assert [event.id for event in theirs] == [updated.id]


def test_an_account_that_went_away_is_none_of_ours(
    stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    account = api.accounts.create(NEW)
    stripe_server.account(account.id, "deauthorized")

    for ask in (
        lambda: api.accounts.retrieve(account.id),
        lambda: api.accounts.retrieve("acct_none"),
        lambda: api.balance.retrieve({}, {"stripe_account": account.id}),
        lambda: api.balance.retrieve({}, {"stripe_account": "acct_none"}),
    ):
        with pytest.raises(stripe.PermissionError) as caught:
            ask()
        assert caught.value.error is not None
        assert caught.value.error.code == "account_invalid"
    with pytest.raises(Exception, match="403"):
        stripe_server.account(account.id, "enabled")


def test_calls_that_are_not_simulated_for_connected_accounts_are_refused(api: stripe.V1Services) -> None:
    account = api.accounts.create(NEW)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.customers.create({}, {"stripe_account": account.id})
    assert caught.value.param == "Stripe-Account"
    assert api.accounts.retrieve_current({}, {"stripe_account": account.id}).id == account.id
    assert api.accounts.retrieve_current().id == "acct_simulated"


def test_a_rejected_account_stays_rejected(api: stripe.V1Services) -> None:
    account = api.accounts.create(NEW)
    rejected = api.accounts.reject(account.id, {"reason": "fraud_other"})
    assert rejected.requirements is not None
    assert rejected.requirements.disabled_reason == "rejected.fraud"


def test_an_empty_account_can_be_deleted(api: stripe.V1Services) -> None:
    account = api.accounts.create(NEW)
    assert api.accounts.delete(account.id).deleted
    with pytest.raises(stripe.PermissionError):
        api.accounts.retrieve(account.id)


@pytest.mark.parametrize(
    "wrong",
    [{"country": "de"}, {"type": "express", "controller": {"fees": {"payer": "account"}}}, {"bogus": "1"}],
)
def test_an_account_that_is_not_understood_is_refused(api: stripe.V1Services, wrong: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.accounts.create(wrong)
