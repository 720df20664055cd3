"""Every trouble that the provider can make, for charges and for refunds: whatever it was, each is carried out
once in the end, and its books and ours are the same."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from commerce import errors
from orders import recovery, states, transactions
from orders.models import Payment, Purchase, Refund
from orders.reconciling import reconciler
from orders.settling import charging, refunds, repaying
from tests import books
from tests.live_server import LiveRoom
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

PRICE, PART = 1999, 700
SLOW_MS = 2_500
HOLD, DAY = 600, 90_000  # Seconds.
TROUBLES = (
    "latency",
    "slow_before",
    "slow_after",
    "drop_before",
    "drop_after",
    "rate_limit",
    "error_500",
    "error_500_saved",
    "error_500_after",
)


@pytest.fixture(autouse=True)
def impatient(settings: LazySettings) -> None:
    """The provider is given up on before it is done with what is slow."""
    settings.STRIPE_TIMEOUT_SECONDS = 1


def bought() -> Purchase:
    return make.basket((make.variant(amount=PRICE), 1), by=make.real_buyer()).go(now=timezone.now())


def trouble(server: StripeServer, kind: str, path: str) -> None:
    if kind == "latency":
        server.latency(SLOW_MS)
    elif kind.startswith("slow"):
        server.fault(kind, path=path, milliseconds=SLOW_MS, times=2)
    else:
        server.fault(kind, path=path, times=2)


def settle(server: StripeServer, kind: str) -> Callable[[datetime], None]:
    purchase = bought()
    trouble(server, kind, "/v1/payment_intents")
    return lambda now: charging.charge(purchase_id=purchase.id, now=now)


def refund(server: StripeServer, kind: str) -> Callable[[datetime], None]:
    charging.charge(purchase_id=bought().id, now=timezone.now())
    payment = Payment.objects.get()
    owed = transactions.run(
        lambda: refunds.owe(payment=payment, amount=PART, reason="scratched", now=timezone.now())
    )
    trouble(server, kind, "/v1/refunds")
    return lambda now: repaying.send(refund_id=owed.id, now=now)


@pytest.mark.parametrize("kind", TROUBLES)
@pytest.mark.parametrize("asked", [settle, refund])
def test_it_is_carried_out_once_and_the_books_agree(
    own_stripe: StripeServer, asked: Callable[[StripeServer, str], Callable[[datetime], None]], kind: str
) -> None:
    ask = asked(own_stripe, kind)
    start = timezone.now()
    for seconds in (0, 31):
        try:
            ask(start + timedelta(seconds=seconds))
        except errors.Unavailable:
            continue
    own_stripe.calm()

    seconds = heal(start, patience=5)
    if kind == "error_500_saved":
        # The provider repeats this answer for a day; a purchase is over by then, a refund is still owed.
        own_stripe.advance(DAY)
        seconds = heal(start + timedelta(seconds=DAY), patience=15) + DAY
    reconciler.reconcile(now=start + timedelta(seconds=seconds))

    charged = kind != "error_500_saved" or asked is refund
    assert Purchase.objects.get().status == ("paid" if charged else "expired")
    assert len(own_stripe.books()["intents"]) == charged
    assert {each.status for each in Refund.objects.all()} <= {"succeeded"}
    assert len(own_stripe.books()["refunds"]) == Refund.objects.count() == (asked is refund)
    books.equal(own_stripe.books())
    make.audited()


def heal(start: datetime, *, patience: float) -> int:
    """Sweep every half minute of ours until nothing is open; returns when that was, in seconds."""
    seconds, end = 62, time.monotonic() + patience
    while seconds == 62 or (open_still() and time.monotonic() < end and seconds < HOLD):
        recovery.finish(now=start + timedelta(seconds=seconds))
        LiveRoom.relay()
        seconds += 31
        time.sleep(0.4)  # What the provider began late, it is still at.
    return seconds


def open_still() -> bool:
    return (
        Purchase.objects.filter(status="accepted").exists()
        or Refund.objects.filter(status__in=states.REFUND_OPEN).exists()
    )
