"""Everything in Redis is lost while purchases settle: the sweep finds them in the database."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from orders import recovery
from orders.models import Purchase
from orders.reconciling import reconciler
from tests import books
from tests.faults.site import BACKGROUND, Site
from tests.live_server import LiveRoom
from tests.orders import make
from tests.stripe_server import StripeServer
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS, POOR = 30, 3


def status_of(purchase: Purchase) -> str:
    return Purchase.objects.get(pk=purchase.pk).status


@pytest.mark.faults
def test_what_was_waiting_when_redis_was_flushed_is_settled_within_a_minute(
    process_env: dict[str, str], own_stripe: StripeServer, tmp_path: Path
) -> None:
    lipstick = make.variant(stocked=BUYERS)
    cards = ["pm_card_chargeCustomerFail"] * POOR + ["pm_card_visa"] * (BUYERS - POOR)
    buyers = [make.real_buyer(card) for card in cards]
    own_stripe.latency(2_000)
    with ExitStack() as stack:
        site = Site(tmp_path, stack, process_env["DATABASE_URL"], *BACKGROUND, "beat")
        for buyer in buyers:
            make.basket((lipstick, 1), by=buyer).go(now=timezone.now())
        site.until(lambda: Purchase.objects.exclude(status="accepted").exists())

        site.flush_redis()
        assert Purchase.objects.filter(status="accepted").count() > BUYERS / 3, "too quick to show anything"
        own_stripe.latency(0)

        site.until(lambda: not Purchase.objects.filter(status="accepted").exists(), deadline=60)
        site.tell()
    assert Purchase.objects.filter(status="paid").count() == BUYERS - POOR
    assert Purchase.objects.filter(status="declined").count() == POOR
    assert make.left(lipstick) == POOR
    LiveRoom.relay()
    reconciler.reconcile(now=timezone.now())
    books.equal(own_stripe.books())
    make.audited()


def test_control_without_the_sweep_a_purchase_whose_message_is_lost_stays_accepted(
    own_worker: Start, own_stripe: StripeServer, redis_server: redis.Redis
) -> None:
    lipstick = make.variant(stocked=2)
    lost = make.basket((lipstick, 1), by=make.real_buyer()).go(now=timezone.now())
    LiveRoom.relay()  # Rung for, and nobody is there yet.

    redis_server.flushall()
    own_worker()
    later = make.basket((lipstick, 1), by=make.real_buyer()).go(now=timezone.now())
    relay_until(lambda: status_of(later) == "paid")

    assert status_of(lost) == "accepted"
    recovery.finish(now=timezone.now() + timedelta(seconds=31))
    assert status_of(lost) == "paid"
    LiveRoom.relay()
    reconciler.reconcile(now=timezone.now())
    books.equal(own_stripe.books())
    make.audited()
