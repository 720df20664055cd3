"""A worker killed as by `kill -9` at each step of settling: every purchase ends right, charged once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orders import recovery
from orders.models import Payment, Purchase
from tests.live_server import LiveRoom
from tests.orders import make
from tests.stripe_server import StripeServer
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = {
    "settle.before_send": ("sent", 0),  # Written down, the provider not asked yet.
    "settle.after_send": ("sent", 1),  # Charged, and nobody here knows.
    "settle.applied": ("sent", 1),  # Written, and not committed.
    "settle.after_apply": ("succeeded", 1),  # All done, the task not acknowledged.
}


@pytest.mark.parametrize(
    "point",
    [
        "settle.before_send",
        "settle.after_send",
        "settle.applied",
        pytest.param("settle.after_apply", marks=pytest.mark.faults),
    ],
)
def test_a_killed_worker_leaves_nothing_undone(
    own_worker: Start, stripe_server: StripeServer, tmp_path: Path, point: str
) -> None:
    lipstick = make.variant(stocked=5)
    buyer = make.real_buyer()
    worker = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    purchase = make.basket((lipstick, 1), by=buyer).go(now=timezone.now())

    relay_until(lambda: not worker.alive())

    status, intents = POINTS[point]
    assert Payment.objects.get().status == status
    assert len(_intents(stripe_server, buyer.customer.provider_id)) == intents
    recovery.finish(now=timezone.now() + timedelta(seconds=31))
    LiveRoom.relay()

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    (intent,) = _intents(stripe_server, buyer.customer.provider_id)
    assert intent.amount_received == purchase.amount
    assert make.left(lipstick) == 4
    assert make.broken() == []


@pytest.mark.faults
def test_another_worker_goes_on_with_what_waits(
    own_worker: Start, stripe_server: StripeServer, tmp_path: Path
) -> None:
    lipstick = make.variant(stocked=20)
    buyers = [make.real_buyer() for _ in range(6)]
    dying = own_worker(FAULT=f"settle.after_send:{tmp_path / 'died'}")
    for buyer in buyers:
        make.basket((lipstick, 1), by=buyer).go(now=timezone.now())
    relay_until(lambda: not dying.alive())

    # What the dead worker had in its hands comes back with the sweep; the broker would bring it much later.
    own_worker()
    recovery.finish(now=timezone.now() + timedelta(seconds=31))
    relay_until(lambda: Purchase.objects.filter(status="paid").count() == 6)

    for buyer in buyers:
        assert len(_intents(stripe_server, buyer.customer.provider_id)) == 1
    assert make.left(lipstick) == 14
    assert make.broken() == []


def _intents(server: StripeServer, customer: str) -> list[Any]:
    return list(server.client().v1.payment_intents.list({"customer": customer}).data)
