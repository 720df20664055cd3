"""Killed as by `kill -9` at each step of a payout, also between two legs, and of a reversal: afterwards each
was sent once, and the provider's books and ours are the same."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orders import recovery
from orders.models import Payout, PayoutLeg, Reversal
from orders.payouts import paying, reversing
from orders.reconciling import reconciler
from tests import books
from tests.live_server import LiveRoom
from tests.orders import make
from tests.orders.selling import COMMISSION, PRICE, Trade
from tests.stripe_server import StripeServer
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

faults = pytest.mark.faults
LEGS = {
    "payout.leg_before_send": (["created", "sent"], 0),  # Written down, the provider not asked yet.
    "payout.leg_after_send": (["created", "sent"], 1),  # On its way, and nobody here knows.
    "payout.leg_after_take_in": (["created", "paid"], 1),  # Between the two.
}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("payout.leg_before_send", marks=faults),
        "payout.leg_after_send",
        pytest.param("payout.leg_after_take_in", marks=faults),
    ],
)
def test_each_leg_is_sent_once(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    trade = Trade(own_stripe)
    trade.sell()
    trade.sell()
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    paying.begin(account_id=trade.host.id, currency="EUR", now=timezone.now())

    relay_until(lambda: not dying.alive())

    statuses, sent = LEGS[point]
    assert sorted(PayoutLeg.objects.values_list("status", flat=True)) == statuses
    assert trade.arrived(trade.host) == sent * COMMISSION
    heal()
    assert Payout.objects.get().status == "paid"
    assert trade.arrived(trade.host) == 2 * COMMISSION
    books.equal(own_stripe.books())
    make.audited()


REVERSALS = {
    "reversal.before_send": ("sent", 0),  # Written down, the provider not asked yet.
    "reversal.after_send": ("sent", COMMISSION),  # Taken back, and nobody here knows.
    "reversal.after_take_in": ("done", COMMISSION),  # All done, the task not acknowledged.
}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("reversal.before_send", marks=faults),
        "reversal.after_send",
        pytest.param("reversal.after_take_in", marks=faults),
    ],
)
def test_each_leg_is_taken_back_once(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    trade = Trade(own_stripe)
    order = trade.sell()
    trade.pay(trade.host)
    trade.refund(order, PRICE)
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    reversing.begin(account_id=trade.host.id, currency="EUR", by_id=None, now=timezone.now())

    relay_until(lambda: not dying.alive())

    status, taken = REVERSALS[point]
    assert Reversal.objects.get().status == status
    assert [each["amount_reversed"] for each in own_stripe.books()["transfers"]] == [taken]
    heal()
    assert Reversal.objects.get().status == "done"
    assert [each["amount_reversed"] for each in own_stripe.books()["transfers"]] == [COMMISSION]
    books.equal(own_stripe.books())
    make.audited()


def heal() -> None:
    """What beat rings for, once nobody else is at it."""
    at = timezone.now() + timedelta(seconds=90)
    recovery.finish(now=at)
    until(lambda: reconciler.reconcile(now=at))
    LiveRoom.relay()


def until(true: Callable[[], Any], *, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
