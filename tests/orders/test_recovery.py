"""Many purchases are settled at once, by the doorbell and by the sweep; what fails stops no other."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from commerce import gateway, redis_client
from commerce.gateway import pacing
from config.embedded import free_port
from orders import hearers, recovery, setbacks, transactions
from orders.models import Payment, Purchase, Setback
from orders.settling import attempts
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


def bought(count: int) -> list[Purchase]:
    lipstick = make.variant(stocked=count)
    buyers = [make.real_buyer() for _ in range(4)]
    return [
        make.basket((lipstick, 1), by=buyers[n % len(buyers)]).go(now=timezone.now()) for n in range(count)
    ]


def paid() -> int:
    return Purchase.objects.filter(status=Purchase.Status.PAID).count()


def test_the_doorbell_rings_once_for_many() -> None:
    purchases = [str(purchase.id) for purchase in bought_unpaid(50)]

    hearers.start_settling({"purchases": purchases}, key="purchase.accepted:x")

    assert redis_client.sync().llen("settle") == 1


def bought_unpaid(count: int) -> list[Purchase]:
    lipstick, buyer = make.variant(stocked=count), make.buyer()
    return [make.basket((lipstick, 1), by=buyer).go(now=timezone.now()) for _ in range(count)]


def test_the_purchases_of_a_message_are_charged_at_once(stripe_server: StripeServer) -> None:
    ids = [purchase.id for purchase in bought(50)]
    stripe_server.latency(300)
    begun = time.monotonic()

    recovery.settle(purchase_ids=ids, clock=timezone.now)

    took = time.monotonic() - begun
    stripe_server.latency(0)
    assert paid() == 50
    assert took < 50 * 0.3 / 3, "one by one they take 15 s at least"
    assert make.broken() == []


def test_one_that_fails_is_put_off_and_stops_no_other(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchases = bought(6)
    bad, real = purchases[0].id, attempts.ask

    def ask(attempt: attempts.Attempt) -> attempts.Said:
        if attempt.purchase_id == bad:
            raise RuntimeError("another amount")
        return real(attempt)

    monkeypatch.setattr(attempts, "ask", ask)
    recovery.settle(purchase_ids=[each.id for each in purchases], clock=timezone.now)

    assert paid() == 5
    noted = Setback.objects.get()
    assert (noted.kind, noted.subject) == ("unsettled", str(bad))
    monkeypatch.undo()
    recovery.finish(now=timezone.now() + timedelta(minutes=1))
    assert paid() == 6
    assert setbacks.of(kind="unsettled") == {}


def test_what_a_message_does_not_come_to_is_left_for_the_sweep(stripe_server: StripeServer) -> None:
    purchases = bought(3)

    recovery.settle(purchase_ids=[each.id for each in purchases], clock=timezone.now, seconds=0)

    assert paid() == 0
    recovery.finish(now=timezone.now() + timedelta(seconds=20))
    assert paid() == 3


def test_what_a_lost_redis_forgot_is_settled_within_seconds(stripe_server: StripeServer) -> None:
    bought(200)
    stripe_server.latency(300)
    begun = time.monotonic()

    done = recovery.finish(now=timezone.now() + timedelta(seconds=20))

    took = time.monotonic() - begun
    stripe_server.latency(0)
    assert done["unsettled"] == 200
    assert paid() == 200
    assert took < 15, "one by one they take 60 s at least"
    assert make.broken() == []


def test_a_task_is_over_before_the_broker_gives_it_to_another() -> None:
    """Begun at the last moment, a charge waits for the lock, is asked and looked for, and applied."""
    locked = transactions.PATIENT_MS / 1000 * 2
    asked = 2 * (settings.STRIPE_TIMEOUT_SECONDS + 5)
    longest = recovery.SECONDS_OF_A_MESSAGE + locked + asked
    assert longest < float(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]))


def test_while_the_provider_is_down_purchases_wait_as_they_are_and_are_paid_afterwards(
    stripe_server: StripeServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "REST_SECONDS", 30.0)
    purchases, base = bought(pacing.FAILURES + 6), settings.STRIPE_API_BASE
    ids = [each.id for each in purchases]
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"
    pacing.begin_anew()

    recovery.settle(purchase_ids=ids[: pacing.FAILURES], clock=timezone.now)
    assert gateway.is_resting()
    recovery.settle(purchase_ids=ids[pacing.FAILURES :], clock=timezone.now)

    assert set(Purchase.objects.values_list("status", flat=True)) == {"accepted"}
    assert Payment.objects.filter(purchase__in=ids[pacing.FAILURES :]).count() == 0
    assert set(Payment.objects.values_list("status", flat=True)) == {"created"}
    assert not Setback.objects.exists()
    settings.STRIPE_API_BASE = base
    pacing.begin_anew()
    recovery.finish(now=timezone.now() + timedelta(seconds=20))
    assert paid() == len(ids)
    assert make.broken() == []
