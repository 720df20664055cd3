"""Prices: closed when the next begins, never changed, and the lowest of the last 30 days."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from catalog import queries
from catalog.models import Price, Variant
from catalog.pricing import prices
from commerce import ids, money
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db


def change(
    one: Variant, amount: int, *, at: float = 0, compare_at: int | None = None, currency: str = "EUR"
) -> Price:
    return prices.change(
        merchant_id=one.merchant_id,
        variant_id=one.pk,
        amount=amount,
        compare_at=compare_at,
        currency=currency,
        now=after(at),
    )


def test_a_new_price_closes_the_one_before() -> None:
    one = make.variant(make.merchant(), amount=1999)
    change(one, 1499, at=60, compare_at=1999)
    history = list(
        one.prices.order_by("valid_from").values_list("amount", "compare_at", "valid_from", "valid_to")
    )
    assert history == [(1999, None, NOW, after(60)), (1499, 1999, after(60), None)]
    assert prices.current([one.pk])[one.pk].amount == 1499


def test_the_same_price_again_changes_nothing() -> None:
    one = make.variant(make.merchant(), amount=1999)
    first = prices.current([one.pk])[one.pk]
    assert change(one, 1999, at=60) == first
    assert one.prices.count() == 1


def test_another_currency_or_comparison_is_a_new_price() -> None:
    one = make.variant(make.merchant(), amount=1999)
    change(one, 1999, at=1, compare_at=2500)
    change(one, 1999, at=2, currency="USD")
    assert one.prices.count() == 3


def test_a_clock_that_runs_behind_ends_no_price_before_it_began() -> None:
    one = make.variant(make.merchant(), amount=1999)
    change(one, 1499, at=-60)
    old, new = one.prices.order_by("amount").reverse()
    assert old.valid_to == old.valid_from == new.valid_from == NOW


@pytest.mark.parametrize(
    ("amount", "compare_at"), [(0, None), (-1, None), (money.MAX_AMOUNT + 1, None), (1000, 1000), (1000, 999)]
)
def test_amounts_that_cannot_be_charged_are_refused(amount: int, compare_at: int | None) -> None:
    one = make.variant(make.merchant())
    with pytest.raises(prices.BadPrice):
        change(one, amount, compare_at=compare_at)


def test_a_price_that_could_never_be_paid_is_refused() -> None:
    one = make.variant(make.merchant())
    with pytest.raises(prices.PriceNotPayable) as refused:
        change(one, 5124, currency="KWD")
    assert (refused.value.code, refused.value.data["step"]) == ("NOT_PAYABLE", 10)
    change(one, 5120, currency="KWD")


def test_a_currency_that_is_none_is_refused() -> None:
    with pytest.raises(prices.BadCurrency):
        change(make.variant(make.merchant()), 1000, currency="XXX")


def test_the_lowest_of_the_last_thirty_days() -> None:
    one = make.variant(make.merchant(), amount=1000)
    day = 24 * 3600
    change(one, 800, at=1 * day)
    change(one, 900, at=2 * day)

    def lowest(days: float) -> int | None:
        return prices.lowest(one.pk, queries.reduction_window(NOW + timedelta(days=days)))

    assert lowest(10) == 800
    assert lowest(31.9) == 800
    assert lowest(33) == 900  # the 800 ended more than 30 days ago


def test_the_lowest_is_of_the_current_currency() -> None:
    one = make.variant(make.merchant(), amount=100)
    change(one, 2000, at=60, currency="USD")
    assert prices.lowest(one.pk, NOW) == 2000


DAY = 24 * 3600


def proven(one: Variant, days: float, *, currency: str = "EUR") -> int | None:
    return prices.proven([one.pk], currency=currency, at=after(days * DAY)).get(one.pk)


def test_the_prior_price_is_the_lowest_of_the_thirty_days_before() -> None:
    one = make.variant(make.merchant(), amount=1000)
    change(one, 800, at=40 * DAY)
    change(one, 900, at=41 * DAY)
    assert proven(one, 40) == 1000  # the 800 begins with the reduction, not before it
    assert proven(one, 40.1) == proven(one, 70.9) == 800
    assert proven(one, 71) == 900


def test_a_history_shorter_than_thirty_days_proves_nothing() -> None:
    one = make.variant(make.merchant(), amount=1000)
    assert proven(one, 29.9) is None
    assert proven(one, 30) == 1000
    assert proven(make.variant(make.merchant(), amount=None), 40) is None


def test_a_price_in_another_currency_breaks_the_history() -> None:
    one = make.variant(make.merchant(), amount=1000)
    change(one, 1100, at=50 * DAY, currency="USD")
    change(one, 1000, at=51 * DAY)
    assert proven(one, 60) is None
    assert proven(one, 60, currency="USD") is None
    assert proven(one, 81) == 1000


def test_a_variant_without_a_price_has_no_lowest() -> None:
    one = make.variant(make.merchant(), amount=None)
    assert prices.lowest(one.pk, NOW) is None
    assert prices.current([one.pk, ids.new()]) == {}


def test_another_merchants_variant_is_unknown_and_nothing_is_written() -> None:
    mine, other = make.variant(make.merchant()), make.variant(make.merchant())
    quote = prices.Quote(100, None, "EUR")
    with pytest.raises(queries.UnknownVariant):
        prices.change_many(merchant_id=mine.merchant_id, quotes={mine.pk: quote, other.pk: quote}, now=NOW)
    assert Price.objects.filter(amount=100).count() == 0


def test_the_table_itself_holds_one_current_price_per_variant() -> None:
    one = make.variant(make.merchant())
    with pytest.raises(IntegrityError, match="price_one_current"), transaction.atomic():
        Price.objects.create(merchant=one.merchant, variant=one, amount=1, currency="EUR")
    with pytest.raises(IntegrityError, match="price_ends_after_it_starts"), transaction.atomic():
        Price.objects.filter(variant=one).update(valid_to=NOW - timedelta(seconds=1))
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        Price.objects.filter(variant=one).update(merchant=make.merchant())
