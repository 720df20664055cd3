"""Somebody else comes between any two statements of a batch: another till, its merchant, the host, the sweep.

Not by chance: the batch stops before its n-th statement, the other one acts to its end or until it finds a
row locked, and the batch goes on. For every n.
"""

import re
import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from catalog.models import Price
from catalog.pricing import prices
from catalog.shelf import stock
from commerce import errors
from orders import transactions
from orders.models import Hold, Purchase
from orders.till import asking, reading, ringing, writing
from orders.till.asking import Receipt
from streams import offers
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.till import asks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True, params=[reading.PLENTY, 1], ids=["few", "plenty"])
def _meet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here are the rows' own locks; the turns that tills take would hide them.

    As "plenty" counts what is just enough, so that a batch is written before anything is locked.
    """
    asks.meet(monkeypatch)
    monkeypatch.setattr(reading, "PLENTY", request.param)


MOST_STATEMENTS = 40

Act = Callable[[], object]


def asked(basket: make.Basket) -> asking.Asked:
    return asking.ask(
        buyer_id=basket.buyer.id,
        key=basket.key,
        lines=basket.lines,
        expect_total=basket.total,
        stream_id=basket.stream.id if basket.stream else None,
    )


class Meanwhile:
    """Runs an act in a thread of its own, right before the n-th statement of this connection."""

    def __init__(self, n: int, act: Act) -> None:
        self._n, self._act = n, act
        self._count = 0
        self.happened = False
        self.outcome: Any = None

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.next()
        return execute(sql, params, many, context)

    def copy(self, *args: Any) -> None:
        """Stand before a COPY, which is no statement to Django."""
        self.next()
        _copy(*args)

    def next(self) -> None:
        """Count a statement, and let the act happen if it is before this one."""
        self._count += 1
        if self._count == self._n:
            self.happened = True
            thread = threading.Thread(target=self._run)
            thread.start()
            thread.join(30)
            assert not thread.is_alive()

    def _run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '30ms'")
            with connection.execute_wrapper(_impatient):
                self.outcome = self._act()
        except (errors.Refusal, transactions.Busy) as refusal:
            self.outcome = refusal
        except Exception as error:
            self.outcome = error
        finally:
            connection.close()


def _impatient(execute: Any, sql: Any, *more: Any) -> Any:
    """The batch waits for this thread: what it has locked will not be free, however long one waits for it."""
    return execute(re.sub(r"lock_timeout = \d+", "lock_timeout = 30", sql), *more)


_copy = writing._copy


def at_every_statement(
    world: Callable[[], tuple[list[asking.Asked], Act]], check: Callable[[list[Any], Any], None]
) -> None:
    """Build a world, ring up its batch with the act before statement n, check and audit; for every n."""
    for n in range(1, MOST_STATEMENTS):
        batch, act = world()
        meanwhile = Meanwhile(n, act)
        with connection.execute_wrapper(meanwhile), patch.object(writing, "_copy", meanwhile.copy):
            outcomes = ringing.ring_up([asking.Press(each) for each in batch], now=after(2)).outcomes
        if not meanwhile.happened:
            assert n > 12, "the batch has fewer statements than a batch can have"
            return
        check(outcomes, meanwhile.outcome)
        assert make.broken() == [], f"before statement {n}: {outcomes}, {meanwhile.outcome}"
    raise AssertionError("the batch has more statements than were tried")


def rung_elsewhere(one: asking.Asked) -> list[Any]:
    return ringing.ring_up([asking.Press(one)], now=after(1), patient=False).outcomes


def sold(outcomes: list[Any]) -> int:
    return sum(isinstance(outcome, Receipt) for outcome in outcomes)


def test_another_till_with_the_same_last_pieces() -> None:
    hot = None

    def world() -> tuple[list[asking.Asked], Act]:
        nonlocal hot
        hot = make.variant(stocked=2)
        other = asked(make.basket((hot, 2)))
        batch = [asked(make.basket((hot, 1))) for _ in range(2)]
        return batch, lambda: rung_elsewhere(other)

    def check(outcomes: list[Any], other: Any) -> None:
        assert hot is not None
        assert sold(outcomes) + 2 * sold(other) == 2 - make.left(hot)
        assert make.left(hot) == 0

    at_every_statement(world, check)


def test_control_a_till_that_locks_nothing_sells_more_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.models import Stock

    def look(variant_ids: Any, *, skip_locked: bool) -> dict[Any, int]:
        return dict(Stock.objects.filter(pk__in=variant_ids).values_list("pk", "available"))

    def write(*, units: Any, now: Any) -> None:
        for variant_id, taken in units.items():
            row = Stock.objects.get(pk=variant_id)
            Stock.objects.filter(pk=variant_id).update(available=max(0, row.available - taken))

    monkeypatch.setattr(stock, "lock", look)
    monkeypatch.setattr(stock, "take_locked", write)

    with pytest.raises(AssertionError):
        test_another_till_with_the_same_last_pieces()


def test_another_till_with_the_same_offer_and_the_same_buyer() -> None:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick, buyer = make.variant(stocked=9), make.buyer()
        stream = make.show(lipstick)
        offer = found["offer"] = make.offer(stream, lipstick, quota=3, per_buyer=1)
        hers = [asked(make.basket((lipstick, 1, offer), by=buyer, stream=stream)) for _ in range(2)]
        return [
            hers[0]
        ], lambda: ringing.ring_up([asking.Press(hers[1])], now=after(1), patient=False).outcomes

    def check(outcomes: list[Any], other: Any) -> None:
        found["offer"].refresh_from_db()
        assert sold(outcomes) + sold(other) == 1 == 3 - found["offer"].left

    at_every_statement(world, check)


def test_the_same_key_in_another_till() -> None:
    def world() -> tuple[list[asking.Asked], Act]:
        once = asked(make.basket((make.variant(stocked=9), 1)))
        return [once], lambda: rung_elsewhere(once)

    def check(outcomes: list[Any], other: Any) -> None:
        assert sold(outcomes) == 1
        made = Purchase.objects.order_by("-id").first()
        assert made is not None
        assert outcomes[0].purchase_id == made.id
        assert [each.purchase_id for each in other if isinstance(each, Receipt)] in ([], [made.id])

    at_every_statement(world, check)


def test_a_merchant_who_counts_anew() -> None:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick = found["lipstick"] = make.variant(stocked=5)

        def count_anew() -> object:
            return stock.set_level(
                merchant_id=lipstick.merchant_id, variant_id=lipstick.id, available=1, note="", now=after(1)
            )

        return [asked(make.basket((lipstick, 2)))], count_anew

    def check(outcomes: list[Any], counted: Any) -> None:
        left = make.left(found["lipstick"])
        assert (sold(outcomes), left) in ((1, 3), (0, 1), (1, 1)), (outcomes, counted, left)

    at_every_statement(world, check)


def test_a_price_that_rises() -> None:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick = found["lipstick"] = make.variant(amount=1000)

        def raise_price() -> object:
            return prices.change(
                merchant_id=lipstick.merchant_id,
                variant_id=lipstick.id,
                amount=1200,
                compare_at=None,
                currency="EUR",
                now=after(1),
            )

        return [asked(make.basket((lipstick, 1)))], raise_price

    def check(outcomes: list[Any], _: Any) -> None:
        # Bought at what she saw, or refused with the new price: never charged another one.
        held = Hold.objects.filter(variant=found["lipstick"]).select_related("line")
        assert [each.line.amount for each in held] == [1000] * sold(outcomes)
        assert Price.objects.get(variant=found["lipstick"], valid_to=None).amount in (1000, 1200)

    at_every_statement(world, check)


def test_a_host_who_ends_the_offer() -> None:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick = make.variant(stocked=9)
        stream = make.show(lipstick)
        offer = found["offer"] = make.offer(stream, lipstick, quota=3)
        basket = make.basket((lipstick, 1, offer), stream=stream)
        return [asked(basket)], lambda: offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(1))

    def check(outcomes: list[Any], _: Any) -> None:
        found["offer"].refresh_from_db()
        assert found["offer"].left == 3 - sold(outcomes)

    at_every_statement(world, check)


def test_a_buyer_who_empties_her_cart() -> None:
    from orders.carts import contents

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick, buyer = make.variant(stocked=9), make.buyer()
        cart = contents.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=2, stream_id=None, now=NOW)
        basket = make.basket((lipstick, 1), by=buyer)

        def empty() -> object:
            with transaction.atomic():
                return contents.clear(
                    buyer_id=buyer.id, version=cart["version"], stream_id=None, now=after(1)
                )

        return [asked(basket)], empty

    def check(outcomes: list[Any], _: Any) -> None:
        assert sold(outcomes) == 1

    at_every_statement(world, check)
