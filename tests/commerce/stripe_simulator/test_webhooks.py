"""Webhooks: signed so that the official library believes them, tried again, and misbehaving on request."""

import json
import random
from typing import Any

import pytest
import stripe

from tests.commerce.stripe_simulator.conftest import Hearer
from tests.stripe_server import StripeServer

PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}


def types(heard: list[tuple[bytes, str]]) -> list[str]:
    """The event types in the order they were heard."""
    return [json.loads(body)["type"] for body, _ in heard]


def test_a_payment_is_told_with_a_signature_that_verifies(
    api: stripe.V1Services, hearer: Hearer, endpoint: stripe.WebhookEndpoint
) -> None:
    paid = api.payment_intents.create(PAID, {"idempotency_key": endpoint.id})

    hearer.wait(lambda heard: len(heard) == 3)

    assert set(types(hearer.heard)) == {
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    }
    assert endpoint.secret is not None
    for body, signature in hearer.heard:
        event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
        assert event.livemode is False
        assert event.api_version == stripe.api_version
        assert event.request is not None
        assert event.request.idempotency_key == endpoint.id
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, "whsec_other")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(
                body.replace(b"1000", b"1001", 1) + b" ", signature, endpoint.secret
            )
        assert api.events.retrieve(event.id).type == event.type
    succeeded = next(json.loads(b) for b, _ in hearer.heard if b"payment_intent.succeeded" in b)
    assert succeeded["data"]["object"]["id"] == paid.id
    assert succeeded["data"]["object"]["status"] == "succeeded"


def test_an_event_keeps_the_object_as_it_was_then(api: stripe.V1Services, customer: stripe.Customer) -> None:
    api.customers.update(customer.id, {"name": "Later"})

    created = next(
        event
        for event in api.events.list({"type": "customer.created", "limit": 100}).data
        if event.data.object["id"] == customer.id
    )

    assert created.data.object["name"] == "Ana"


def test_a_refused_webhook_comes_again(
    api: stripe.V1Services, hearer: Hearer, endpoint: stripe.WebhookEndpoint
) -> None:
    hearer.answers = [500, 302]

    customer = api.customers.create({})
    hearer.wait(lambda heard: len(heard) == 3)

    assert len({json.loads(body)["id"] for body, _ in hearer.heard}) == 1
    event = json.loads(hearer.heard[0][0])
    assert event["data"]["object"]["id"] == customer.id


def test_what_the_command_line_names_is_sent_and_nothing_else(hearer: Hearer) -> None:
    server = StripeServer(webhook=(hearer.url, "whsec_here"), events=["charge.refunded", "refund.created"])
    try:
        api = server.client().v1
        api.refunds.create({"payment_intent": api.payment_intents.create(PAID).id})
        hearer.wait(lambda heard: len(heard) == 2)
        (endpoint,) = api.webhook_endpoints.list().data
    finally:
        server.stop()

    assert set(types(hearer.heard)) == {"charge.refunded", "refund.created"}
    assert list(endpoint.enabled_events) == ["charge.refunded", "refund.created"]


def test_only_the_chosen_events_are_sent(api: stripe.V1Services, hearer: Hearer) -> None:
    made = api.webhook_endpoints.create({"url": hearer.url, "enabled_events": ["charge.refunded"]})
    paid = api.payment_intents.create(PAID)
    api.refunds.create({"payment_intent": paid.id})

    hearer.wait(lambda heard: len(heard) == 1)
    api.webhook_endpoints.update(made.id, {"disabled": True})
    api.refunds.create({"payment_intent": api.payment_intents.create(PAID).id})
    api.webhook_endpoints.update(made.id, {"disabled": False, "enabled_events": ["refund.created"]})
    api.refunds.create({"payment_intent": api.payment_intents.create(PAID).id})
    hearer.wait(lambda heard: len(heard) == 2)

    assert types(hearer.heard) == ["charge.refunded", "refund.created"]
    assert made.id in [one.id for one in api.webhook_endpoints.list().data]
    api.webhook_endpoints.delete(made.id)
    with pytest.raises(stripe.InvalidRequestError):
        api.webhook_endpoints.retrieve(made.id)


