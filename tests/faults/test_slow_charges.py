"""Every thread of the worker waits for a provider that hangs; what the clock ends still ends."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from catalog.shelf import stock
from commerce import clock
from config.celery import TIMETABLE, app
from orders.models import Payment, Purchase, WaitlistEntry
from streams.models import Offer
from tests.orders import make
from tests.stripe_server import StripeServer
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
SWEEPS = ("streams.sweep", "orders.expire", "orders.sweep_carts", "orders.sweep_lines")


@pytest.fixture
def hanging() -> Iterator[StripeServer]:
    """A provider that answers nobody for as long as a test lasts."""
    server = StripeServer(latency_ms=60_000)
    yield server
    server.kill()


def charges_hang(own_worker: Start, provider: StripeServer) -> None:
    """Have every thread of a worker wait for the provider, and as many purchases again behind them."""
    own_worker(STRIPE_API_BASE=provider.url, STRIPE_TIMEOUT_SECONDS="60", SETTLE_THREADS=str(THREADS))
    lipstick = make.variant(stocked=2 * THREADS)
    for _ in range(2 * THREADS):
        make.basket((lipstick, 1)).go(now=clock.database_now())
    relay_until(lambda: Payment.objects.filter(status="sent").count() == THREADS)


def over() -> Callable[[], bool]:
    """Make a purchase's hold, an offer and a turn whose time is over; says whether all have ended."""
    now = clock.database_now()
    before, ago = now - timedelta(minutes=5), now - timedelta(seconds=1)
    lipstick, blush = make.variant(stocked=1), make.variant(stocked=1)
    stream = make.show(lipstick, now=before)
    offer = make.offer(stream, lipstick, seconds=60, now=before)
    purchase = make.basket((lipstick, 1)).go(now=now)
    Purchase.objects.filter(pk=purchase.pk).update(hold_until=ago)
    stock.take(units={blush.id: 1}, now=now)
    turn = WaitlistEntry.objects.create(
        buyer=make.buyer(), variant=blush, stream=stream, status="offered", turn_until=ago
    )
    return lambda: (
        Purchase.objects.get(pk=purchase.pk).status == "expired"
        and Offer.objects.get(pk=offer.pk).status == "ended"
        and WaitlistEntry.objects.get(pk=turn.pk).status == "lapsed"
    )


def until(true: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def ring(**more: object) -> None:
    """Ring for the sweeps as beat does."""
    for name in SWEEPS:
        entry = TIMETABLE[name]
        app.tasks[entry["task"]].apply_async(**{**entry["options"], "expires": 10, **more})


def test_charges_that_hang_keep_no_hold_offer_or_turn_from_ending(
    own_worker: Start, hanging: StripeServer
) -> None:
    own_worker("sweeper")
    charges_hang(own_worker, hanging)
    ended = over()

    ring()

    until(ended, seconds=10)
    assert set(Payment.objects.values_list("status", flat=True)) == {"sent"}


@pytest.mark.faults
def test_control_in_the_queue_of_the_charges_the_sweeps_wait_behind_them(
    own_worker: Start, hanging: StripeServer
) -> None:
    own_worker("sweeper")
    charges_hang(own_worker, hanging)
    ended = over()

    ring(queue="notify")

    with pytest.raises(TimeoutError):
        until(ended, seconds=3)
