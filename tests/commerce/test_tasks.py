from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from commerce import tasks
from commerce.models import Event, IdempotencyKey
from config.celery import TIMETABLE

pytestmark = pytest.mark.django_db


def event(key: str, *, days: int, told: bool = True) -> None:
    then = timezone.now() - timedelta(days=days)
    Event.objects.create(name="a.told", key=key, payload={}, delivered_at=then if told else None)


def used(key: str, *, hours: int) -> None:
    IdempotencyKey.objects.create(caller="user:1", key=key, fingerprint="", status=200, reply="{}")
    IdempotencyKey.objects.filter(key=key).update(created_at=timezone.now() - timedelta(hours=hours))


def test_told_events_and_used_keys_go_when_their_time_is_over() -> None:
    event("long told", days=31)
    event("told", days=29)
    event("never told", days=400, told=False)
    used("old", hours=24 * 8)
    used("promised", hours=24)

    assert tasks.prune() == {"events": 1, "keys": 1, "webhooks": 0}
    assert set(Event.objects.values_list("key", flat=True)) == {"told", "never told"}
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["promised"]
    assert "commerce.prune" in {each["task"] for each in TIMETABLE.values()}


def test_no_more_goes_at_once_than_a_transaction_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PRUNED_AT_ONCE", 2)
    for n in range(3):
        event(f"long told {n}", days=31 + n)

    assert [tasks.prune()["events"] for _ in range(3)] == [2, 1, 0]


def test_sessions_that_are_over_are_forgotten() -> None:
    for key, hours in (("over", -1), ("runs", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=timezone.now() + timedelta(hours=hours)
        )

    tasks.prune()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["runs"]
