"""Stock set by a merchant's system while it is sold: nothing is oversold, nobody waits for each other."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from catalog import batches
from catalog.feeds.formats import rows
from catalog.models import Stock, Variant
from catalog.shelf import stock
from orders.models import Hold
from tests.orders import make
from tests.orders.make import NOW
from tests.orders.till.asks import rung, wants

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(act: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """Start the act in a thread of its own; returns it with what will have come of it."""
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(act())
        except OperationalError as error:
            came.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


def pair() -> list[Variant]:
    """Return two variants of a merchant in the order of their ids."""
    first = make.variant(stocked=100)
    return sorted([first, make.variant(stocked=100, seller=first.merchant)], key=lambda each: each.pk)


def synced(goods: list[Variant], available: int) -> list[batches.Result]:
    """Set the stock of goods by their SKUs, in this order."""
    sent = [rows.Level(at, one.sku, available=available) for at, one in enumerate(goods, 1)]
    return batches.set_stock(merchant_id=goods[0].merchant_id, sent=sent, now=NOW)


def test_control_whoever_writes_in_the_order_of_the_file_waits_for_a_sale_that_waits_for_it() -> None:
    goods = pair()
    wrote_last, locked_first = threading.Event(), threading.Event()

    def careless() -> None:
        with transaction.atomic():
            for one in reversed(goods):
                Stock.objects.filter(pk=one.pk).update(available=50)
                wrote_last.set()

    def sale() -> None:
        with transaction.atomic():
            stock.lock([goods[0].pk], skip_locked=False)
            locked_first.set()
            assert wrote_last.wait(10)
            stock.lock([goods[1].pk], skip_locked=False)

    acts = [elsewhere(sale)]
    assert locked_first.wait(10)
    acts.append(elsewhere(careless))
    for thread, _ in acts:
        thread.join(20)
    broken = [each for _, came in acts for each in came if each is not None]

    assert ["deadlock" in str(each) for each in broken] == [True]


def test_a_batch_takes_the_rows_in_the_order_in_which_sales_take_them() -> None:
    goods = pair()
    with transaction.atomic():
        stock.lock([goods[0].pk], skip_locked=False)
        thread, came = elsewhere(lambda: synced(goods[::-1], 50))
        thread.join(0.3)
        assert thread.is_alive()
        # It waits for the first and has not got the second.
        assert stock.lock([goods[1].pk], skip_locked=True)
    thread.join(20)

    assert [each.became for each in came[0]] == [batches.Became.UPDATED] * 2
    assert [make.left(one) for one in goods] == [50, 50]


def crossed(goods: list[Variant], took: threading.Event) -> list[str]:
    """Have a sale take a row and, once a batch `took` another, that one; return why any of them ended."""
    locked_first = threading.Event()

    def sale() -> None:
        with transaction.atomic():
            stock.lock([goods[0].pk], skip_locked=False)
            locked_first.set()
            took.wait(0.5)
            stock.lock([goods[1].pk], skip_locked=False)

    acts = [elsewhere(sale)]
    assert locked_first.wait(10)
    acts.append(elsewhere(lambda: synced(goods, 50) and None))
    for thread, _ in acts:
        thread.join(20)
    return [str(each) for _, came in acts for each in came if each is not None]


def test_a_batch_and_a_sale_never_wait_for_each_other_for_ever() -> None:
    assert crossed(pair(), threading.Event()) == []


def test_control_a_batch_that_locks_in_another_order_does(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at, took = stock._look_at, threading.Event()

    def backwards(merchant_id: Any, variant_ids: Any, *, locking: bool) -> dict[Any, int]:
        found: dict[Any, int] = {}
        for pk in sorted(variant_ids, reverse=True):
            found |= look_at(merchant_id, [pk], locking=locking)
            if locking:
                took.set()
        return found

    monkeypatch.setattr(stock, "_look_at", backwards)
    # Whoever has to give way would try it again.
    monkeypatch.setattr(batches, "_again", lambda work: work())

    assert ["deadlock" in each for each in crossed(pair(), took)] == [True]


def test_while_stock_is_synced_again_and_again_what_is_sold_is_there_and_the_books_balance() -> None:
    hot = make.variant(stocked=40)
    others = [make.variant(stocked=5, seller=hot.merchant) for _ in range(30)]
    buyers = [make.buyer() for _ in range(4)]
    began = threading.Barrier(3)

    def sync() -> int:
        began.wait(10)
        return sum(len(synced([hot, *others], 20 + n % 2)) for n in range(12))

    def sell(of: list[Any]) -> Callable[[], list[str]]:
        def press() -> list[str]:
            began.wait(10)
            came: list[str] = []
            for _ in range(10):
                came += [type(outcome).__name__ for outcome in rung(*(wants(hot, 2, by=each) for each in of))]
            return came

        return press

    acts = [elsewhere(act) for act in (sync, sell(buyers[:2]), sell(buyers[2:]))]
    for thread, _ in acts:
        thread.join(60)

    (counted,), *sold = [came for _, came in acts]
    assert counted == 12 * 31
    taken = [kind for (kinds_of_one,) in sold for kind in kinds_of_one]
    assert set(taken) <= {"Receipt", "OutOfStock"}
    assert Hold.objects.filter(variant=hot).count() > 0
    assert make.left(hot) >= 0
    assert make.broken() == []
