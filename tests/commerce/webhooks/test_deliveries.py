"""Deliveries: in order, again after a failure, off and on, and sent again by hand."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.core import mail

from commerce.models import (
    Event,
    MerchantMember,
    User,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)
from commerce.webhooks import deliveries, endpoints, notices, running
from tests.catalog import make
from tests.commerce.webhooks.receiver import Receiver, listening
from tests.commerce.webhooks.sent import NOW, endpoint, make_due, numbers, secret_of, send, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_loopback")]

# --- order, and again ---


def test_messages_about_one_object_are_sent_in_order_while_others_go_on(receiver: Receiver) -> None:
    receiver.status = lambda got: 500 if got.said["data"]["n"] == 1 else 204
    one = endpoint(receiver)
    for n in (1, 2, 3):
        tell(one, n)
    tell(one, 10, about="another")

    send()

    assert sorted(numbers(receiver)) == [1, 10]
    receiver.status = 204
    make_due()
    send()
    assert [n for n in numbers(receiver) if n < 10] == [1, 1, 2, 3]
    first = [got.id for got in receiver.got if got.said["data"]["n"] == 1]
    assert len(set(first)) == 1
    assert not WebhookDelivery.objects.exclude(status="delivered").exists()


def test_what_becomes_due_while_a_sender_looks_is_sent_by_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, claim = endpoint(receiver), deliveries.claim
    for n in (1, 2):
        tell(one, n)

    def looks_until_the_first_is_delivered(**more: Any) -> list[deliveries.Claimed]:
        claimed = claim(**more)
        until = time.monotonic() + 10
        while not WebhookDelivery.objects.filter(status="delivered").exists() and not claimed:
            assert time.monotonic() < until
            time.sleep(0.01)  # Another thread delivers it.
        return claimed

    monkeypatch.setattr(deliveries, "claim", looks_until_the_first_is_delivered)

    send()

    assert numbers(receiver) == [1, 2]


def test_what_waits_behind_a_failure_is_due_with_it_and_goes_right_behind_it(receiver: Receiver) -> None:
    receiver.status = 500
    one = endpoint(receiver)
    tell(one, 1)
    tell(one, 2)
    send()
    first, second = WebhookDelivery.objects.order_by("message_id")
    assert (second.due_at, second.attempts) == (first.due_at, 0)
    assert first.due_at > datetime.now(UTC)

    receiver.status = 204
    WebhookDelivery.objects.filter(pk=first.pk).update(due_at=NOW)
    send()

    assert numbers(receiver) == [1, 1, 2]


def test_an_endpoint_that_fails_holds_up_no_other(receiver: Receiver) -> None:
    seller = make.merchant()
    with listening(status=500) as failing:
        endpoint(failing, seller)
        one = endpoint(receiver, seller)
        tell(one, 1)
        tell(one, 2)
        send()

    assert numbers(receiver) == [1, 2]
    assert numbers(failing) == [1]


def test_failures_are_tried_again_as_the_standard_says_and_then_given_up(receiver: Receiver) -> None:
    receiver.status, receiver.answer = 500, b"no\x00 \xff"
    one = endpoint(receiver)
    tell(one, 1)
    tell(one, 2)
    waits = []
    for _ in range(len(deliveries.BACK_OFF) + 1):
        make_due()
        claimed = deliveries.claim(limit=5, now=NOW)
        assert [each.body for each in claimed] == [WebhookMessage.objects.order_by("id")[0].body]
        running.send_one(claimed[0], clock=lambda: NOW, by=running.client())
        waits.append(WebhookDelivery.objects.get(pk=claimed[0].id).due_at - NOW)

    assert len(receiver.got) == 10
    for wait, told in zip(waits, deliveries.BACK_OFF, strict=False):
        assert told <= wait <= told * 1.2
    assert [told.total_seconds() for told in deliveries.BACK_OFF][:3] == [5, 300, 1800]
    first = WebhookDelivery.objects.order_by("message_id")[0]
    assert (first.status, first.attempts) == ("failed", 10)
    assert WebhookAttempt.objects.order_by("id")[0].answer == "no \ufffd"
    # Given up, it holds up the next one no longer.
    assert [orjson.loads(each.body)["data"]["n"] for each in deliveries.claim(limit=5, now=NOW)] == [2]


@pytest.mark.parametrize(("asked", "least"), [("7200", 7_200), ("999999999", 86_400), ("1", 5)])
def test_retry_after_is_honoured_for_a_day_at_most(receiver: Receiver, asked: str, least: float) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": asked}
    tell(endpoint(receiver), 1)

    send()

    wait = (WebhookDelivery.objects.get().due_at - datetime.now(UTC)).total_seconds()
    assert least - 5 < wait <= least * 1.2 + 1


# --- off and on ---


def test_410_turns_the_endpoint_off_and_its_merchant_is_told(receiver: Receiver) -> None:
    receiver.status = 410
    seller = make.merchant()
    user = User.objects.create_user("owner@example.com", "x", name="Owner")
    MerchantMember.objects.create(merchant=seller, user=user, role="owner")
    gone = endpoint(receiver, seller)
    with listening() as other:
        endpoint(other, seller, types=["endpoint.disabled"])
        tell(gone, 1)
        send()
        send()

        gone.refresh_from_db()
        assert (gone.enabled, gone.off_reason) == (False, "gone")
        assert (
            WebhookDelivery.objects.filter(endpoint=gone, message__type="order.opened").get().status
            == "failed"
        )
        (told,) = other.got
        assert told.said["data"] == {"id": str(gone.id), "description": "shop", "reason": "gone"}
        assert not WebhookDelivery.objects.filter(endpoint=gone, message__type="endpoint.disabled").exists()
    assert Event.objects.filter(name="webhook.endpoint_off").count() == 1

    assert notices.endpoint_off(endpoint_id=gone.id) == 1
    (letter,) = mail.outbox
    assert letter.to == ["owner@example.com"]
    assert str(gone.id) in letter.body
    assert receiver.url not in letter.body


def test_days_of_failures_turn_it_off_and_a_success_between_them_does_not(
    receiver: Receiver, settings: Any
) -> None:
    receiver.status = 500
    one = endpoint(receiver)
    tell(one, 1)

    def after(days: float) -> WebhookEndpoint:
        make_due()
        (claimed,) = deliveries.claim(limit=1, now=NOW)
        at = NOW + timedelta(days=days)
        running.send_one(claimed, clock=lambda: at, by=running.client())
        one.refresh_from_db()
        return one

    assert after(0).failing_since == NOW
    assert after(settings.WEBHOOK_DISABLE_DAYS - 0.1).enabled
    receiver.status = 204
    assert after(settings.WEBHOOK_DISABLE_DAYS - 0.05).failing_since is None
    tell(one, 2)
    receiver.status = 500
    assert after(settings.WEBHOOK_DISABLE_DAYS + 1).enabled
    assert not after(2 * settings.WEBHOOK_DISABLE_DAYS + 1).enabled
    assert one.off_reason == "failing"


def test_what_happens_while_it_is_off_waits_and_is_sent_in_order(receiver: Receiver) -> None:
    one = endpoint(receiver)
    whose: dict[str, Any] = {"merchant_id": one.merchant_id, "endpoint_id": one.id, "now": NOW}
    endpoints.change(**whose, enabled=False)
    tell(one, 1)
    tell(one, 2)
    send()
    assert not receiver.got
    with pytest.raises(endpoints.EndpointOff):
        endpoints.test(**whose)

    endpoints.change(**whose, enabled=True)
    send()

    assert numbers(receiver) == [1, 2]


def test_a_removed_endpoint_hears_nothing_more(receiver: Receiver) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    endpoints.remove(merchant_id=one.merchant_id, endpoint_id=one.id, now=NOW)
    tell(one, 2)

    assert send() == 0
    assert not receiver.got
    assert not WebhookSecret.objects.exists()
    with pytest.raises(endpoints.UnknownEndpoint):
        endpoints.one_of_merchant(merchant_id=one.merchant_id, endpoint_id=one.id)


# --- by hand ---


def test_one_is_sent_again_and_all_since_a_moment_are(receiver: Receiver) -> None:
    receiver.status = 500
    one = endpoint(receiver)
    whose: dict[str, Any] = {"merchant_id": one.merchant_id, "endpoint_id": one.id, "now": datetime.now(UTC)}
    tell(one, 1)
    tell(one, 5, about="another")
    send()
    receiver.status = 204
    first = WebhookDelivery.objects.order_by("message_id")[0]

    deliveries.retry(merchant_id=one.merchant_id, delivery_id=first.id, now=datetime.now(UTC))
    send()
    assert sorted(numbers(receiver)) == [1, 1, 5]
    first.refresh_from_db()
    assert (first.status, first.attempts, first.tried) == ("delivered", 2, 1)

    hour_ago = NOW - timedelta(hours=1)
    assert endpoints.replay(**whose, since=hour_ago, delivered=False) == 1
    send()
    assert sorted(numbers(receiver)) == [1, 1, 5, 5]
    assert endpoints.replay(**whose, since=hour_ago, delivered=True) == 2
    assert endpoints.replay(**whose, since=datetime.now(UTC) + timedelta(hours=1), delivered=True) == 0
    send()
    assert sorted(numbers(receiver)) == [1, 1, 1, 5, 5, 5]


def test_the_test_button_sends_whatever_types_were_chosen(receiver: Receiver) -> None:
    one = endpoint(receiver, types=["order.shipped"])

    row = endpoints.test(merchant_id=one.merchant_id, endpoint_id=one.id, now=NOW)
    send()

    assert receiver.got[0].verified(secret_of(one))["type"] == "webhook.test"
    row.refresh_from_db()
    assert row.status == "delivered"


def test_old_messages_go_with_their_deliveries(receiver: Receiver) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    send()
    tell(one, 2)
    WebhookMessage.objects.filter(key__endswith=":1").update(created_at=NOW - timedelta(days=40))

    assert deliveries.prune(before=NOW - timedelta(days=30), limit=100) == 1

    assert [row.key for row in WebhookMessage.objects.all()] == ["order.opened:one:2"]
    assert (WebhookDelivery.objects.count(), WebhookAttempt.objects.count()) == (1, 0)
