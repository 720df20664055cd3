import threading
import time
from typing import Any

import pytest
import redis
from celery import Celery
from django.db import connection, transaction
from django.db.models.functions import Now
from redis.backoff import NoBackoff
from redis.retry import Retry

from commerce import outbox
from commerce.models import Event
from commerce.relay import Relay
from config.embedded import free_port

pytestmark = pytest.mark.django_db(transaction=True)

heard: list[tuple[str, dict[str, Any]]] = []


def hear(payload: dict[str, Any], *, key: str) -> None:
    heard.append((key, payload))


def refuse(payload: dict[str, Any], *, key: str) -> None:
    raise ConnectionError("nobody home")


def publish(payload: dict[str, Any], *, key: str) -> None:
    redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0)).publish("nobody", key)


def ring(payload: dict[str, Any], *, key: str) -> None:
    # Not as the current app, or every task of this run would ring there.
    app = Celery("unheard", broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False)
    app.send_task("a.task", retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0})


@pytest.fixture(autouse=True)
def fresh_ears() -> None:
    heard.clear()


def record(name: str, key: str) -> None:
    with transaction.atomic():
        outbox.record(name=name, payload={"key": key}, key=key)


def test_every_hearer_of_an_event_is_told_in_order() -> None:
    record("a.happened", "k1")
    record("a.happened", "k2")

    Relay({"a.happened": [f"{__name__}.hear", f"{__name__}.hear"]}).deliver_due()

    assert [key for key, _ in heard] == ["k1", "k1", "k2", "k2"]
    assert not Event.objects.filter(delivered_at=None).exists()


def test_a_failing_hearer_does_not_stop_other_events() -> None:
    record("a.refused", "k1")
    record("a.happened", "k2")

    Relay({"a.refused": [f"{__name__}.refuse"], "a.happened": [f"{__name__}.hear"]}).deliver_due()

    assert [key for key, _ in heard] == ["k2"]
    failed = Event.objects.get(key="k1")
    assert failed.delivered_at is None
    assert "nobody home" in failed.error


@pytest.mark.parametrize("broker", [False, True], ids=["Redis", "Celery's broker"])
def test_an_outage_of_any_length_quarantines_nothing(broker: bool) -> None:
    record("a.told", "k1")
    relay = Relay({"a.told": [f"{__name__}.{'ring' if broker else 'publish'}"]})

    for _ in range(outbox.MAX_ATTEMPTS + 1):
        Event.objects.update(due_at=Now())
        assert relay.deliver_due() == 1

    event = Event.objects.get()
    assert event.quarantined_at is None
    assert event.attempts == 0
    assert "onnect" in event.error


def test_an_event_without_a_subscription_is_kept_and_says_so() -> None:
    record("a.unheard", "k1")

    Relay({}).deliver_due()

    assert "no subscription" in Event.objects.get(key="k1").error


def test_a_running_relay_is_woken_by_the_commit_and_survives_a_lost_connection() -> None:
    stop = threading.Event()

    def run() -> None:
        try:
            Relay({"a.happened": [f"{__name__}.hear"]}).run(stop.is_set)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        record("a.happened", "k1")
        wait_until(lambda: len(heard) == 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        record("a.happened", "k2")
        wait_until(lambda: len(heard) == 2)
    finally:
        stop.set()
        thread.join(10)

    assert [key for key, _ in heard] == ["k1", "k2"]


def wait_until(true: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