def test_swallowed_webhooks_are_found_in_the_event_log(
    stripe_server: StripeServer, api: stripe.V1Services, hearer: Hearer, endpoint: stripe.WebhookEndpoint
) -> None:
    stripe_server.webhooks(deliver=False)
    lost = api.customers.create({}).id
    stripe_server.webhooks(deliver=True)
    heard = api.customers.create({}).id

    hearer.wait(lambda all_: any(heard.encode() in body for body, _ in all_))

    def undelivered() -> set[str]:
        found = api.events.list({"delivery_success": False, "type": "customer.created", "limit": 100})
        return {event.data.object["id"] for event in found.data}

    assert lost in undelivered()
    assert not any(lost.encode() in body for body, _ in hearer.heard)


def test_webhooks_are_doubled_and_shuffled_on_request(
    stripe_server: StripeServer, api: stripe.V1Services, hearer: Hearer, endpoint: stripe.WebhookEndpoint
) -> None:
    stripe_server.webhooks(copies=2, shuffle_ms=300)

    made = [api.customers.create({}).id for _ in range(10)]
    hearer.wait(lambda heard: len(heard) == 20)

    order = [json.loads(body)["data"]["object"]["id"] for body, _ in hearer.heard]
    assert sorted(order) == sorted(made * 2)
    assert order != sorted(order, key=made.index)


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "ftp://127.0.0.1/", "nonsense", "http://10.0.0.1/"]
)
def test_webhooks_go_to_this_machine_only(api: stripe.V1Services, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})

    assert caught.value.param == "url"


def test_events_are_listed_by_type_and_time(api: stripe.V1Services, customer: stripe.Customer) -> None:
    api.payment_intents.create(PAID)
    found = api.events.list({"type": "payment_intent.*", "limit": 5}).data
    assert {event.type.partition(".")[0] for event in found} == {"payment_intent"}
    several = api.events.list({"types": ["charge.succeeded", "payment_intent.created"], "limit": 5}).data
    assert {event.type for event in several} <= {"charge.succeeded", "payment_intent.created"}
    assert api.events.list({"created": {"gt": customer.created + 3600}}).data == []
    assert api.events.list({"created": {"gte": customer.created}, "limit": 1}).data
    with pytest.raises(stripe.InvalidRequestError):
        api.events.list({"type": "charge.succeeded", "types": ["charge.failed"]})


def test_a_share_of_webhooks_is_lost_and_the_log_has_them_all(
    stripe_server: StripeServer, api: stripe.V1Services, hearer: Hearer, endpoint: stripe.WebhookEndpoint
) -> None:
    chance = random.Random(11)
    expected = [chance.random() < 0.5 for _ in range(20)]
    made: list[str] = []

    for row in range(2):
        before = len(hearer.heard)
        stripe_server.webhooks(lost=0.5, seed=11)
        made = [api.customers.create({}).id for _ in range(20)]
        stripe_server.webhooks(lost=0)
        end = api.customers.create({}).id
        hearer.wait(lambda heard: len(heard) >= before + expected.count(False) + 1)  # noqa: B023
        heard = {json.loads(body)["data"]["object"]["id"] for body, _ in hearer.heard[before:]}
        kept = [one for one, lost in zip(made, expected, strict=True) if not lost]
        assert heard == {*kept, end}, f"row {row}: the same seed loses the same events"

    unsent = api.events.list({"delivery_success": False, "type": "customer.created", "limit": 100}).data
    lost_ids = {one for one, lost in zip(made, expected, strict=True) if lost}
    assert lost_ids <= {event.data.object["id"] for event in unsent}


@pytest.mark.parametrize("habit", [{"lost": 1.5}, {"lost": "x"}, {"seed": -1}, {"bogus": 1}])
def test_a_habit_that_is_not_understood_is_refused(stripe_server: StripeServer, habit: Any) -> None:
    with pytest.raises(Exception, match="400"):
        stripe_server.ask("/_simulator/webhooks", habit)
