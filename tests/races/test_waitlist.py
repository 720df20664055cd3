"""Lines in which several things happen at once. Each guard has a control that shows what it prevents."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet

from catalog.models import StockMovement
from catalog.shelf import stock
from orders import holds
from orders.models import Hold, Purchase, Setback, WaitlistEntry
from orders.waitlist import keeping, places, queue
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.threads import at_once, comes_to_wait
from tests.orders.waitlist.lining import Drop, drop, status

pytestmark = pytest.mark.django_db(transaction=True)


def empty(stocked: int = 2) -> Drop:
    """A variant of which every unit is promised to somebody, by hand."""
    made = drop(stocked=stocked)
    stock.take(units={made.variant.id: stocked}, now=NOW)
    return made


def coming_back(made: Drop, units: int = 1) -> Callable[[], Any]:
    def act() -> Any:
        with transaction.atomic():
            return queue.give_back(units={made.variant.id: units}, now=after(1))

    return act


def offered(made: Drop) -> int:
    rows = WaitlistEntry.objects.filter(variant=made.variant, status="offered")
    return sum(rows.values_list("quantity", flat=True))


# --- several units for one line ---


def test_two_units_that_return_at_once_go_to_the_first_two_of_three() -> None:
    made = empty()
    line = [made.join(listed=True) for _ in range(3)]

    assert at_once([coming_back(made)] * 2) == [None, None]

    assert [status(each) for each in line] == ["offered", "offered", "waiting"]
    assert make.left(made.variant) == 0


def test_control_without_the_lines_lock_both_units_are_the_first_ones(monkeypatch: Any) -> None:
    made = empty()
    line = [made.join(listed=True) for _ in range(3)]
    both, look = threading.Barrier(2), queue.waiting_for

    def look_together(*given: Any, **more: Any) -> Any:
        found = look(*given, **more)
        both.wait(10)
        return found

    monkeypatch.setattr(queue, "lock", lambda *given, **more: None)
    monkeypatch.setattr(queue, "waiting_for", look_together)

    at_once([coming_back(made)] * 2)

    assert [status(each) for each in line] == ["offered", "waiting", "waiting"]
    assert offered(made) + make.left(made.variant) == 1, "one of the two units is nobody's"


def test_whatever_comes_and_goes_every_unit_is_somewhere() -> None:
    made = empty(stocked=6)
    line = [made.join(listed=True) for _ in range(4)]
    fifth = make.buyer()
    acts = [coming_back(made)] * 6 + [
        lambda: places.leave(
            buyer_id=line[1].buyer_id, variant_id=made.variant.id, offer_id=None, now=after(1)
        ),
        lambda: made.join(fifth, listed=True),
        lambda: keeping.end_turns(now=after(1)),
        lambda: queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1)),
    ]

    outcomes = at_once(acts)

    assert [each for each in outcomes if isinstance(each, Exception)] in ([], [outcomes[7]])
    assert not Setback.objects.exists()
    assert offered(made) + make.left(made.variant) == 6
    assert not WaitlistEntry.objects.filter(variant=made.variant, status="waiting").exists()


# --- joining at the moment at which units return ---


def _joining_meets_return(made: Drop, monkeypatch: Any) -> tuple[Any, Any]:
    """She has seen that nothing is left and not yet joined, when a unit comes back."""
    seen, go_on = threading.Event(), threading.Event()
    save = WaitlistEntry.save

    def late(self: WaitlistEntry, **more: Any) -> None:
        if more.get("force_insert"):
            seen.set()
            go_on.wait(2)  # With the guard the return waits for her, so that nobody would ever say go.
        save(self, **more)

    monkeypatch.setattr(WaitlistEntry, "save", late)

    def come_back() -> None:
        seen.wait(10)
        coming_back(made)()
        go_on.set()

    outcomes = at_once([lambda: made.join(listed=True), come_back])
    return outcomes[0], outcomes[1]


def test_who_joins_while_a_unit_returns_is_seen() -> None:
    made = empty(stocked=1)
    with pytest.MonkeyPatch.context() as patch:
        entry, _ = _joining_meets_return(made, patch)

    assert (status(entry), make.left(made.variant)) == ("offered", 0)


def test_control_without_the_lines_lock_she_waits_beside_a_unit_on_sale(monkeypatch: Any) -> None:
    made = empty(stocked=1)
    monkeypatch.setattr(queue, "lock", lambda *given, **more: None)

    entry, _ = _joining_meets_return(made, monkeypatch)

    assert (status(entry), make.left(made.variant)) == ("waiting", 1)


def test_joining_twice_at_once_is_one_place() -> None:
    made = empty()
    ana = make.buyer()

    outcomes = at_once([lambda: made.join(ana, listed=True)] * 3)

    assert [type(each) for each in outcomes].count(places.AlreadyInLine) == 2
    assert WaitlistEntry.objects.filter(buyer=ana).count() == 1


def test_control_without_the_constraint_joining_twice_is_two_places() -> None:
    made = empty()
    place = made.join(listed=True)

    def again() -> None:
        WaitlistEntry.objects.create(buyer=place.buyer, variant=made.variant, stream=made.stream)

    with pytest.raises(IntegrityError, match="waitlist_once"):
        again()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX waitlist_once")
        again()
        assert WaitlistEntry.objects.filter(buyer=place.buyer).count() == 2
        transaction.set_rollback(True)


# --- a turn ends while its owner presses buy ---


def _turn(made: Drop) -> WaitlistEntry:
    entry = made.join(listed=True)
    coming_back(made)()
    entry.refresh_from_db()
    assert entry.status == "offered"
    return entry


def _buy(
    entry: WaitlistEntry,
    *,
    seconds: float,
    pressed: threading.Event | None = None,
    until: threading.Event | None = None,
    patience: float = 10,
) -> int:
    with transaction.atomic():
        line = entry.variant_id, None
        used = places.take_turns(buyer_id=entry.buyer_id, wanted={line: 1}, now=after(seconds)).get(line, 0)
        if pressed is not None and until is not None:
            pressed.set()
            until.wait(patience)
        return used


def _sweep_meets_purchase(entry: WaitlistEntry, *, patience: float) -> tuple[int, int]:
    """She pressed in time, and the sweep comes while her purchase is being written."""
    pressed, swept = threading.Event(), threading.Event()

    def sweep() -> int:
        pressed.wait(10)
        try:
            return keeping.end_turns(now=after(200))
        finally:
            swept.set()

    def buy() -> int:
        return _buy(entry, seconds=100, pressed=pressed, until=swept, patience=patience)

    bought, ended = at_once([buy, sweep])
    return bought, ended


def test_a_turn_that_is_being_bought_does_not_end() -> None:
    made = empty(stocked=1)
    entry = _turn(made)

    assert _sweep_meets_purchase(entry, patience=10) == (1, 0)

    assert (status(entry), make.left(made.variant)) == ("bought", 0)


def test_control_without_the_turns_lock_its_unit_is_bought_and_on_sale(monkeypatch: Any) -> None:
    made = empty(stocked=1)
    entry = _turn(made)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **how: rows)

    assert _sweep_meets_purchase(entry, patience=0.5) == (1, 1)

    assert make.left(made.variant) == 1


def test_buying_and_ending_a_turn_at_once_is_one_of_them() -> None:
    for _ in range(5):
        made = empty(stocked=1)
        entry = _turn(made)

        buy, end = partial(_buy, entry, seconds=119), partial(keeping.end_turns, now=after(200))
        bought, _ = at_once([buy, end])

        keeping.end_turns(now=after(200))
        assert (bought, status(entry), make.left(made.variant)) in ((1, "bought", 0), (0, "lapsed", 1))


def test_two_sweeps_end_a_turn_once() -> None:
    made = empty(stocked=1)
    _turn(made)

    assert sum(at_once([lambda: keeping.end_turns(now=after(200))] * 4)) == 1

    assert make.left(made.variant) == 1


def _paying_again_meets_a_till() -> Any:
    """She has two turns. She pays a declined purchase of both again, on another device, while a till that
    locks turns by their ids has the first of them in hand and goes on to the second.
    """
    buyer = make.buyer()
    # The first variant by id is the one that she lined up for last.
    last, first = sorted((make.variant(stocked=1) for _ in range(2)), key=lambda each: each.id)
    stream = make.show(first, last)
    purchase = make.basket((last, 1), (first, 1), by=buyer, stream=stream).go()
    turns = [
        WaitlistEntry.objects.create(
            buyer=buyer, variant=each, stream=stream, status="offered", turn_until=after(100)
        )
        for each in (first, last)
    ]
    Hold.objects.filter(purchase=purchase).update(status="released")
    Purchase.objects.filter(pk=purchase.pk).update(status="declined")
    one = threading.Event()

    def till() -> bool:
        with transaction.atomic():
            mine = WaitlistEntry.objects.select_for_update()
            mine.get(pk=turns[0].pk)
            one.set()
            waited_for = comes_to_wait(5)
            mine.get(pk=turns[1].pk)
        return waited_for

    def pay_again() -> int:
        one.wait(10)
        with transaction.atomic():
            holds.retake(purchase=Purchase.objects.select_for_update().get(pk=purchase.pk), now=after(9))
        return WaitlistEntry.objects.filter(status="bought").count()

    return at_once([till, pay_again])


def test_turns_are_locked_in_the_tills_order_when_a_purchase_is_paid_again() -> None:
    assert _paying_again_meets_a_till() == [True, 2]


def test_control_in_the_order_of_the_goods_one_of_the_two_dies(monkeypatch: Any) -> None:
    def by_variant(*, wanted: Any, **more: Any) -> Any:
        return {
            line: units
            for each in sorted(wanted)
            for line, units in real(wanted={each: wanted[each]}, **more).items()
        }

    real = places.take_turns
    monkeypatch.setattr(places, "take_turns", by_variant)

    outcomes = _paying_again_meets_a_till()

    assert [type(each) for each in outcomes].count(OperationalError) == 1, outcomes
    assert "deadlock" in str(next(each for each in outcomes if isinstance(each, OperationalError)))


def test_two_devices_use_a_turn_once() -> None:
    made = empty(stocked=1)
    entry = _turn(made)

    assert sorted(at_once([lambda: _buy(entry, seconds=5)] * 3)) == [0, 0, 1]


# --- units added by a merchant, and a death on the way ---


def test_a_line_is_served_once_however_often_it_is_told() -> None:
    made = drop(stocked=0, quota=5)
    line = [made.join() for _ in range(3)]
    stock.adjust(
        merchant_id=made.variant.merchant_id, variant_id=made.variant.id, delta=2, note="", now=after(1)
    )

    at_once([lambda: queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1))] * 4)

    assert [status(each) for each in line] == ["offered", "offered", "waiting"]
    assert made.left() == (0, 3)
    assert StockMovement.objects.filter(variant=made.variant).count() == 1
    assert make.broken() == []


def test_what_fails_on_the_way_leaves_everything_where_it_was(monkeypatch: Any) -> None:
    made = empty(stocked=1)
    entry = made.join()
    monkeypatch.setattr(queue, "_begin", lambda *given: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        coming_back(made)()

    assert (status(entry), make.left(made.variant)) == ("waiting", 0)
    monkeypatch.undo()
    coming_back(made)()
    assert status(entry) == "offered"
