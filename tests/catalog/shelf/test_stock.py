"""Stock: promised, given back, set and adjusted, and never below zero."""

import pytest
from django.db import IntegrityError, transaction

from catalog import queries
from catalog.models import Stock, StockMovement
from catalog.shelf import stock
from commerce import ids
from commerce.models import Event
from tests.catalog import make
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


def test_taking_and_giving_back() -> None:
    one = make.variant(make.merchant(), stocked=10)
    stock.take(units={one.pk: 4}, now=NOW)
    assert make.left(one) == 6
    stock.give_back(units={one.pk: 4}, now=NOW)
    assert make.left(one) == 10
    assert Stock.objects.get(pk=one.pk).version == 3
    assert make.moved(one) == 10  # sales are no movements


def test_one_variant_too_many_takes_nothing_of_the_others() -> None:
    seller = make.merchant()
    first, second = make.variant(seller, stocked=5), make.variant(seller, stocked=1)
    with pytest.raises(stock.OutOfStock) as refused:
        stock.take(units={first.pk: 2, second.pk: 2}, now=NOW)
    assert refused.value.data == {"variant": str(second.pk), "left": 1}
    assert (make.left(first), make.left(second)) == (5, 1)


def test_a_variant_nobody_stocks_is_out_of_stock() -> None:
    with pytest.raises(stock.OutOfStock):
        stock.take(units={ids.new(): 1}, now=NOW)


def test_setting_keeps_the_difference_as_a_movement_and_tells_the_shows() -> None:
    seller = make.merchant()
    one = make.variant(seller, stocked=10)
    stock.take(units={one.pk: 3}, now=NOW)
    row = stock.set_level(merchant_id=seller.pk, variant_id=one.pk, available=20, note="counted", now=NOW)
    assert row.available == 20
    movement = StockMovement.objects.filter(variant=one).latest("id")
    assert (movement.delta, movement.reason, movement.note) == (13, "set", "counted")
    event = Event.objects.get(name="stock.moved")
    assert event.payload == {"variants": [str(one.pk)], "offers": []}


def test_setting_what_is_there_moves_nothing() -> None:
    seller = make.merchant()
    one = make.variant(seller, stocked=10)
    stock.set_level(merchant_id=seller.pk, variant_id=one.pk, available=10, note="", now=NOW)
    assert StockMovement.objects.filter(variant=one).count() == 1
    assert not Event.objects.filter(name="stock.moved").exists()


def test_adjusting_adds_to_what_is_left() -> None:
    seller = make.merchant()
    one = make.variant(seller, stocked=10)
    stock.take(units={one.pk: 4}, now=NOW)
    assert stock.adjust(merchant_id=seller.pk, variant_id=one.pk, delta=5, note="", now=NOW).available == 11
    assert stock.adjust(merchant_id=seller.pk, variant_id=one.pk, delta=-11, note="", now=NOW).available == 0
    assert make.moved(one) - 4 == make.left(one)


def test_adjusting_below_zero_is_refused() -> None:
    seller = make.merchant()
    one = make.variant(seller, stocked=2)
    with pytest.raises(stock.OutOfStock) as refused:
        stock.adjust(merchant_id=seller.pk, variant_id=one.pk, delta=-3, note="", now=NOW)
    assert refused.value.data["left"] == 2
    assert make.left(one) == 2


@pytest.mark.parametrize("available", [-1, stock.MAX_UNITS + 1])
def test_stock_has_bounds(available: int) -> None:
    seller = make.merchant()
    one = make.variant(seller)
    with pytest.raises(stock.TooMuchStock):
        stock.set_level(merchant_id=seller.pk, variant_id=one.pk, available=available, note="", now=NOW)
    with pytest.raises(stock.TooMuchStock):
        stock.adjust(merchant_id=seller.pk, variant_id=one.pk, delta=stock.MAX_UNITS, note="", now=NOW)


def test_another_merchants_variant_is_unknown() -> None:
    one, stranger = make.variant(make.merchant()), make.merchant()
    with pytest.raises(queries.UnknownVariant):
        stock.set_level(merchant_id=stranger.pk, variant_id=one.pk, available=1, note="", now=NOW)
    with pytest.raises(queries.UnknownVariant):
        stock.adjust(merchant_id=stranger.pk, variant_id=one.pk, delta=1, note="", now=NOW)
    assert make.left(one) == 10


def test_the_table_itself_refuses_negative_stock() -> None:
    one = make.variant(make.merchant(), stocked=1)
    with pytest.raises(IntegrityError, match="stock_never_negative"), transaction.atomic():
        Stock.objects.filter(pk=one.pk).update(available=-1)


def test_the_table_itself_refuses_another_merchants_row() -> None:
    one, stranger = make.variant(make.merchant()), make.merchant()
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        Stock.objects.filter(pk=one.pk).update(merchant=stranger)
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        StockMovement.objects.create(merchant=stranger, variant=one, delta=1, reason="set")
