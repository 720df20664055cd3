"""Two buyers at once for the last piece: exactly one gets it. The controls show that the guards do it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from catalog.models import Stock
from catalog.shelf import stock
from tests.catalog import make
from tests.catalog.make import NOW
from tests.orders.threads import at_once, comes_to_wait

pytestmark = pytest.mark.django_db(transaction=True)

Take = Callable[[UUID], None]


def guarded(variant_id: UUID) -> None:
    stock.take(units={variant_id: 1}, now=NOW)


def careless(both_have_read: threading.Barrier) -> Take:
    """The usual mistake: read, decide, write what was computed."""

    def take(variant_id: UUID) -> None:
        row = Stock.objects.get(pk=variant_id)
        both_have_read.wait(10)
        if row.available < 1:
            raise stock.OutOfStock(variant=variant_id, left=row.available)
        row.available -= 1
        row.save(update_fields=["available"])

    return take


def unconditional(variant_id: UUID) -> None:
    """Half a guard: no lost update, but nobody looks whether any is left."""
    Stock.objects.filter(pk=variant_id).update(available=F("available") - 1)


def sell(variant_id: UUID, take: Take, *, buyers: int) -> list[Any]:
    """Let buyers take one piece each at the same time, each in a transaction; return who was refused how."""

    def buy() -> str:
        with transaction.atomic():
            take(variant_id)
        return "sold"

    return at_once([buy] * buyers)


@contextmanager
def without_check() -> Iterator[None]:
    constraint = next(c for c in Stock._meta.constraints if c.name == "stock_never_negative")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Stock, constraint)
    try:
        yield
    finally:
        Stock.objects.filter(available__lt=0).update(available=0)
        with connection.schema_editor() as editor:
            editor.add_constraint(Stock, constraint)


@pytest.mark.parametrize("pieces", [1, 5])
def test_buyers_at_once_get_what_there_is_and_not_more(pieces: int) -> None:
    one = make.variant(make.merchant(), stocked=pieces)
    outcomes = sell(one.pk, guarded, buyers=8)
    assert outcomes.count("sold") == pieces
    assert sum(isinstance(outcome, stock.OutOfStock) for outcome in outcomes) == 8 - pieces
    assert make.left(one) == 0


def test_the_second_buyer_waits_for_the_first_and_is_refused() -> None:
    one = make.variant(make.merchant(), stocked=1)
    outcome: list[Any] = []

    def second() -> None:
        try:
            guarded(one.pk)
        except stock.OutOfStock as refused:
            outcome.append(refused)
        finally:
            connection.close()

    late = threading.Thread(target=second)
    with transaction.atomic():
        guarded(one.pk)
        late.start()
        assert comes_to_wait()
        assert not outcome
    late.join(10)
    assert [refused.data["left"] for refused in outcome] == [0]


def test_control_reading_before_writing_sells_the_last_piece_twice() -> None:
    one = make.variant(make.merchant(), stocked=1)
    outcomes = sell(one.pk, careless(threading.Barrier(2)), buyers=2)
    assert outcomes == ["sold", "sold"]


def test_control_without_condition_and_check_stock_goes_below_zero() -> None:
    one = make.variant(make.merchant(), stocked=1)
    with without_check():
        assert sell(one.pk, unconditional, buyers=3) == ["sold"] * 3
        assert make.left(one) == -2


def test_the_check_alone_stops_an_unconditional_writer() -> None:
    one = make.variant(make.merchant(), stocked=1)
    outcomes = sell(one.pk, unconditional, buyers=3)
    assert outcomes.count("sold") == 1
    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 2
    assert make.left(one) == 0


def test_a_merchant_who_adjusts_and_sets_while_it_sells_loses_nothing() -> None:
    seller = make.merchant()
    one = make.variant(seller, stocked=50)

    def buy() -> int:
        guarded(one.pk)
        return 1

    def adjust() -> int:
        stock.adjust(merchant_id=seller.pk, variant_id=one.pk, delta=3, note="", now=NOW)
        return 0

    def count() -> int:
        stock.set_level(merchant_id=seller.pk, variant_id=one.pk, available=40, note="", now=NOW)
        return 0

    outcomes = at_once([buy, adjust, buy, count, buy, adjust, buy, count])
    assert all(isinstance(outcome, int) for outcome in outcomes)
    assert make.left(one) == make.moved(one) - sum(outcomes)


def test_carts_with_the_same_goods_in_another_order_do_not_block_each_other() -> None:
    seller = make.merchant()
    first, second = (make.variant(seller, stocked=40) for _ in range(2))
    carts = [{first.pk: 1, second.pk: 1}, {second.pk: 1, first.pk: 1}]
    outcomes = at_once([partial(stock.take, units=cart, now=NOW) for cart in carts * 4])
    assert outcomes == [None] * 8
    assert (make.left(first), make.left(second)) == (32, 32)


def test_control_in_the_order_of_the_cart_they_block_each_other() -> None:
    seller = make.merchant()
    first, second = (make.variant(seller, stocked=40) for _ in range(2))
    both_have_one = threading.Barrier(2)

    def buy(a: UUID, b: UUID) -> str:
        with transaction.atomic():
            guarded(a)
            both_have_one.wait(10)
            guarded(b)
        return "sold"

    outcomes = at_once([lambda: buy(first.pk, second.pk), lambda: buy(second.pk, first.pk)])
    assert outcomes.count("sold") == 1
    assert sum(isinstance(outcome, OperationalError) for outcome in outcomes) == 1
