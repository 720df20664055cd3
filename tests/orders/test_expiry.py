"""Purchases that are not paid in time end in batches, and what fails stops nobody else's."""

import time
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from commerce import gateway
from commerce.models import Notice
from orders import expiry, recovery, setbacks
from orders.models import Order, OrderMove, Payment, Purchase, PurchaseMove, Setback
from orders.reconciling import notices
from orders.settling import payments
from streams import coupons
from streams.models import CouponClaim, OfferBuyer, OfferHousehold
from tests.orders import make
from tests.orders.make import after
from tests.orders.waitlist import lining

pytestmark = pytest.mark.django_db

OVER = after(601)


def statuses() -> set[str]:
    return set(Purchase.objects.values_list("status", flat=True))


def hear(purchase: Purchase, status: str, seconds: float) -> None:
    payments.apply(intent=make.said(Payment.objects.get(purchase=purchase), status), now=after(seconds))


def not_paid(count: int) -> tuple[Any, list[Purchase]]:
    """So many purchases of one piece each of one variant, which nobody pays."""
    lipstick = make.variant(stocked=count)
    return lipstick, [make.basket((lipstick, 1)).go(now=after(n / 100)) for n in range(count)]


# --- batches ---


def test_all_that_is_due_ends_in_one_sweep_however_many_batches_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 3)
    lipstick, purchases = not_paid(7)
    young = make.basket((make.variant(), 1)).go(now=after(300))

    assert expiry.sweep(now=OVER) == 7

    young.refresh_from_db()
    assert young.status == Purchase.Status.ACCEPTED
    assert make.left(lipstick) == 7
    for model, moves in ((Purchase, PurchaseMove), (Order, OrderMove)):
        assert model.objects.exclude(moves=None).count() == moves.objects.count() == len(purchases)
    assert len(make.events("purchase.moved")) == 7
    assert expiry.sweep(now=OVER) == 0
    assert make.broken() == []


def test_a_batch_gives_back_what_was_counted_for_buyers_households_and_coupons() -> None:
    made = lining.drop(stocked=9, quota=9, per_buyer=4, seconds=3600, per_household=4, takes_coupons=True)
    coupon = make.coupon(made.stream, made.variant.merchant, per_buyer=2)
    noa, ben = make.buyer("Noa"), make.buyer("Ben")
    coupons.claim(stream_id=made.stream.id, user_id=noa.id, coupon_id=coupon.id, now=make.NOW)
    CouponClaim.objects.update(used=1)
    for buyer, quantity in ((noa, 1), (noa, 2), (ben, 1)):
        made.buy(buyer, quantity=quantity)
    Purchase.objects.filter(pk=Purchase.objects.filter(buyer=noa).order_by("id")[0].pk).update(coupon=coupon)
    assert OfferHousehold.objects.filter(units=4).exists(), "they live at one address"

    assert expiry.sweep(now=OVER) == 3

    assert made.left() == (9, 9)
    assert set(OfferBuyer.objects.values_list("units", flat=True)) == {0}
    assert set(OfferHousehold.objects.values_list("units", flat=True)) == {0}
    assert CouponClaim.objects.get().used == 0
    assert make.broken() == []


def test_what_a_batch_gives_back_goes_to_those_in_line_first() -> None:
    made, _ = lining.sold_out(stocked=3, quota=3, per_buyer=3, seconds=3600)
    other = make.basket((make.variant(stocked=1), 1)).go()
    first, second = made.join(quantity=2), made.join(quantity=2)

    expiry.sweep(now=OVER)

    other.refresh_from_db()
    assert other.status == Purchase.Status.EXPIRED
    assert [lining.status(each) for each in (first, second)] == ["offered", "waiting"]
    assert made.left() == (1, 1)
    assert make.broken() == []


def test_a_sweep_whose_time_is_over_begins_nothing_and_the_next_one_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 2)
    not_paid(4)
    one_batch, ticks = time.monotonic() + 60, iter([0.0])
    with monkeypatch.context() as patched:
        patched.setattr("orders.rounds.time.monotonic", lambda: next(ticks, one_batch + 1))
        assert expiry.sweep(now=OVER, until=one_batch) == 2

    assert expiry.sweep(now=OVER) == 2
    assert statuses() == {"expired"}


# --- charges in flight ---


def charged_too_late(**_: Any) -> str:
    """A purchase whose charge is under way at the end of its hold, and what the buyer gets of her money."""
    lipstick = make.variant(stocked=1)
    purchase = make.basket((lipstick, 1)).go()
    make.sent(purchase)
    expiry.sweep(now=OVER)
    expiry._end([purchase.id], OVER)
    if make.left(lipstick):
        make.basket((lipstick, 1)).go(now=OVER)
    hear(purchase, "succeeded", 602)
    return Payment.objects.get(purchase=purchase).status


