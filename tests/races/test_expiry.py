"""Sweeps beside each other and beside a rush of buyers, each guard with its control."""

import threading
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from catalog.shelf import stock
from commerce import clock, errors
from commerce.models import User
from commerce.money import Money
from orders import audit, expiry, quotes, transactions
from orders.audit import goods
from orders.carts import lapsing
from orders.models import Cart, CartHold, CartLine, Purchase, WaitlistEntry
from orders.till import asking, counter, ringing
from orders.waitlist import keeping
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once
from tests.orders.waitlist import lining

pytestmark = pytest.mark.django_db(transaction=True)

OVER = after(601)
PRICE = Money(1999, "EUR")


def statuses() -> list[str]:
    return sorted(Purchase.objects.values_list("status", flat=True))


# --- two sweeps, or a sweep and a purchase in hand ---


def test_two_sweeps_at_once_end_each_purchase_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 4)
    lipstick = make.variant(stocked=30)
    for _ in range(30):
        make.basket((lipstick, 1)).go()

    ended = at_once([lambda: expiry.sweep(now=OVER) for _ in range(3)])

    # What another sweep has in hand is left to it, which may have been the last look of this one.
    assert sum(ended) + expiry.sweep(now=OVER) == 30
    assert make.left(lipstick) == 30
    assert len(make.events("purchase.moved")) == 30
    assert make.broken() == []


def sweep_beside_a_purchase_in_hand() -> Any:
    """Sweep while somebody keeps the oldest of two late purchases locked; returns what the sweep did."""
    lipstick = make.variant(stocked=2)
    held, free = (make.basket((lipstick, 1)).go(now=after(n)) for n in (0, 0.5))
    locked, done = threading.Event(), threading.Event()

    def keep() -> None:
        with transaction.atomic():
            Purchase.objects.select_for_update(no_key=True).get(pk=held.pk)
            locked.set()
            done.wait(20)

    def sweep() -> Any:
        locked.wait(10)
        try:
            return expiry.sweep(now=OVER)
        finally:
            done.set()

    _, outcome = at_once([keep, sweep])
    free.refresh_from_db()
    return outcome, free.status


def test_a_purchase_in_hand_is_stepped_over_and_the_others_end() -> None:
    assert sweep_beside_a_purchase_in_hand() == (1, "expired")
    assert expiry.sweep(now=OVER) == 1


def test_without_skipping_a_sweep_waits_for_the_purchase_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the lock is waited for until the time is over, and nothing has ended."""
    real = Purchase.objects.select_for_update
    monkeypatch.setattr(
        Purchase.objects, "select_for_update", lambda **how: real(**{**how, "skip_locked": False})
    )
    monkeypatch.setattr(transactions, "PATIENT_MS", 300)
    monkeypatch.setattr(expiry, "SECONDS", 0.2)

    assert sweep_beside_a_purchase_in_hand() == (0, "accepted")


# --- thousands at once, while buyers press ---

PURCHASES, CARTS, TURNS, PRESSERS = 2_000, 300, 60, 6


def crowd(count: int) -> list[User]:
    """Many buyers with card and address, in a few statements."""
    users = User.objects.bulk_create(
        User(email=f"{uuid4().hex}@example.com", name="Noa", password="!") for _ in range(count)
    )
    pattern = make.buyer()
    address, card = pattern.addresses.get(), pattern.cards.get()
    type(address).objects.bulk_create(
        type(address)(
            user=user, name="Noa", line1=f"Weg {n}", city="Bremen", postal_code="28195", country="DE"
        )
        for n, user in enumerate(users)
    )
    type(card).objects.bulk_create(
        type(card)(
            user=user,
            provider_id=f"pm_{uuid4().hex}",
            brand="visa",
            last4="4242",
            exp_month=12,
            exp_year=2034,
            is_default=True,
        )
        for user in users
    )
    return users


def late() -> dict[str, int]:
    """How many of each kind the audit finds a minute after their end."""
    ends = {"holds-end-in-time", "cart-holds-end-in-time", "turns-end-in-time"}
    checks = [check for check in audit.CHECKS if check.name in ends]
    return {finding.name: finding.broken for finding in audit.run(checks)}


def press(buyer: User, variant: Any) -> asking.Asked:
    lines = [quotes.Wanted(variant.id, 1)]
    return asking.ask(buyer_id=buyer.id, key=uuid4(), lines=lines, expect_total=PRICE)


def test_thousands_of_holds_that_end_together_are_back_in_time_while_buyers_press() -> None:
    """Purchases, carts and turns that ended a minute ago, one hot row, two sweeps, and buyers all the while.

    Not how fast it is, but that none is late once the sweeps are through, and none is given away twice.
    """
    held = PURCHASES + CARTS + TURNS
    made = lining.drop(stocked=held)
    hot = made.variant
    buyers = crowd(held + PRESSERS)
    for n in range(0, PURCHASES, 500):
        rung = ringing.ring_up([asking.Press(press(each, hot)) for each in buyers[n : n + 500]])
        assert all(isinstance(each, asking.Receipt) for each in rung.outcomes)
    ended = "clock_timestamp() - interval '61 seconds'"
    keepers, turns = buyers[PURCHASES : PURCHASES + CARTS], buyers[PURCHASES + CARTS : held]
    Cart.objects.bulk_create(Cart(buyer=each) for each in keepers)
    CartLine.objects.bulk_create(
        CartLine(cart_id=each.id, variant=hot, quantity=1, added_at=make.NOW) for each in keepers
    )
    until = clock.database_now()
    CartHold.objects.bulk_create(
        CartHold(buyer=each, merchant=hot.merchant, variant=hot, quantity=1, until=until) for each in keepers
    )
    WaitlistEntry.objects.bulk_create(
        WaitlistEntry(buyer=each, variant=hot, stream=made.stream, status="offered", turn_until=until)
        for each in turns
    )
    stock.take(units={hot.id: CARTS + TURNS}, now=until)
    waiting = [made.join(each, listed=True) for each in crowd(20)]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE orders_purchase SET hold_until = {ended}")
        cursor.execute(f"UPDATE orders_carthold SET until = {ended}")
        cursor.execute(f"UPDATE orders_waitlistentry SET turn_until = {ended} WHERE status = 'offered'")
    assert late() == {
        "holds-end-in-time": PURCHASES,
        "cart-holds-end-in-time": CARTS,
        "turns-end-in-time": TURNS,
    }
    till, swept = counter.Till(), threading.Event()

    def sweep() -> None:
        # As beat does it: one run after the other.
        while expiry.sweep(now=clock.database_now()):
            pass
        lapsing.sweep(now=clock.database_now())
        keeping.sweep(now=clock.database_now())
        swept.set()

    def keep_pressing(buyer: User) -> int:
        got = 0
        while not swept.is_set():
            try:
                till.buy(press(buyer, hot))
            except errors.Refusal:
                continue
            got += 1
        return got

    outcomes = at_once([sweep, sweep, *(partial(keep_pressing, each) for each in buyers[held:])], seconds=60)
    till.close()

    assert outcomes[:2] == [None, None]
    assert set(late().values()) == {0}
    assert sum(outcomes[2:]) > 0
    assert {lining.status(each) for each in waiting} == {"offered"}
    assert make.left(hot) == held - len(waiting) - sum(outcomes[2:])
    assert {finding.name for finding in audit.run(goods.STOCK) if finding.broken} == set()
