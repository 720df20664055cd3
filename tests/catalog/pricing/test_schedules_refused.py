"""Announced prices that cannot be: times, floors, and what the database does not take."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from catalog import queries
from catalog.models import PriceFloor, PriceSchedule, Variant
from catalog.pricing import floors, prices, schedules
from commerce.models import Event
from tests.catalog import make
from tests.catalog.announcing import HOUR, announce, call_off, floor, history, look, plan, say, standing
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def lipstick() -> Variant:
    return make.variant(make.merchant(), amount=2000)


@pytest.mark.parametrize(
    ("starts", "ends"),
    [(HOUR, 2 * HOUR), (0, HOUR + 1), (2 * HOUR - 1, 9 * HOUR), (1.5 * HOUR, None), (HOUR, None)],
)
def test_two_for_the_same_time_are_refused(lipstick: Variant, starts: float, ends: float | None) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    with pytest.raises(schedules.ScheduleOverlaps) as refused:
        announce(lipstick, plan(1400, starts, ends))
    assert refused.value.data == {"schedule": str(sale.pk)}
    # And by the database, whoever did not ask.
    plain = {"amount": 1, "currency": "EUR", "starts_at": after(starts)}
    with pytest.raises(IntegrityError, match="schedule_one_at_a_time"), transaction.atomic():
        PriceSchedule.objects.create(
            merchant=lipstick.merchant,
            variant=lipstick,
            ends_at=None if ends is None else after(ends),
            **plain,
        )


@pytest.mark.parametrize(("starts", "ends"), [(0, HOUR), (2 * HOUR, 3 * HOUR), (2 * HOUR, None), (0.5, None)])
def test_beside_each_other_they_may_be(lipstick: Variant, starts: float, ends: float | None) -> None:
    announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    announce(lipstick, plan(1400, starts, ends))
    assert PriceSchedule.objects.count() == 2


def test_the_same_again_is_the_same(lipstick: Variant) -> None:
    wanted = plan(1500, HOUR, 2 * HOUR)
    first = announce(lipstick, wanted)
    assert announce(lipstick, wanted) == first
    look(HOUR)
    assert announce(lipstick, plan(1500, None, 2 * HOUR), now=after(HOUR + 5)) == first


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (-1, HOUR),
        (HOUR, HOUR),
        (HOUR, HOUR - 1),
        (None, None),
        (None, 0),
        (None, -5),
        (HOUR, 6 * 366 * 86400.0),
    ],
)
def test_times_that_are_none_are_refused(lipstick: Variant, starts: float | None, ends: float | None) -> None:
    with pytest.raises(schedules.BadSchedule):
        announce(lipstick, plan(1500, starts, ends))


def test_what_could_not_be_a_price_is_refused(lipstick: Variant) -> None:
    with pytest.raises(prices.BadPrice):
        announce(lipstick, plan(0, HOUR))
    with pytest.raises(floors.NoListPrice):
        announce(make.variant(lipstick.merchant, amount=None), plan(1500, HOUR, 2 * HOUR))
    with pytest.raises(queries.UnknownVariant):
        schedules.make(merchant_id=make.merchant().pk, variant_id=lipstick.pk, plan=plan(1500, HOUR), now=NOW)


def test_only_so_many_can_be_announced(lipstick: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "MAX_OPEN", 2)
    announce(lipstick, plan(1500, 1))
    announce(lipstick, plan(1500, 2))
    with pytest.raises(schedules.TooManySchedules):
        announce(lipstick, plan(1500, 3))


def test_below_the_floor_it_is_refused_when_it_is_made(lipstick: Variant) -> None:
    floor(lipstick, 1600)
    with pytest.raises(floors.PriceBelowFloor):
        announce(lipstick, plan(1500, HOUR))


def test_a_floor_that_rose_since_holds_it_back_and_says_so(lipstick: Variant) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    floor(lipstick, 1600)
    other = make.variant(lipstick.merchant, amount=900)
    of_other = announce(other, plan(800, HOUR, 2 * HOUR))
    look(HOUR)
    assert standing(sale) == ("failed", "PRICE_BELOW_FLOOR")
    assert standing(of_other) == ("running", "")
    assert [amount for amount, *_ in history(lipstick)] == [2000]


def test_no_floor_is_set_above_the_price_that_comes_back(lipstick: Variant) -> None:
    higher = announce(lipstick, plan(2500, HOUR, 2 * HOUR))
    look(HOUR)
    with pytest.raises(floors.PriceBelowFloor) as refused:
        floor(lipstick, 2001)
    assert refused.value.data == {"price": {"amount": 2000, "currency": "EUR"}}
    floor(lipstick, 2000)
    say(lipstick, 2400, HOUR + 1)
    floor(lipstick, 2400)
    look(2 * HOUR)
    assert standing(higher) == ("done", "")
    assert prices.current([lipstick.pk])[lipstick.pk].amount == 2400


def test_a_floor_is_in_the_currency_of_the_price_that_comes_back(lipstick: Variant) -> None:
    dollars = schedules.Plan(prices.Quote(2500, None, "USD"), after(HOUR), after(2 * HOUR))
    announce(lipstick, dollars)
    look(HOUR)
    with pytest.raises(floors.OtherCurrency) as refused:
        floor(lipstick, 1)
    assert refused.value.data == {"currency": "EUR"}
    look(2 * HOUR)
    assert prices.current([lipstick.pk])[lipstick.pk].currency == "EUR"


def test_a_price_that_may_not_come_back_stays_away_and_says_so(lipstick: Variant) -> None:
    higher = announce(lipstick, plan(2500, HOUR, 2 * HOUR))
    look(HOUR)
    # As none can be set any more.
    PriceFloor.objects.create(
        variant=lipstick, merchant=lipstick.merchant, amount=2400, currency="EUR", updated_at=NOW
    )
    look(2 * HOUR)
    assert standing(higher) == ("failed", "PRICE_BEFORE_BELOW_FLOOR")
    assert prices.current([lipstick.pk])[lipstick.pk].amount == 2500


def unstorable(monkeypatch: pytest.MonkeyPatch, one: Variant, amount: int) -> None:
    """Have the database refuse a price of a variant."""
    move = prices.move

    def picky(**given: Any) -> set[Any]:
        if one.pk in given["quotes"] and given["quotes"][one.pk].amount == amount:
            raise IntegrityError
        return move(**given)

    monkeypatch.setattr(prices, "move", picky)


def test_what_cannot_be_stored_holds_nothing_else_up(
    lipstick: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make.variant(lipstick.merchant)
    bad, good = announce(lipstick, plan(1500, HOUR)), announce(other, plan(1500, HOUR))
    unstorable(monkeypatch, lipstick, 1500)
    assert look(HOUR) == 2
    assert (standing(bad), standing(good)) == (("failed", "NOT_APPLIED"), ("done", ""))
    assert look(HOUR) == 0


@pytest.mark.parametrize("ends", [3 * HOUR, None])
def test_a_sale_is_over_though_what_was_to_follow_cannot_be_stored(
    lipstick: Variant, ends: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    follows = announce(lipstick, plan(2500, 2 * HOUR, ends))
    look(HOUR)
    unstorable(monkeypatch, lipstick, 2500)
    assert look(2 * HOUR) == 1
    assert (standing(sale), standing(follows)) == (("done", ""), ("failed", "NOT_APPLIED"))
    assert history(lipstick)[-1] == (2000, after(2 * HOUR), None)
    assert look(3 * HOUR) == 0


def test_of_those_that_are_late_the_one_before_counts_where_the_last_cannot_be_stored(
    lipstick: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = announce(lipstick, plan(2500, HOUR)), announce(lipstick, plan(2600, 2 * HOUR))
    unstorable(monkeypatch, lipstick, 2600)
    look(3 * HOUR)
    assert (standing(first), standing(second)) == (("done", ""), ("failed", "NOT_APPLIED"))
    assert [amount for amount, *_ in history(lipstick)] == [2000, 2500]


def test_nothing_is_sold_at_the_price_of_a_sale_that_is_over(
    lipstick: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    look(HOUR)
    unstorable(monkeypatch, lipstick, 2000)
    Event.objects.all().delete()
    assert look(2 * HOUR) == 1
    assert standing(sale) == ("failed", "NOT_APPLIED")
    assert prices.current([lipstick.pk]) == {}
    assert history(lipstick)[-1] == (1500, after(HOUR), after(2 * HOUR))
    assert Event.objects.get().payload == {"variants": [str(lipstick.pk)]}
    assert look(3 * HOUR) == 0
    say(lipstick, 2100, 3 * HOUR)
    assert prices.current([lipstick.pk])[lipstick.pk].amount == 2100


@pytest.mark.parametrize("called_off", [True, False])
def test_what_comes_back_is_not_asked_whether_it_could_be_set_today(
    lipstick: Variant, called_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    look(HOUR)

    def stricter(quote: prices.Quote) -> None:
        raise prices.BadPrice(amount=quote.amount)

    monkeypatch.setattr(prices, "check", stricter)
    if called_off:
        call_off(sale, HOUR + 1)
    else:
        look(2 * HOUR)
    assert prices.current([lipstick.pk])[lipstick.pk].amount == 2000
