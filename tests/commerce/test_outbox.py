import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from commerce import outbox
from commerce.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def record(key: str) -> None:
    with transaction.atomic():
        outbox.record(name="thing.happened", payload={"n": 1}, key=key)


def make_due() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE commerce_event SET due_at = now() - interval '1 second'")


def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(outbox.OutsideTransaction):
        outbox.record(name="thing.happened", payload={})


def test_an_event_goes_away_with_the_transaction_that_failed() -> None:
    def fail() -> None:
        with transaction.atomic():
            outbox.record(name="thing.happened", payload={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not Event.objects.exists()


def test_the_same_key_is_recorded_once() -> None:
    record("k1")
    record("k1")

    assert Event.objects.count() == 1


def test_a_claimed_event_is_not_claimed_again_until_its_claim_runs_out() -> None:
    record("k1")

    assert [event.key for event in outbox.claim(limit=10)] == ["k1"]
    assert outbox.claim(limit=10) == []

    make_due()
    assert [event.attempts for event in outbox.claim(limit=10)] == [2]


def test_a_delivered_event_never_comes_back() -> None:
    record("k1")

    outbox.delivered(outbox.claim(limit=10))
    make_due()

    assert outbox.claim(limit=10) == []


def test_two_relays_never_claim_the_same_event() -> None:
    for n in range(60):
        record(f"k{n}")
    barrier = threading.Barrier(3)
    claimed: list[str] = []

    def take() -> None:
        try:
            barrier.wait(5)
            while events := outbox.claim(limit=7):
                claimed.extend(event.key for event in events)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(claimed) == sorted(f"k{n}" for n in range(60))


def test_a_failing_event_backs_off_and_ends_in_quarantine_until_it_is_released() -> None:
    record("k1")
    for attempt in range(1, outbox.MAX_ATTEMPTS + 1):
        make_due()
        (event,) = outbox.claim(limit=1)
        assert event.attempts == attempt
        outbox.failed(event, "boom")
    make_due()

    assert outbox.claim(limit=1) == []
    row = Event.objects.get()
    assert row.quarantined_at is not None
    assert row.error == "boom"

    assert outbox.release(event_id=row.id, now=datetime.now(UTC))
    make_due()
    assert [event.attempts for event in outbox.claim(limit=1)] == [1]


def test_an_event_that_commits_late_is_still_delivered() -> None:
    """Ids do not commit in order: the later one comes first, the earlier one must not be stepped over."""
    started, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                outbox.record(name="thing.happened", payload={}, key="slow")
                started.set()
                may_commit.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert started.wait(10)
    record("fast")
    first = outbox.claim(limit=10)
    outbox.delivered(first)
    may_commit.set()
    thread.join(10)
    second = outbox.claim(limit=10)

    assert [event.key for event in first] == ["fast"]
    assert [event.key for event in second] == ["slow"]
    assert second[0].id < first[0].id
