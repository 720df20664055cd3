"""Announced prices that fall due while somebody else is at the same price, and beats that look at once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from catalog.models import Price, PriceSchedule, Variant
from catalog.pricing import applying, prices, schedules
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db(transaction=True)


def meanwhile(act: Callable[[], Any], *, seconds: float) -> tuple[threading.Thread, list[Any]]:
    """Start the act in a thread and give it time to end; return both, with what it returned or raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(seconds)
    return thread, outcome


def on_sale(one: Variant, *, starts: float = 10, ends: float = 20) -> PriceSchedule:
    plan = schedules.Plan(prices.Quote(1500, None, "EUR"), after(starts), after(ends))
    return schedules.make(merchant_id=one.merchant_id, variant_id=one.pk, plan=plan, now=NOW).schedule


def say(one: Variant, amount: int, at: float) -> None:
    quotes = {one.pk: prices.Quote(amount, None, "EUR")}
    prices.change_many(merchant_id=one.merchant_id, quotes=quotes, now=after(at))


def amount_of(one: Variant) -> int:
    return Price.objects.get(variant=one, valid_to=None).amount


def careless(one: Variant) -> None:
    """The usual mistake: keep what comes back as it was read without the lock."""
    before = amount_of(one)
    PriceSchedule.objects.filter(variant=one).update(
        status="running", began_at=after(10), before_amount=before, before_currency="EUR"
    )


def test_control_without_the_lock_a_price_set_meanwhile_is_forgotten() -> None:
    one = make.variant(make.merchant(), amount=2000)
    on_sale(one)
    with transaction.atomic():
        say(one, 2200, 5)
        thread, _ = meanwhile(lambda: careless(one), seconds=10)
        assert not thread.is_alive()

    assert PriceSchedule.objects.get().before_amount == 2000
    assert amount_of(one) == 2200


def test_a_price_that_is_being_set_is_left_to_the_next_look() -> None:
    one, other = (make.variant(make.merchant(), amount=2000) for _ in range(2))
    on_sale(one)
    on_sale(other)
    with transaction.atomic():
        say(one, 2200, 5)
        thread, outcome = meanwhile(lambda: applying.apply_due(now=after(10)), seconds=10)
        assert not thread.is_alive()
        assert outcome == [1]
    assert (amount_of(one), amount_of(other)) == (2200, 1500)

    assert applying.apply_due(now=after(11)) == 1
    applying.apply_due(now=after(20))
    assert (amount_of(one), amount_of(other)) == (2200, 2000)


def test_a_price_set_while_it_begins_waits_and_comes_back() -> None:
    one = make.variant(make.merchant(), amount=2000)
    on_sale(one)
    with transaction.atomic():
        assert applying.apply_due(now=after(10)) == 1
        thread, _ = meanwhile(lambda: say(one, 2200, 10), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert amount_of(one) == 1500
    applying.apply_due(now=after(20))
    assert amount_of(one) == 2200


def test_a_second_look_leaves_alone_what_a_first_is_at() -> None:
    one = make.variant(make.merchant(), amount=2000)
    on_sale(one)
    with transaction.atomic():
        assert applying.apply_due(now=after(10)) == 1
        thread, outcome = meanwhile(lambda: applying.apply_due(now=after(10)), seconds=10)
        assert not thread.is_alive()
    assert outcome == [0]
    assert applying.apply_due(now=after(11)) == 0


def test_two_looks_at_once_share_what_is_due() -> None:
    seller = make.merchant()
    some = [make.variant(seller, amount=2000) for _ in range(30)]
    for one in some:
        on_sale(one)
    start = threading.Barrier(4)

    def beat() -> int:
        start.wait(10)
        applied = 0
        while found := applying.apply_due(now=after(10)):
            applied += found
        return applied

    crews = [meanwhile(beat, seconds=0) for _ in range(4)]
    for thread, _ in crews:
        thread.join(30)
    # One look may find locked what another is about to give up; the next beat takes that.
    applying.apply_due(now=after(11))
    assert all(isinstance(outcome[0], int) for _, outcome in crews)
    assert Price.objects.filter(variant__in=some).count() == 60
    assert set(PriceSchedule.objects.values_list("status", "before_amount")) == {("running", 2000)}


def test_control_a_look_without_locks_sees_what_another_has_begun_as_still_to_come() -> None:
    one = make.variant(make.merchant(), amount=2000)
    on_sale(one)
    with transaction.atomic():
        applying.apply_due(now=after(10))
        thread, seen = meanwhile(lambda: list(PriceSchedule.objects.values_list("status")), seconds=10)
        assert not thread.is_alive()
    assert seen == [[("upcoming",)]]


def test_a_look_that_is_killed_leaves_it_to_the_next() -> None:
    one = make.variant(make.merchant(), amount=2000)
    sale = on_sale(one)

    class Killed(BaseException):
        pass

    def killed() -> None:
        with transaction.atomic():
            applying.apply_due(now=after(10))
            raise Killed

    with pytest.raises(Killed):
        killed()
    sale.refresh_from_db()
    assert (sale.status, amount_of(one)) == ("upcoming", 2000)
    assert applying.apply_due(now=after(12)) == 1
    assert Price.objects.get(variant=one, valid_to=None).valid_from == after(12)
