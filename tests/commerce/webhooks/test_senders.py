"""Several senders, and killed ones: nothing is sent by two at once, and slow systems hold up nobody."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import clock, ids
from commerce.models import (
    WebhookAttempt,
    WebhookDelivery,
)
from commerce.webhooks import deliveries, endpoints, gauges, messages, sending
from tests.catalog import make
from tests.commerce.webhooks.receiver import Receiver, listening
from tests.commerce.webhooks.sent import NOW, endpoint, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_loopback")]


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


def test_slow_endpoints_of_a_merchant_leave_the_next_place_to_one_that_answers(receiver: Receiver) -> None:
    seller = make.merchant()
    slow = [endpoint(receiver, seller) for _ in range(2)]
    for n in range(8):
        tell(slow[0], n, about=f"object {n}")
    hanging = deliveries.claim(limit=50, now=NOW)
    assert len(hanging) == deliveries.AT_ONCE_OF_MERCHANT
    with listening() as quick:
        other = endpoint(quick, seller, types=["order.shipped"])
        for n in range(3):
            about = f"later {n}"
            told = messages.Told(seller.id, "order.shipped", about, about, {}, clock.database_now())
            messages.tell([told])
        for each in hanging[:2]:
            assert deliveries.finish(each, sending.Outcome(None, "TIMEOUT"), now=clock.database_now())

        claimed = {each.id for each in deliveries.claim(limit=50, now=NOW)}

    assert WebhookDelivery.objects.filter(pk__in=claimed, endpoint=other).count() == len(claimed) == 2


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