@pytest.mark.parametrize("found_before", [False, True])
def test_units_stay_held_while_a_charge_is_in_flight(found_before: bool) -> None:
    """Also when the charge began after the sweep had found the purchase."""
    lipstick = make.variant(stocked=1)
    purchase = make.basket((lipstick, 1)).go()
    found = expiry.due(now=OVER, limit=10) if found_before else []
    make.sent(purchase)

    assert expiry.sweep(now=OVER) == 0
    assert expiry._end(found, OVER) == []

    hear(purchase, "succeeded", 602)
    assert statuses() == {"paid"}
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_without_looking_for_a_charge_under_the_lock_units_go_to_two_buyers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: the last piece is sold to another while the first buyer's card is charged for it."""
    assert charged_too_late() == "succeeded"

    monkeypatch.setattr(expiry, "IN_FLIGHT", frozenset())

    assert charged_too_late() == "returned"


# --- what fails ---


def poison(purchase: Purchase) -> None:
    """Make it impossible to give back what the purchase took: the books do not have it."""
    OfferBuyer.objects.filter(buyer=purchase.buyer_id).update(units=0)


def test_a_purchase_that_cannot_end_stops_no_other_and_is_put_off() -> None:
    made = lining.drop(stocked=9, quota=9, seconds=3600)
    purchases = [made.buy() for _ in range(5)]
    poison(purchases[2])

    assert expiry.sweep(now=OVER) == 4

    purchases[2].refresh_from_db()
    assert purchases[2].status == Purchase.Status.ACCEPTED
    setback = Setback.objects.get()
    assert (setback.kind, setback.subject, setback.failures) == ("expired", str(purchases[2].id), 1)

    OfferBuyer.objects.filter(buyer=purchases[2].buyer_id).update(units=1)
    assert expiry.sweep(now=after(605)) == 0, "it is put off"
    assert expiry.sweep(now=after(612)) == 1
    assert not Setback.objects.exists()
    assert make.broken() == []


def test_a_setback_lasts_longer_each_time_and_ten_minutes_at_most() -> None:
    waits = []
    now = make.NOW
    for _ in range(9):
        setbacks.note(kind="refunds", subject="one", error=RuntimeError("no"), now=now)
        until: datetime = setbacks.of(kind="refunds")["one"]
        waits.append((until - now).total_seconds())
        now = until
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]

    setbacks.note(kind="refunds", subject="one", error=gateway.Unavailable(), now=now)
    assert setbacks.of(kind="refunds")["one"] == now + setbacks.FIRST, "nobody's fault"


def test_as_many_failures_as_a_sweep_takes_at_once_do_not_stop_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert taken_up(monkeypatch) == [[1, 2, 3], [4]]


def test_without_setbacks_each_sweep_begins_with_what_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: three things may be done per sweep, and those that cannot be done are the oldest."""
    monkeypatch.setattr(setbacks, "of", lambda **_: {})
    assert taken_up(monkeypatch) == [[1, 2, 3], [1, 2, 3]]


def taken_up(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The notices that two sweeps after each other try to read, where the first three cannot be read."""
    monkeypatch.setattr(recovery, "BATCH", 2)
    number = {}
    for n in (1, 2, 3, 4):
        row = Notice.objects.create(provider_id=f"evt_{n}", type="x", payload={}, livemode=False)
        number[row.pk] = n
    Notice.objects.update(received_at=make.NOW)
    tried: list[int] = []
    real = notices.read

    def read(*, notice_id: int, now: datetime) -> None:
        tried.append(number[notice_id])
        if number[notice_id] < 4:
            raise RuntimeError("another amount")
        real(notice_id=notice_id, now=now)

    monkeypatch.setattr(notices, "read", read)
    sweeps = []
    for now in (after(60), after(61)):
        tried.clear()
        # A sweep has time for three of them, because the provider is slow.
        monkeypatch.setattr("orders.recovery.time.monotonic", lambda: 0.0 if len(tried) < 3 else 100.0)
        recovery.finish(now=now, seconds=50)
        sweeps.append(list(tried))
    monkeypatch.undo()
    return sweeps


def test_a_slow_kind_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kinds take turns, so that a sweep with time for few pieces of work does some of each."""
    for n in range(3):
        Notice.objects.create(provider_id=f"evt_{n}", type="x", payload={}, livemode=False)
    Notice.objects.update(received_at=make.NOW)
    for _ in range(3):
        make.sent(make.basket((make.variant(), 1)).go())
    asked: list[UUID] = []
    monkeypatch.setattr(expiry, "expire", lambda *, purchase_id, now: asked.append(purchase_id))
    monkeypatch.setattr("orders.recovery.time.monotonic", lambda: 0.0 if len(asked) < 2 else 100.0)

    done = recovery.finish(now=OVER, seconds=50)

    assert done["expired"] == 2
    assert done["notices"] >= 1
