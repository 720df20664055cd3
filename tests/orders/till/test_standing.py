"""A process that stood still does not know how old what it reads right after is."""

import pytest

from orders.models import Purchase
from orders.till import counter, refusals, standing
from orders.till.asking import Receipt
from tests.orders import make
from tests.orders.till.asks import wants


class Time:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(standing, "clock", made)
    return made


def test_what_is_read_after_a_standstill_may_be_as_old_as_that(time: Time) -> None:
    watch = standing.Watch()
    time.now += standing.TICK_SECONDS
    watch.tick()
    assert watch.age() == 0

    time.now += 40
    assert watch.age() == 40
    watch.tick()
    time.now += 1
    assert watch.age() == 41
    time.now += standing.CATCHING_UP_SECONDS
    watch.tick()
    assert watch.age() == 0


def test_a_late_tick_is_no_standstill(time: Time) -> None:
    watch = standing.Watch()
    time.now += standing.STILL_SECONDS
    assert watch.age() == 0


@pytest.mark.django_db(transaction=True)
def test_what_may_have_waited_unread_for_too_long_is_not_begun(time: Time) -> None:
    till, lipstick = counter.Till(), make.variant()
    try:
        assert isinstance(till.buy(wants(lipstick)), Receipt)
        time.now += standing.STILL_SECONDS + 1
        with pytest.raises(refusals.TooLate):
            till.buy(wants(lipstick))
        time.now += standing.CATCHING_UP_SECONDS
        assert isinstance(till.buy(wants(lipstick)), Receipt)
    finally:
        till.close()

    assert Purchase.objects.count() == 2
