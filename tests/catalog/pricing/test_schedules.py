"""Announced prices: made, applied when due, ended, called off; what is said meanwhile comes back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.models import Price, PriceSchedule, Variant
from catalog.pricing import prices, schedules
from commerce import ids
from commerce.models import Event
from tests.catalog import make
from tests.catalog.announcing import HOUR, announce, call_off, history, look, plan, say, standing
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def lipstick() -> Variant:
    return make.variant(make.merchant(), amount=2000)


def test_a_price_begins_and_the_one_before_comes_back(lipstick: Variant) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR, compare_at=2000))
    assert look(HOUR - 1) == 0
    assert standing(sale) == ("upcoming", "")
    assert look(HOUR) == 1
    assert standing(sale) == ("running", "")
    current = prices.current([lipstick.pk])[lipstick.pk]
    assert (current.amount, current.compare_at) == (1500, 2000)
    assert look(2 * HOUR - 1) == 0
    assert look(2 * HOUR) == 1
    assert standing(sale) == ("done", "")
    assert history(lipstick) == [
        (2000, NOW, after(HOUR)),
        (1500, after(HOUR), after(2 * HOUR)),
        (2000, after(2 * HOUR), None),
    ]
    assert look(3 * HOUR) == 0


def test_rooms_hear_of_it_as_of_a_price_that_is_set(lipstick: Variant) -> None:
    announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    Event.objects.all().delete()
    look(HOUR)
    look(2 * HOUR)
    told = Event.objects.order_by("id").values_list("name", "payload")
    assert list(told) == [("price.moved", {"variants": [str(lipstick.pk)]})] * 2


def test_without_an_end_it_is_the_price_for_good(lipstick: Variant) -> None:
    one = announce(lipstick, plan(2500, HOUR))
    look(HOUR)
    assert standing(one) == ("done", "")
    assert history(lipstick)[-1] == (2500, after(HOUR), None)


def test_from_now_on_is_applied_at_once(lipstick: Variant) -> None:
    sale = announce(lipstick, plan(1500, None, HOUR))
    assert standing(sale) == ("running", "")
    assert prices.current([lipstick.pk])[lipstick.pk].amount == 1500
    assert sale.before_amount == 2000


def test_what_is_set_while_it_runs_comes_back(lipstick: Variant) -> None:
    announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    look(HOUR)
    say(lipstick, 2200, HOUR + 10)
    assert prices.current([lipstick.pk])[lipstick.pk].amount == 1500
    look(2 * HOUR)
    assert [amount for amount, *_ in history(lipstick)] == [2000, 1500, 2200]


def test_what_is_set_before_it_begins_comes_back(lipstick: Variant) -> None:
    announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    say(lipstick, 2200, 10)
    look(HOUR)
    look(2 * HOUR)
    assert [amount for amount, *_ in history(lipstick)] == [2000, 2200, 1500, 2200]


def test_a_late_look_says_from_when_buyers_paid_it(lipstick: Variant) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 3 * HOUR))
    look(2 * HOUR)
    assert history(lipstick) == [(2000, NOW, after(2 * HOUR)), (1500, after(2 * HOUR), None)]
    sale.refresh_from_db()
    assert (sale.starts_at, sale.began_at) == (after(HOUR), after(2 * HOUR))


def test_what_was_over_before_anybody_looked_is_told_as_missed(lipstick: Variant) -> None:
    first = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    second = announce(lipstick, plan(1600, 2 * HOUR, 4 * HOUR))
    look(3 * HOUR)
    assert standing(first) == ("failed", "MISSED")
    assert standing(second) == ("running", "")
    assert [amount for amount, *_ in history(lipstick)] == [2000, 1600]


def test_of_prices_for_good_that_are_late_the_last_counts(lipstick: Variant) -> None:
    first, second = announce(lipstick, plan(2500, HOUR)), announce(lipstick, plan(2600, 2 * HOUR))
    look(3 * HOUR)
    assert (standing(first), standing(second)) == (("failed", "MISSED"), ("done", ""))
    assert [amount for amount, *_ in history(lipstick)] == [2000, 2600]


def test_one_follows_another_without_the_price_between_them(lipstick: Variant) -> None:
    first = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    second = announce(lipstick, plan(1400, 2 * HOUR, 3 * HOUR))
    for at in (1, 2, 3):
        look(at * HOUR)
    assert (standing(first), standing(second)) == (("done", ""), ("done", ""))
    assert [amount for amount, *_ in history(lipstick)] == [2000, 1500, 1400, 2000]


def test_a_price_for_good_at_the_end_of_another_takes_its_place(lipstick: Variant) -> None:
    announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    announce(lipstick, plan(2500, 2 * HOUR))
    look(HOUR)
    look(2 * HOUR)
    assert [amount for amount, *_ in history(lipstick)] == [2000, 1500, 2500]


def test_what_is_called_off_never_begins(lipstick: Variant) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    assert call_off(sale, 5).status == call_off(sale, 6).status == "cancelled"
    assert look(HOUR) == 0
    announce(lipstick, plan(1400, HOUR, 2 * HOUR))


def test_what_is_called_off_while_it_runs_ends_at_once(lipstick: Variant) -> None:
    sale = announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    look(HOUR)
    call_off(sale, HOUR + 60)
    assert history(lipstick)[-1] == (2000, after(HOUR + 60), None)
    assert look(2 * HOUR) == 0


def test_what_is_over_or_anothers_cannot_be_called_off(lipstick: Variant) -> None:
    one = announce(lipstick, plan(1500, HOUR))
    look(HOUR)
    with pytest.raises(schedules.ScheduleOver):
        call_off(one, HOUR + 1)
    for who in (
        {"merchant_id": make.merchant().pk},
        {"variant_id": make.variant(lipstick.merchant).pk},
        {"schedule_id": ids.new()},
    ):
        mine: dict[str, Any] = {
            "merchant_id": one.merchant_id,
            "variant_id": one.variant_id,
            "schedule_id": one.pk,
        }
        with pytest.raises(schedules.UnknownSchedule):
            schedules.cancel(**{**mine, **who}, now=NOW)


def test_many_are_applied_in_as_many_statements_as_few() -> None:
    seller = make.merchant()
    taken = []
    for count in (1, 30):
        for _ in range(count):
            announce(make.variant(seller), plan(1500, 1, 2))
        with CaptureQueriesContext(connection) as made:
            assert look(1) == count
        taken.append(len(made))
        look(2)
    assert taken[0] == taken[1]


def test_a_row_names_no_variant_of_another_merchant(lipstick: Variant) -> None:
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        PriceSchedule.objects.create(
            merchant=make.merchant(),
            variant=lipstick,
            amount=1,
            currency="EUR",
            starts_at=NOW + timedelta(days=1),
        )


def test_the_lowest_price_of_30_days_knows_the_sale(lipstick: Variant) -> None:
    announce(lipstick, plan(1500, HOUR, 2 * HOUR))
    look(HOUR)
    look(2 * HOUR)
    assert prices.lowest(lipstick.pk, NOW) == 1500
    assert Price.objects.filter(variant=lipstick, valid_to=None).count() == 1
