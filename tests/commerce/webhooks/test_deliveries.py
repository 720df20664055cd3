"""Messages, deliveries and tries: once each, in order, again after a failure, and never two at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from standardwebhooks.webhooks import WebhookVerificationError

from commerce import clock, errors, ids
from commerce.models import (
    Event,
    Merchant,
    MerchantMember,
    User,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)
from commerce.webhooks import deliveries, endpoints, gauges, messages, notices, running, sending
from tests.catalog import make
from tests.commerce.webhooks.receiver import Receiver, listening

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def on_loopback(settings: Any) -> Iterator[None]:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    running.client.cache_clear()
    yield
    running.threads().close()
    running.threads.cache_clear()
    running.client.cache_clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as ours:
        yield ours


def endpoint(to: Receiver, of: Merchant | None = None, *, types: list[str] | None = None) -> WebhookEndpoint:
    seller = of or make.merchant()
    return endpoints.create(
        merchant_id=seller.pk,
        url=to.url,
        description="shop",
        event_types=types or [],
        now=datetime.now(UTC) - timedelta(days=1),
    )


def tell(to: WebhookEndpoint, n: int, *, about: str = "one", type: str = "order.opened") -> int:
    told = messages.Told(
        to.merchant_id, type, f"{type}:{about}:{n}", about, {"id": about, "n": n}, clock.database_now()
    )
    return messages.tell([told])


def secret_of(one: WebhookEndpoint) -> str:
    return endpoints.secrets(merchant_id=one.merchant_id, endpoint_id=one.id, now=NOW)[0][0]


def send() -> int:
    return running.send_due(seconds=5)


def make_due() -> None:
    WebhookDelivery.objects.filter(status="pending").update(due_at=NOW, leased_until=None)


def numbers(receiver: Receiver) -> list[int]:
    return [got.said["data"]["n"] for got in receiver.got]


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


# --- two senders, and killed ones ---


def while_the_first_is_not_committed(
    run: Callable[[], Any], first: Callable[[], Any]
) -> tuple[Any, Any, bool]:
    """Return what the first got, what another connection got meanwhile, and whether that had to wait."""
    got: list[Any] = []

    def other() -> None:
        try:
            got.append(run())
        finally:
            connection.close()

    with transaction.atomic():
        mine = first()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=1.0)
        waited = thread.is_alive()
    thread.join()
    return mine, got[0], waited


def test_two_senders_never_claim_one_try_at_once(receiver: Receiver) -> None:
    tell(endpoint(receiver), 1)

    def claim() -> list[UUID]:
        return [each.id for each in deliveries.claim(limit=5, now=NOW)]

    mine, theirs, waited = while_the_first_is_not_committed(claim, claim)

    assert (len(mine), theirs, waited) == (1, [], False)
    assert claim() == []


def test_control_without_the_lock_both_have_it(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_LOCK", "")
    tell(endpoint(receiver), 1)

    def claim() -> list[UUID]:
        try:
            return [each.id for each in deliveries.claim(limit=5, now=NOW)]
        except IntegrityError:
            return []

    mine, theirs, _ = while_the_first_is_not_committed(claim, claim)

    assert mine == theirs


def test_a_lease_that_ran_out_is_taken_over_and_the_late_outcome_changes_nothing(receiver: Receiver) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    (lost,) = deliveries.claim(limit=1, now=NOW)
    assert deliveries.claim(limit=1, now=NOW) == []
    with pytest.raises(deliveries.BeingSent):
        deliveries.retry(merchant_id=one.merchant_id, delivery_id=lost.id, now=NOW)
    WebhookDelivery.objects.update(leased_until=NOW - timedelta(seconds=1))

    (second,) = deliveries.claim(limit=1, now=NOW)

    assert (second.id, second.attempt) == (lost.id, 2)
    assert not deliveries.finish(lost, sending.Outcome(204), now=NOW)
    assert deliveries.finish(second, sending.Outcome(500), now=NOW)
    assert not deliveries.finish(second, sending.Outcome(204), now=NOW)
    assert WebhookDelivery.objects.get().status == "pending"
    # Of the one whose sender was lost it is told that nobody knows.
    assert list(WebhookAttempt.objects.order_by("id").values_list("error", "status")) == [
        ("NO_OUTCOME", None),
        ("", 500),
    ]


def test_a_slow_system_is_sent_few_at_once_and_others_do_not_wait(receiver: Receiver) -> None:
    slow = endpoint(receiver)
    with listening() as quick:
        other = endpoint(quick)
        for n in range(10):
            tell(slow, n, about=f"of slow {n}")
        tell(other, 1)

        claimed = deliveries.claim(limit=50, now=NOW)

    urls = [each.url for each in claimed]
    assert (urls.count(slow.url), urls.count(other.url)) == (deliveries.AT_ONCE, 1)
    assert deliveries.claim(limit=50, now=NOW) == []


def test_a_merchant_with_many_slow_endpoints_takes_no_more_than_its_part(receiver: Receiver) -> None:
    seller = make.merchant()
    for n in range(5):
        tell(endpoint(receiver, seller), n, about=f"object {n}")
    other = endpoint(receiver)
    tell(other, 1)

    claimed = {each.id for each in deliveries.claim(limit=50, now=NOW)}

    rows = WebhookDelivery.objects.filter(pk__in=claimed)
    assert rows.filter(merchant=seller).count() == deliveries.AT_ONCE_OF_MERCHANT
    assert rows.filter(endpoint=other).count() == 1
    assert deliveries.claim(limit=50, now=NOW) == []


def test_two_who_tell_how_it_stands_tell_it_once(receiver: Receiver) -> None:
    one = endpoint(receiver)

    def stands() -> int:
        data = {"variant": "v", "available": 5}
        told = messages.Told(
            one.merchant_id, "stock.changed", f"{ids.new()}", "v", data, clock.database_now()
        )
        return messages.tell_newest(told, same="available", delay=timedelta(0))

    # Without the lock on the object the other one would find nothing told, and not wait.
    assert while_the_first_is_not_committed(stands, stands) == (1, 0, True)


def test_two_who_add_the_last_endpoint_do_not_both(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 1)
    seller = make.merchant()

    def add() -> str:
        try:
            endpoint(receiver, seller)
        except endpoints.TooManyEndpoints as refusal:
            return refusal.code
        return "added"

    # Without the lock on the merchant the other one would count none, and not wait.
    found = while_the_first_is_not_committed(add, add)
    assert found == ("added", "TOO_MANY_WEBHOOK_ENDPOINTS", True)


def test_it_is_seen_how_long_the_longest_due_has_waited(receiver: Receiver) -> None:
    assert deliveries.oldest_seconds() == 0.0
    one = endpoint(receiver)
    tell(one, 1)
    WebhookDelivery.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=90))

    assert 90 <= deliveries.oldest_seconds() < 150
    (shown,) = gauges.Waiting().collect()
    assert shown.samples[0].value >= 90
    deliveries.claim(limit=1, now=NOW)
    assert deliveries.oldest_seconds() == 0.0


# --- walls ---


@pytest.mark.parametrize("table", ["webhooksecret", "webhookdelivery", "webhookattempt"])
def test_a_row_cannot_name_another_merchants(receiver: Receiver, table: str) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    send()
    other = make.merchant()

    with pytest.raises(IntegrityError, match="same_merchant"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE commerce_{table} SET merchant_id = %s", [other.pk])


@pytest.mark.parametrize(
    "call",
    [
        lambda who, one, row: endpoints.one_of_merchant(merchant_id=who, endpoint_id=one),
        lambda who, one, row: endpoints.change(merchant_id=who, endpoint_id=one, now=NOW, description="x"),
        lambda who, one, row: endpoints.remove(merchant_id=who, endpoint_id=one, now=NOW),
        lambda who, one, row: endpoints.secrets(merchant_id=who, endpoint_id=one, now=NOW),
        lambda who, one, row: endpoints.test(merchant_id=who, endpoint_id=one, now=NOW),
        lambda who, one, row: endpoints.rotate(
            merchant_id=who, endpoint_id=one, overlap=timedelta(0), now=NOW
        ),
        lambda who, one, row: endpoints.replay(
            merchant_id=who, endpoint_id=one, since=NOW, delivered=True, now=NOW
        ),
        lambda who, one, row: deliveries.retry(merchant_id=who, delivery_id=row, now=NOW),
    ],
)
def test_another_merchants_are_unknown(receiver: Receiver, call: Callable[..., Any]) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    before = list(WebhookEndpoint.objects.values())

    with pytest.raises(errors.NotFound):
        call(make.merchant().pk, one.id, WebhookDelivery.objects.get().id)

    assert list(WebhookEndpoint.objects.values()) == before


def test_a_merchant_has_a_limited_number(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 1)
    seller = make.merchant()
    endpoint(receiver, seller)

    with pytest.raises(endpoints.TooManyEndpoints):
        endpoint(receiver, seller)
    endpoint(receiver)


def test_an_endpoint_off_needs_a_reason(receiver: Receiver) -> None:
    one = endpoint(receiver)

    with pytest.raises(IntegrityError):
        WebhookEndpoint.objects.filter(pk=one.pk).update(enabled=False)
