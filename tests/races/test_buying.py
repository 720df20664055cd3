"""Many buyers at the same moment. Beside each race its control: what happens without the guard."""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.db.models import F

from catalog.models import Stock
from catalog.shelf import stock
from commerce import errors
from orders import transactions
from orders.models import Hold, Purchase
from orders.till import asking, ringing
from streams import grants, offers
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once
from tests.orders.till import asks

pytestmark = pytest.mark.django_db(transaction=True)


def accepted(outcomes: list[Any]) -> int:
    return sum(isinstance(outcome, Purchase) for outcome in outcomes)


def refusals(outcomes: list[Any]) -> set[type]:
    return {type(outcome) for outcome in outcomes if not isinstance(outcome, Purchase)}


# --- the last pieces ---


@contextmanager
def constraint_off(table: str, name: str, definition: str) -> Iterator[None]:
    """Take a constraint off; what breaks it has to be gone when the block ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _nobody_locks(monkeypatch: pytest.MonkeyPatch, meet: int) -> None:
    """Let all read the stock before one of them writes, without a lock."""
    asks.meet(monkeypatch)
    all_have_read = threading.Barrier(meet)

    def look(variant_ids: Collection[UUID], *, skip_locked: bool) -> dict[UUID, int]:
        found = dict(Stock.objects.filter(pk__in=variant_ids).values_list("pk", "available"))
        all_have_read.wait(10)
        return found

    monkeypatch.setattr(stock, "lock", look)


def test_control_without_lock_and_check_the_last_piece_is_sold_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=1)
    _nobody_locks(monkeypatch, meet=2)

    with constraint_off("catalog_stock", "stock_never_negative", "CHECK (available >= 0)"):
        outcomes = at_once([make.basket((lipstick, 1)).go for _ in range(2)])
        broken = make.broken()
        Stock.objects.update(available=0)

    assert accepted(outcomes) == 2
    assert "stock-not-negative" in broken


def test_without_the_lock_the_check_still_lets_nobody_have_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lipstick = make.variant(stocked=1)
    _nobody_locks(monkeypatch, meet=2)

    outcomes = at_once([make.basket((lipstick, 1)).go for _ in range(2)])

    assert accepted(outcomes) == 1
    assert refusals(outcomes) == {IntegrityError}
    assert make.left(lipstick) == 0
    assert make.broken() == []


@pytest.mark.parametrize("pieces", [1, 5])
def test_exactly_as_many_buyers_as_pieces_are_accepted(pieces: int) -> None:
    lipstick = make.variant(stocked=pieces)

    outcomes = at_once([make.basket((lipstick, 1)).go for _ in range(12)])

    assert accepted(outcomes) == pieces
    assert refusals(outcomes) == {stock.OutOfStock}
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_the_quota_of_an_offer_holds_under_a_rush() -> None:
    lipstick = make.variant(stocked=50)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=4, per_buyer=1)

    baskets = [make.basket((lipstick, 1, offer), stream=stream) for _ in range(12)]
    outcomes = at_once([lambda each=each: each.go(now=after(1)) for each in baskets])  # type: ignore[misc]

    assert accepted(outcomes) == 4
    assert refusals(outcomes) == {offers.OfferSoldOut}
    assert make.left(lipstick) == 46
    assert make.broken() == []


# --- one buyer's limit ---


def test_control_without_the_count_one_buyer_gets_more_than_her_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grants, "units_had", lambda *_, **__: {})

    outcomes = at_once(_three_presses())

    assert accepted(outcomes) == 3
    assert "offer-limit-adds-up" in make.broken()


def test_one_buyer_on_three_devices_gets_her_limit_and_no_more() -> None:
    outcomes = at_once(_three_presses())

    assert accepted(outcomes) == 1
    assert refusals(outcomes) == {offers.CustomerLimit}
    assert make.broken() == []


def _three_presses() -> list[Any]:
    lipstick, buyer = make.variant(stocked=50), make.buyer()
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=10, per_buyer=1)
    baskets = [make.basket((lipstick, 1, offer), by=buyer, stream=stream) for _ in range(3)]
    return [lambda each=each: each.go(now=after(1)) for each in baskets]


# --- the same key ---


def _nobody_has_bought_yet(monkeypatch: pytest.MonkeyPatch, meet: int) -> None:
    """Let all presses look for the key before one of them buys."""
    everybody_has_looked = threading.Barrier(meet)
    look, looked = ringing._known, threading.local()

    def known(batch: Sequence[asking.Asked]) -> dict[int, asking.Outcome]:
        found = look(batch)
        if not getattr(looked, "once", False):
            looked.once = True
            everybody_has_looked.wait(10)
        return found

    monkeypatch.setattr(ringing, "_known", known)


def test_control_without_the_unique_key_a_double_press_buys_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=10)
    basket = make.basket((lipstick, 1))
    _nobody_has_bought_yet(monkeypatch, meet=2)

    with constraint_off("orders_purchase", "purchase_key_once", "UNIQUE (buyer_id, key)"):
        outcomes = at_once([basket.again, basket.again])
        Purchase.objects.update(key=F("id"))

    assert [replayed for _, replayed in outcomes] == [False, False]
    assert make.left(lipstick) == 8


def test_one_key_on_four_sockets_is_one_purchase_and_all_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=10)
    basket = make.basket((lipstick, 1))
    _nobody_has_bought_yet(monkeypatch, meet=4)

    outcomes = at_once([basket.again] * 4)

    purchase = Purchase.objects.get()
    assert [one for one, _ in outcomes] == [purchase] * 4
    assert sorted(replayed for _, replayed in outcomes) == [False, True, True, True]
    assert make.left(lipstick) == 9
    assert make.broken() == []


# --- waiting for each other ---


def test_baskets_in_opposite_order_do_not_wait_in_a_circle() -> None:
    one, two = make.variant(stocked=500), make.variant(stocked=500)

    def presses(*order: Any) -> Any:
        baskets = [make.basket(*order) for _ in range(15)]
        return lambda: [basket.go() for basket in baskets]

    outcomes = at_once([presses((one, 1), (two, 1)), presses((two, 1), (one, 1))])

    assert not any(isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert Purchase.objects.count() == 30
    assert make.broken() == []


def test_a_deadlock_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks in the wrong order, as a mistake elsewhere would take them: both purchases still go through."""
    asks.meet(monkeypatch)
    one, two = make.variant(stocked=10), make.variant(stocked=10)
    first_lock_taken = threading.Barrier(2)
    me = threading.local()
    lock = stock.lock

    def lock_one_by_one(variant_ids: Collection[UUID], *, skip_locked: bool) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        for variant_id in sorted(variant_ids, reverse=me.backwards):
            found |= lock([variant_id], skip_locked=skip_locked)
            if not getattr(me, "met", False):
                me.met = True
                first_lock_taken.wait(10)
        return found

    def buying(basket: make.Basket, *, backwards: bool) -> Any:
        def act() -> Purchase:
            me.backwards = backwards
            with connection.cursor() as cursor:
                cursor.execute("SET deadlock_timeout = '50ms'")
            return basket.go()

        return act

    states: list[str | None] = []
    sqlstate = transactions.sqlstate

    def noted(error: BaseException) -> str | None:
        states.append(sqlstate(error))
        return states[-1]

    monkeypatch.setattr(transactions, "sqlstate", noted)
    monkeypatch.setattr(stock, "lock", lock_one_by_one)

    baskets = [make.basket((one, 1), (two, 1)) for _ in range(2)]
    outcomes = at_once([buying(basket, backwards=bool(n)) for n, basket in enumerate(baskets)])

    assert "40P01" in states
    assert accepted(outcomes) == 2, outcomes
    assert make.left(one) == make.left(two) == 8
    assert make.broken() == []


