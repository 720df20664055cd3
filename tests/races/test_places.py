"""Two who write what lies at one location at the same moment: both changes count, and all adds up."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from catalog.models import Location, LocationStock, Stock, StockMovement, Variant
from catalog.shelf import locations, places, stock
from tests.catalog import located, make
from tests.catalog.located import KEY, adds_up, adjust_there, close, lying, move, set_there
from tests.catalog.make import NOW

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


@pytest.fixture
def one() -> Variant:
    made = make.variant(located.seller(), stocked=10)
    set_there(made, "berlin", 10)
    return made


def careless(one: Variant) -> None:
    """The usual mistake: read what lies there, and write what it shall be, without the lock of the stock."""
    row = LocationStock.objects.get(variant=one, location__code="berlin")
    StockMovement.objects.create(
        merchant=one.merchant,
        variant=one,
        location_id=row.location_id,
        delta=-2,
        on_hand_delta=-2,
        reason="adjust",
    )
    LocationStock.objects.filter(pk=row.pk).update(on_hand=row.on_hand - 2)


def test_control_without_the_lock_a_change_is_lost(one: Variant) -> None:
    with transaction.atomic():
        adjust_there(one, "berlin", -3)
        thread, _ = meanwhile(lambda: careless(one), seconds=0.3)
    thread.join(10)

    assert lying(one)["berlin"] == 8
    assert not adds_up(one)


@pytest.mark.parametrize(
    ("second", "berlin", "available"),
    [
        (lambda one: adjust_there(one, "berlin", -2), 5, 15),
        (lambda one: set_there(one, "berlin", 4), 4, 14),
        (lambda one: move(one, "berlin", "lyon", 2), 5, 17),
        (lambda one: move(one, "main", "berlin", 2), 9, 17),
    ],
    ids=["adjust", "set", "away", "to it"],
)
def test_two_writers_of_one_location_come_one_after_the_other(
    one: Variant, second: Callable[[Variant], None], berlin: int, available: int
) -> None:
    with transaction.atomic():
        adjust_there(one, "berlin", -3)
        thread, outcome = meanwhile(lambda: second(one), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert outcome == [None]
    assert lying(one)["berlin"] == berlin
    assert Stock.objects.get(pk=one.pk).available == available
    assert adds_up(one)


def test_a_transfer_sees_what_was_set_and_leaves_no_less_than_nothing(one: Variant) -> None:
    with transaction.atomic():
        set_there(one, "berlin", 1)
        thread, outcome = meanwhile(lambda: move(one, "berlin", "lyon", 2), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert isinstance(outcome[0], places.NotEnoughThere)
    assert outcome[0].data["left"] == 1
    assert adds_up(one)


def test_a_sale_that_is_being_made_is_counted_before_units_go(one: Variant) -> None:
    with transaction.atomic():
        stock.take(units={one.pk: 15}, now=NOW)
        thread, outcome = meanwhile(lambda: adjust_there(one, "berlin", -6), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert isinstance(outcome[0], stock.OutOfStock)
    assert outcome[0].data["left"] == 5


def test_writers_in_any_order_of_variants_never_wait_for_each_other_for_ever(one: Variant) -> None:
    seller = one.merchant
    some = [one, *(make.variant(seller, stocked=100) for _ in range(5))]
    start = threading.Barrier(4)

    def many(turn: int) -> None:
        start.wait(10)
        for step in range(10):
            order = some if (turn + step) % 2 else some[::-1]
            levels = {(each.pk, "lyon" if turn % 2 else "berlin"): turn + step for each in order}
            places.set_levels(merchant_id=seller.pk, levels=levels, note="", by=KEY, now=NOW)

    crews = [meanwhile(lambda turn=turn: many(turn), seconds=0) for turn in range(4)]  # type: ignore[misc]
    for thread, _ in crews:
        thread.join(60)
    assert [outcome for _, outcome in crews] == [[None]] * 4
    assert all(adds_up(each) for each in some)


def test_a_location_does_not_close_while_goods_come_to_it(one: Variant) -> None:
    with transaction.atomic():
        move(one, "main", "lyon", 2)
        thread, outcome = meanwhile(lambda: close(one.merchant, "lyon"), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert isinstance(outcome[0], locations.LocationNotEmpty)


def test_goods_do_not_come_to_a_location_that_is_being_closed(one: Variant) -> None:
    with transaction.atomic():
        close(one.merchant, "lyon")
        thread, outcome = meanwhile(lambda: move(one, "main", "lyon", 2), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert isinstance(outcome[0], locations.LocationClosed)


def test_of_two_first_locations_one_is_the_main_one() -> None:
    seller = make.merchant()
    with transaction.atomic():
        locations.create(merchant_id=seller.pk, code="a", name="A", now=NOW)
        thread, outcome = meanwhile(
            lambda: locations.create(merchant_id=seller.pk, code="b", name="B", now=NOW), seconds=0.2
        )
        assert thread.is_alive()
    thread.join(10)
    assert isinstance(outcome[0], Location)
    assert dict(Location.objects.values_list("code", "is_main")) == {"a": True, "b": False}


def unlocked(merchant_id: Any, codes: Any) -> dict[str, Location]:
    """The usual mistake: look whether a location is open, and keep nobody from closing it."""
    return {row.code: row for row in Location.objects.filter(merchant_id=merchant_id, code__in=codes)}


def test_control_without_the_lock_goods_come_to_a_location_that_is_closed(
    one: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "shared", unlocked)
    with transaction.atomic():
        close(one.merchant, "lyon")
        thread, outcome = meanwhile(lambda: move(one, "main", "lyon", 2), seconds=10)
        assert not thread.is_alive()

    assert outcome == [None]
    assert not Location.objects.get(code="lyon").is_active
    assert lying(one)["lyon"] == 2
