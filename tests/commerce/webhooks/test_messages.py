"""Messages: each told once, signed so that the official library verifies it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from standardwebhooks.webhooks import WebhookVerificationError

from commerce import clock, ids
from commerce.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)
from commerce.webhooks import endpoints, messages
from tests.catalog import make
from tests.commerce.webhooks.receiver import Receiver
from tests.commerce.webhooks.sent import NOW, endpoint, secret_of, send, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_loopback")]

# --- what is sent ---


def test_a_message_is_verified_by_the_official_library(receiver: Receiver) -> None:
    one = endpoint(receiver)
    tell(one, 1)

    assert send() == 1

    (got,) = receiver.got
    said = got.verified(secret_of(one))
    assert (said["type"], said["object"], said["data"]) == ("order.opened", "one", {"id": "one", "n": 1})
    assert datetime.fromisoformat(said["timestamp"]).tzinfo is not None
    assert got.path == "/hooks?for=shop"
    assert got.headers["content-type"] == "application/json"
    assert got.id == WebhookMessage.objects.get().public_id
    row = WebhookDelivery.objects.get()
    assert (row.status, row.attempts, row.last_status, row.leased_until) == ("delivered", 1, 204, None)
    assert WebhookAttempt.objects.get().status == 204


def test_control_a_changed_body_or_another_secret_is_not_verified(receiver: Receiver) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    send()

    (got,) = receiver.got
    with pytest.raises(WebhookVerificationError):
        got.verified("whsec_" + "A" * 44)
    with pytest.raises(WebhookVerificationError):
        type(got)(got.path, got.headers, got.body + b" ").verified(secret_of(one))


def test_both_secrets_sign_while_both_are_valid_and_one_afterwards(receiver: Receiver) -> None:
    one = endpoint(receiver)
    old = secret_of(one)
    whose: dict[str, Any] = {"merchant_id": one.merchant_id, "endpoint_id": one.id}
    endpoints.rotate(**whose, overlap=timedelta(hours=1), now=datetime.now(UTC))
    new, _ = (text for text, _ in endpoints.secrets(**whose, now=datetime.now(UTC)))
    tell(one, 1)
    send()

    (got,) = receiver.got
    assert len(got.headers["webhook-signature"].split()) == 2
    assert got.verified(old) == got.verified(new)
    assert new != old

    WebhookSecret.objects.exclude(valid_until=None).update(valid_until=datetime.now(UTC))
    tell(one, 2)
    send()

    got = receiver.got[1]
    assert got.verified(new)
    with pytest.raises(WebhookVerificationError):
        got.verified(old)


def test_there_are_two_secrets_at_most_and_one_of_them_is_current(receiver: Receiver) -> None:
    one = endpoint(receiver)
    whose: dict[str, Any] = {"merchant_id": one.merchant_id, "endpoint_id": one.id}
    for _ in range(3):
        endpoints.rotate(**whose, overlap=timedelta(days=100), now=NOW)

    assert [each.valid_until for _, each in endpoints.secrets(**whose, now=NOW)] == [
        None,
        NOW + endpoints.MOST_OVERLAP,
    ]
    with pytest.raises(IntegrityError):
        WebhookSecret.objects.create(merchant_id=one.merchant_id, endpoint=one, key="x", created_at=NOW)


def test_nothing_in_the_database_is_a_secret(receiver: Receiver, settings: Any) -> None:
    one = endpoint(receiver)
    secret = secret_of(one)
    tell(one, 1)
    send()

    kept = [str(list(rows.values())) for rows in (WebhookSecret.objects, WebhookMessage.objects)]
    kept += [str(list(WebhookAttempt.objects.values())), str(list(WebhookEndpoint.objects.values()))]
    assert not [
        text for text in kept if secret.removeprefix("whsec_") in text or settings.WEBHOOK_KEYS[0] in text
    ]

    # Another key of ours, and the rows are worth nothing; with the old one behind it, all goes on.
    settings.WEBHOOK_KEYS = ["another", *settings.WEBHOOK_KEYS]
    assert secret_of(one) == secret
    settings.WEBHOOK_KEYS = ["another"]
    tell(one, 2)
    send()
    assert (len(receiver.got), WebhookDelivery.objects.get(status="pending").last_error) == (1, "NO_KEY")


# --- once ---


def test_what_was_told_is_not_told_again(receiver: Receiver) -> None:
    one = endpoint(receiver)

    assert [tell(one, 1), tell(one, 1), tell(one, 2)] == [1, 0, 1]

    assert WebhookMessage.objects.count() == 2
    with pytest.raises(IntegrityError):
        WebhookMessage.objects.create(
            merchant_id=one.merchant_id, public_id="x", key="order.opened:one:1", occurred_at=NOW
        )
    row = WebhookDelivery.objects.first()
    assert row is not None
    row.pk = ids.new()
    with pytest.raises(IntegrityError):
        row.save(force_insert=True)


def test_an_endpoint_hears_what_it_chose_and_what_came_after_it(receiver: Receiver) -> None:
    seller = make.merchant()
    some = endpoint(receiver, seller, types=["order.shipped"])
    every = endpoint(receiver, seller)
    before = messages.Told(seller.pk, "order.opened", "old", "one", {}, datetime.now(UTC) - timedelta(days=2))

    assert messages.tell([before]) == 0
    assert tell(every, 1) == 1
    assert tell(every, 1, type="order.shipped") == 2
    assert not WebhookMessage.objects.filter(key="old").exists()
    types = WebhookDelivery.objects.filter(endpoint=some).values_list("message__type", flat=True)
    assert list(types) == ["order.shipped"]
    assert messages.asked_for(merchant_ids=[seller.pk], families=["order."]) == {seller.pk}
    endpoints.remove(merchant_id=seller.pk, endpoint_id=every.id, now=NOW)
    assert messages.asked_for(merchant_ids=[seller.pk], families=["stock."]) == set()


def test_a_number_that_changes_often_is_one_message_until_it_is_sent(receiver: Receiver) -> None:
    one = endpoint(receiver)

    def stock(left: int) -> int:
        data = {"variant": "v", "available": left}
        key = f"stock.changed:{ids.new()}"
        told = messages.Told(one.merchant_id, "stock.changed", key, "v", data, clock.database_now())
        return messages.tell_newest(told, same="available", delay=timedelta(0))

    assert [stock(5), stock(4), stock(4), stock(3)] == [1, 0, 0, 0]
    send()
    assert [got.said["data"]["available"] for got in receiver.got] == [3]
    assert [stock(3), stock(2), stock(1)] == [0, 1, 0]
    tell(one, 1, about="v", type="stock.sold_out")
    # What was told since would come before this one.
    assert [stock(0), stock(7)] == [1, 0]
    send()
    assert [got.said["data"].get("available") for got in receiver.got] == [3, 1, None, 7]