def test_a_row_that_stays_locked_is_a_busy_answer_and_other_goods_still_sell() -> None:
    hot, other = make.variant(), make.variant()
    locked, done = threading.Event(), threading.Event()

    def hold_the_row() -> None:
        with transaction.atomic():
            Stock.objects.select_for_update().get(pk=hot.id)
            locked.set()
            done.wait(20)

    def buy() -> list[Any]:
        locked.wait(10)
        try:
            results: list[Any] = [make.basket((other, 1)).go()]
            with pytest.raises(transactions.Busy) as busy:
                make.basket((hot, 1)).go()
            return [*results, busy.value]
        finally:
            done.set()

    _, outcome = at_once([hold_the_row, buy])

    purchase, busy = outcome
    assert isinstance(purchase, Purchase)
    assert (busy.code, busy.status, busy.temporary) == ("UNAVAILABLE", 503, True)
    assert Hold.objects.count() == 1
    assert make.left(hot) == 10
    assert make.broken() == []


# --- the database goes away ---


def test_a_lost_answer_to_commit_buys_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection dies after the commit was carried out: the key says that it was."""
    lipstick = make.variant(stocked=10)
    basket = make.basket((lipstick, 1))
    database: Any = type(connections["default"])
    commit, lost = database._commit, list[bool]()

    def commit_and_lose(self: Any) -> None:
        commit(self)
        if not lost:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(database, "_commit", commit_and_lose)

    purchase, replayed = basket.again()

    assert lost
    assert replayed
    assert Purchase.objects.get() == purchase
    assert make.left(lipstick) == 9
    assert make.broken() == []


def test_a_connection_killed_in_the_middle_buys_once_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=10)
    basket = make.basket((lipstick, 1))
    take, killed = stock.take_locked, list[bool]()

    def die(**given: Any) -> None:
        if not killed:
            killed.append(True)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        take(**given)

    monkeypatch.setattr(stock, "take_locked", die)

    purchase, replayed = basket.again()

    assert killed
    assert not replayed
    assert Purchase.objects.get() == purchase
    assert make.left(lipstick) == 9
    assert make.broken() == []


def test_a_database_that_stays_away_is_a_temporary_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=10)
    basket = make.basket((lipstick, 1))
    take = stock.take_locked

    def lose(**_: Any) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(stock, "take_locked", lose)
    with pytest.raises(transactions.OutcomeUnknown) as refused:
        basket.go()
    monkeypatch.setattr(stock, "take_locked", take)

    assert (refused.value.code, refused.value.temporary) == ("UNAVAILABLE", True)
    assert not Purchase.objects.exists()
    assert basket.again()[1] is False
    assert make.left(lipstick) == 9


def test_a_database_that_takes_no_writes_is_a_clear_answer() -> None:
    lipstick = make.variant()
    basket = make.basket((lipstick, 1))
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            with pytest.raises(errors.Unavailable):
                basket.go()
        finally:
            cursor.execute("SET default_transaction_read_only = off")
    assert basket.go().status == Purchase.Status.ACCEPTED


def test_merchants_may_change_stock_during_a_rush() -> None:
    """Deltas, not overwritten levels: nothing a merchant adds is lost to a sale, and the other way round."""
    lipstick = make.variant(stocked=20)

    def restock() -> None:
        for _ in range(10):
            stock.adjust(
                merchant_id=lipstick.merchant_id, variant_id=lipstick.id, delta=1, note="", now=after(1)
            )

    outcomes = at_once([restock, *[make.basket((lipstick, 1)).go for _ in range(8)]])

    assert accepted(outcomes) == 8
    assert make.left(lipstick) == 22
    assert make.broken() == []


def test_two_buyers_may_send_the_same_key_at_once() -> None:
    lipstick, key = make.variant(), uuid4()

    outcomes = at_once([make.basket((lipstick, 1), key=key).go for _ in range(3)])

    assert accepted(outcomes) == 3
