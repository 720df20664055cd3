"""Carts that want the same pieces at once, and what is bought as its hold ends, each with its control."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import pytest
from django.db import transaction

from catalog.models import Stock, Variant
from catalog.shelf import stock
from commerce.models import User
from orders.carts import contents, holding, lapsing, policies
from orders.models import Cart, CartHold, CartLine, GuestCart
from orders.waitlist import queue
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.threads import at_once, comes_to_wait, somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def goods(stocked: int) -> Variant:
    """A variant whose merchant holds for carts."""
    made = make.variant(stocked=stocked)
    policies.set_policy(merchant_id=made.merchant_id, hold_seconds=600, now=NOW)
    return made


def add(buyer: User, variant: Variant, quantity: int = 1) -> Any:
    return contents.add(buyer_id=buyer.id, variant_id=variant.id, quantity=quantity, stream_id=None, now=NOW)


def names(outcomes: list[Any]) -> list[str]:
    return sorted(type(each).__name__ for each in outcomes)


# --- the last pieces ---


def test_carts_and_purchases_never_get_more_than_there_is() -> None:
    lipstick = goods(3)
    acts: list[Callable[[], Any]] = [partial(add, make.user(), lipstick) for _ in range(5)]
    acts += [make.basket((lipstick, 1), by=make.buyer()).go for _ in range(5)]

    outcomes = at_once(acts)

    assert names(outcomes).count("OutOfStock") == 7, outcomes
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_without_the_conditional_update_two_carts_hold_the_last_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: read, decide, write what was computed."""
    lipstick = goods(1)
    both = threading.Barrier(2)

    def careless(*, units: Mapping[UUID, int], now: datetime) -> None:
        for variant_id, wanted in units.items():
            left = Stock.objects.get(pk=variant_id).available
            both.wait(10)
            if left < wanted:
                raise stock.OutOfStock(variant=variant_id, left=left)
            Stock.objects.filter(pk=variant_id).update(available=left - wanted)

    monkeypatch.setattr(stock, "take", careless)

    at_once([partial(add, make.user(), lipstick) for _ in range(2)])

    assert CartHold.objects.count() == 2
    assert make.broken() == ["stock-adds-up"]


# --- two devices of one shopper ---


def test_two_devices_of_one_shopper_add_both() -> None:
    lipstick, noa = goods(9), make.user()

    outcomes = at_once([partial(add, noa, lipstick)] * 4)

    assert names(outcomes) == ["dict"] * 4, outcomes
    assert (CartLine.objects.get().quantity, CartHold.objects.get().quantity) == (4, 4)
    assert Cart.objects.get().version == 4
    assert make.broken() == []


def test_without_the_carts_lock_one_of_two_devices_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a cart that is only read is the same for both."""
    lipstick, noa = goods(9), make.user()
    add(noa, lipstick)
    both = threading.Barrier(2)

    def unlocked(buyer_id: UUID) -> Cart:
        return Cart.objects.get(pk=buyer_id)

    def checked(variant_ids: Any) -> None:
        return None

    find = CartLine.save

    def save(self: CartLine, **more: Any) -> None:
        both.wait(10)  # Both have read the line.
        find(self, **more)

    monkeypatch.setattr(contents, "locked", unlocked)
    monkeypatch.setattr(contents, "check_for_sale", checked)
    monkeypatch.setattr(CartLine, "save", save)

    at_once([partial(add, noa, lipstick)] * 2)

    assert CartLine.objects.get().quantity == 2, "three were put in"


# --- bought while the hold ends ---


def buying_while_the_hold_ends(lipstick: Variant, noa: User) -> None:
    """Sweep after the end of a hold whose units are just being moved into a purchase, not committed yet."""
    consumed, swept = threading.Event(), threading.Event()

    def buy() -> None:
        with transaction.atomic():
            assert holding.consume(buyer_id=noa.id, units={lipstick.id: 2}) == {lipstick.id: 2}
            consumed.set()
            end = time.monotonic() + 10
            while not swept.is_set() and not somebody_waits() and time.monotonic() < end:
                swept.wait(0.02)

    def sweep() -> None:
        assert consumed.wait(10)
        lapsing.sweep(now=after(600))
        swept.set()

    outcomes = at_once([buy, sweep])
    assert outcomes == [None, None]


def test_units_that_are_being_bought_are_not_given_back() -> None:
    lipstick, noa = goods(2), make.user()
    add(noa, lipstick, 2)

    buying_while_the_hold_ends(lipstick, noa)

    assert make.left(lipstick) == 0
    assert not CartHold.objects.exists()


def test_without_its_locks_the_sweep_gives_back_what_is_being_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: holds that are read without a lock are there until the purchase has committed."""
    lipstick, noa = goods(2), make.user()
    add(noa, lipstick, 2)

    def careless(*, buyer_ids: Any, now: datetime) -> list[UUID]:
        over = list(CartHold.objects.filter(buyer_id__in=buyer_ids, until__lte=now))
        queue.give_back(units={each.variant_id: each.quantity for each in over}, now=now)
        CartHold.objects.filter(pk__in=[each.pk for each in over]).delete()
        return []

    monkeypatch.setattr(holding, "lapse", careless)

    buying_while_the_hold_ends(lipstick, noa)

    assert make.left(lipstick) == 2, "two pieces are sold and on sale again"


