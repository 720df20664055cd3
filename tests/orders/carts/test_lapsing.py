"""The end of what carts hold: warned of, given back, held anew."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from catalog.shelf import stock
from commerce.models import Merchant
from orders import transactions
from orders.carts import contents, holding, lapsing, policies
from orders.models import CartHold, CartHolder
from streams.bodies import unix_ms
from streams.frames import buying
from tests.orders import make
from tests.orders.carts.test_holding import add, held, sweep, update
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def holder() -> Merchant:
    """A merchant who holds goods for carts for ten minutes."""
    merchant = make.merchant()
    policies.set_policy(merchant_id=merchant.id, hold_seconds=600, now=NOW)
    return merchant


def test_units_go_back_at_the_end_and_the_line_stays(holder: Merchant) -> None:
    buyer, lipstick, blush = make.user(), make.variant(stocked=2, seller=holder), make.variant(seller=holder)
    version = add(buyer, lipstick, 2)["version"]
    add(buyer, blush, at=1)

    assert sweep(599.9)["lapsed"] == 0
    assert sweep(600) == {"lapsed": 1, "warned": 0}

    assert (held(buyer, lipstick), make.left(lipstick)) == (None, 2)
    assert held(buyer, blush) == (1, after(601)), "each line has its own end"
    cart = contents.read(buyer_id=buyer.id, stream_id=None, now=after(600))
    assert (cart["version"], [line["held"] for line in cart["lines"]]) == (version + 2, [0, 1])
    assert make.events("carts.lapsed") == [{"buyers": [str(buyer.id)]}]
    assert sweep(600)["lapsed"] == 0
    assert make.broken() == []


def test_what_was_given_back_is_held_anew_by_saying_the_quantity_again(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=2, seller=holder)
    add(buyer, lipstick, 2)
    sweep(600)

    update(buyer, lipstick, 2, at=700)

    assert held(buyer, lipstick) == (2, after(1300))


def test_a_hold_that_is_over_is_not_made_longer_before_the_sweep_comes(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=2, seller=holder)
    add(buyer, lipstick, 1)
    first = CartHold.objects.get()

    add(buyer, lipstick, 1, at=601)

    assert held(buyer, lipstick) == (2, after(1201))
    assert CartHold.objects.get().pk != first.pk
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_fewer_units_of_what_is_gone_can_always_be_had_in_the_cart(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=3, seller=holder)
    add(buyer, lipstick, 3)
    sweep(600)
    add(make.user(), lipstick, 3, at=601)

    (line,) = update(buyer, lipstick, 2, at=602)["lines"]
    assert (line["quantity"], line["held"], line["left"]) == (2, 0, 0)
    with pytest.raises(stock.OutOfStock):
        update(buyer, lipstick, 2, at=603)


def test_a_shopper_is_warned_once_a_minute_before(holder: Merchant) -> None:
    buyer, lipstick, blush = make.user(), make.variant(seller=holder), make.variant(seller=holder)
    add(buyer, lipstick, 2)
    add(buyer, blush, at=5)

    assert sweep(539)["warned"] == 0
    assert sweep(546)["warned"] == 1
    assert sweep(547)["warned"] == 0

    (told,) = [each for each in make.events("user.told") if each["t"] == "cart.hold_expiring"]
    assert told["user"] == str(buyer.id)
    assert told["d"]["lines"] == [
        {"variant": str(lipstick.id), "held": 2, "held_until": unix_ms(after(600))},
        {"variant": str(blush.id), "held": 1, "held_until": unix_ms(after(605))},
    ]
    msgspec.convert(told["d"], buying.HoldExpiring)


def test_all_that_is_due_goes_back_however_much(holder: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lapsing, "BATCH", 2)
    lipstick = make.variant(stocked=7, seller=holder)
    for _ in range(7):
        add(make.user(), lipstick)

    assert sweep(540)["warned"] == 7
    assert sweep(600)["lapsed"] == 7

    assert make.left(lipstick) == 7
    assert len(make.events("carts.lapsed")) == 4
    assert make.broken() == []


def test_one_cart_that_fails_does_not_keep_the_others_waiting(
    holder: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, lipstick = make.variant(stocked=1, seller=holder), make.variant(stocked=2, seller=holder)
    add(make.user(), bad)
    add(make.user(), lipstick, 2)
    give_back = stock.give_back

    def refuse(*, units: dict, now: datetime) -> None:
        assert bad.id not in units
        give_back(units=units, now=now)

    monkeypatch.setattr(stock, "give_back", refuse)

    assert sweep(600)["lapsed"] == 1

    assert (make.left(bad), make.left(lipstick)) == (0, 2)
    monkeypatch.undo()
    assert sweep(602)["lapsed"] == 1
    assert make.left(bad) == 1


def test_a_sweep_whose_time_is_over_leaves_the_rest_to_the_next_one(
    holder: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    lipstick, tried = make.variant(stocked=3, seller=holder), 0
    for _ in range(3):
        add(make.user(), lipstick)

    def refuse(**_: Any) -> None:
        nonlocal tried
        tried += 1
        raise transactions.Busy

    monkeypatch.setattr(holding, "lapse", refuse)
    monkeypatch.setattr(lapsing, "SECONDS", -1)

    assert sweep(600)["lapsed"] == 0

    assert tried == 1, "each one more may wait ten seconds for the same lock"


def test_what_was_held_and_what_lapsed_is_tallied(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(seller=holder)
    add(buyer, lipstick, 2)
    add(buyer, lipstick, 1, at=1)
    update(buyer, lipstick, 1, at=2)
    sweep(600)

    row = CartHolder.objects.get()
    assert (row.merchant_id, row.buyer_id, row.held, row.lapsed) == (holder.id, buyer.id, 3, 1)
