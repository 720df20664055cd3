"""What waits for the provider is counted and dated from the database, whatever has become of the queues."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commerce import tasks
from commerce.backlog import Queues
from commerce.models import Notice
from orders import gauges, hearers
from orders.models import Payment, Purchase
from tests.orders import make

pytestmark = pytest.mark.django_db


def seen() -> dict[tuple[str, str], float]:
    return {
        (family.name.removeprefix("yellowcart_work_"), sample.labels["kind"]): sample.value
        for family in gauges.waiting()
        for sample in family.samples
    }


def test_nothing_waits_in_a_quiet_shop() -> None:
    assert set(seen().values()) == {0.0}


def test_the_oldest_purchase_that_nobody_has_charged_is_dated() -> None:
    ago = timezone.now() - timedelta(minutes=5)
    waiting, asked = (make.basket((make.variant(), 1)).go(now=timezone.now()) for _ in range(2))
    Purchase.objects.update(updated_at=ago)
    assert seen()["waiting", "purchases"] == 2

    make.sent(asked)
    Payment.objects.update(sent_at=ago)

    now = seen()
    assert now["waiting", "purchases"] == now["waiting", "payments"] == 1
    assert 299 < now["oldest_seconds", "purchases"] < 360
    assert 299 < now["oldest_seconds", "payments"] < 360
    Purchase.objects.filter(pk=waiting.pk).update(status="expired")
    assert seen()["oldest_seconds", "purchases"] == 0


def test_notices_that_nobody_has_read_are_dated_and_quarantined_ones_are_not() -> None:
    ago = timezone.now() - timedelta(minutes=5)
    for n in range(3):
        Notice.objects.create(provider_id=f"evt_{n}", type="x", payload={}, livemode=False)
    Notice.objects.update(received_at=ago)
    Notice.objects.filter(provider_id="evt_0").update(quarantined_at=ago)
    Notice.objects.filter(provider_id="evt_1").update(processed_at=ago)
    now = seen()
    assert now["waiting", "notices"] == 1
    assert 299 < now["oldest_seconds", "notices"] < 360


def test_queues_and_beat_are_shown() -> None:
    def shown() -> dict[str, dict[str, float]]:
        return {
            family.name: {sample.labels.get("queue", ""): sample.value for sample in family.samples}
            for family in Queues().collect()
        }

    assert shown() == {"yellowcart_queue_messages": {"settle": 0, "notify": 0, "sweep": 0}}
    hearers.start_settling({"purchases": ["x"]}, key="k")
    tasks.beat()
    now = shown()
    assert now["yellowcart_queue_messages"]["settle"] == 1
    assert now["yellowcart_beat_age_seconds"][""] < 60