def test_two_sweeps_at_once_give_back_once() -> None:
    lipstick = goods(30)
    for _ in range(15):
        add(make.user(), lipstick, 2)

    outcomes = at_once([partial(lapsing.sweep, now=after(600))] * 3)

    assert sum(each["lapsed"] for each in outcomes) <= 15
    lapsing.sweep(now=after(601))
    assert make.left(lipstick) == 30
    assert make.broken() == []


def test_carts_with_the_same_goods_in_any_order_all_get_them() -> None:
    red, pink = goods(50), goods(50)
    buyers = [make.user() for _ in range(6)]
    for each in buyers:
        add(each, red, 2)

    def turn(number: int) -> None:
        buyer, (first, second) = buyers[number], ((red, pink) if number % 2 else (pink, red))
        for wanted in ([(first, 1), (second, 3)], [(second, 1)], [(first, 2), (second, 2)]):
            contents.replace(
                buyer_id=buyer.id,
                version=Cart.objects.get(pk=buyer.id).version,
                lines=[(variant.id, quantity) for variant, quantity in wanted],
                stream_id=None,
                now=NOW,
            )

    assert at_once([partial(turn, number) for number in range(6)]) == [None] * 6
    assert (make.left(red), make.left(pink)) == (38, 38)
    assert make.broken() == []


# --- the order of the stock's rows ---


def _waiting_for_the_first_is_the_second_free(act: Callable[[], Any], rows: list[UUID]) -> bool:
    """Keep the first row locked until the act waits for it, and say whether the second one is free then."""
    first, second = sorted(rows)
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.extend(at_once([act])))
    with transaction.atomic():
        stock.lock([first], skip_locked=False)
        thread.start()
        assert comes_to_wait()
        free = second in stock.lock([second], skip_locked=True)
    thread.join(10)
    assert outcomes == [ANY], outcomes
    assert not isinstance(outcomes[0], Exception), outcomes
    return free


def test_units_that_come_and_units_that_go_are_locked_in_one_order() -> None:
    first, second = sorted([goods(5), goods(5)], key=lambda each: each.id)
    noa = make.user()
    add(noa, second, 2)

    def swap() -> None:
        contents.replace(buyer_id=noa.id, version=1, lines=[(first.id, 2)], stream_id=None, now=NOW)

    assert _waiting_for_the_first_is_the_second_free(swap, [first.id, second.id])
    assert (make.left(first), make.left(second)) == (3, 5)


def test_what_is_over_and_held_anew_is_locked_in_one_order() -> None:
    first, second = sorted([goods(5), goods(5)], key=lambda each: each.id)
    noa = make.user()
    add(noa, second, 2)

    def more() -> None:
        lines = [(first.id, 2), (second.id, 3)]
        contents.replace(buyer_id=noa.id, version=1, lines=lines, stream_id=None, now=after(601))

    assert _waiting_for_the_first_is_the_second_free(more, [first.id, second.id])
    assert (make.left(first), make.left(second)) == (3, 2)
    assert make.broken() == []


# --- carts of guests ---


def test_an_old_cart_to_which_its_guest_comes_back_just_then_is_not_deleted() -> None:
    """It waits for nobody either: the others are gone before she is through."""
    hers, _ = (GuestCart.objects.create(token_hash=str(n), updated_at=NOW) for n in (1, 2))
    later = after(60) + lapsing.GUESTS_KEPT
    locked, pruned = threading.Event(), threading.Event()

    def come_back() -> bool:
        with transaction.atomic():
            cart = GuestCart.objects.select_for_update().get(pk=hers.pk)
            locked.set()
            waited = pruned.wait(5)
            cart.updated_at = later
            cart.save(update_fields=["updated_at"])
        return waited

    def prune() -> int:
        locked.wait(10)
        gone = lapsing.prune(now=later, limit=10)
        pruned.set()
        return gone

    assert at_once([come_back, prune]) == [True, 1]
    assert GuestCart.objects.get().pk == hers.pk
