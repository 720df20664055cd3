"""Somebody comes between any two statements of a purchase that uses what is the buyer's already."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from commerce.models import User
from orders.carts import contents, guests, lapsing, policies
from orders.models import CartHold, CartLine, WaitlistEntry
from orders.till import asking
from orders.waitlist import keeping, places
from streams import grants
from streams.models import OfferHousehold
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.till import asks
from tests.orders.till.test_hers import turn
from tests.orders.waitlist.lining import Drop, drop, status
from tests.races.test_till_interleaved import Act, asked, at_every_statement, rung_elsewhere, sold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here are the rows' own locks; the turns that tills take would hide them."""
    asks.meet(monkeypatch)


World = Callable[[], tuple[list[asking.Asked], Act]]
MUCH_LATER = after(900)


def holding(units: int, stocked: int) -> tuple[Any, User]:
    """A variant of which a buyer's cart holds units."""
    lipstick, ana = make.variant(stocked=stocked), make.buyer()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=600, now=NOW)
    contents.add(buyer_id=ana.id, variant_id=lipstick.id, quantity=units, stream_id=None, now=NOW)
    return lipstick, ana


def test_a_hold_that_ends_while_she_buys_it() -> None:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick, ana = holding(2, 2)
        found["lipstick"] = lipstick
        return [asked(make.basket((lipstick, 1), by=ana))], lambda: lapsing.sweep(now=MUCH_LATER)

    def check(outcomes: list[Any], _: Any) -> None:
        # Before or after the sweep, the piece is there; and while its rows are locked she is asked again.
        assert sold(outcomes) == 1 or outcomes[0].temporary, outcomes
        lapsing.sweep(now=MUCH_LATER)
        assert make.left(found["lipstick"]) == 2 - sold(outcomes)
        assert not CartHold.objects.exists()
        CartLine.objects.all().delete()

    at_every_statement(world, check)


def test_a_guests_cart_that_comes_in_while_she_buys() -> None:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        lipstick, ana = holding(2, 9)
        kept = guests.add(
            token=None,
            variant_id=lipstick.id,
            quantity=3,
            stream_id=None,
            network=secrets.token_hex(8),
            now=NOW,
        )
        found.update(lipstick=lipstick, ana=ana, token=kept.token)
        return [asked(make.basket((lipstick, 2), by=ana))], merge

    def merge() -> object:
        return guests.merge(token=found["token"], buyer_id=found["ana"].id, now=after(1))

    def check(outcomes: list[Any], merged: Any) -> None:
        assert sold(outcomes) == 1, outcomes
        if merged is not True:
            assert merge() is True
        assert CartLine.objects.get(cart_id=found["ana"].id).quantity == 3
        assert CartHold.objects.get(buyer=found["ana"]).quantity == 3
        assert make.left(found["lipstick"]) == 4

    at_every_statement(world, check)


def _her_turn() -> tuple[Drop, User, WaitlistEntry]:
    made, ana = drop(stocked=1, quota=1, seconds=3600), make.buyer()
    return made, ana, turn(made, ana)


def _in_her_turn(act: Callable[[WaitlistEntry], Any]) -> tuple[World, Callable[[list[Any], Any], None]]:
    found: dict[str, Any] = {}

    def world() -> tuple[list[asking.Asked], Act]:
        made, ana, entry = _her_turn()
        found.update(made=made, entry=entry)
        basket = make.basket((made.variant, 1, made.offer), by=ana, stream=made.stream)
        return [asked(basket)], lambda: act(entry)

    def check(outcomes: list[Any], _: Any) -> None:
        # Bought in her turn, or from what came back on sale from it; nothing of it twice, and nothing lost.
        assert sold(outcomes) == 1 or outcomes[0].temporary, outcomes
        waits = 1 if status(found["entry"]) == "offered" else 0
        assert found["made"].left() == ((1 - sold(outcomes) - waits,) * 2)

    return world, check


def test_a_turn_that_ends_while_she_buys_in_it() -> None:
    at_every_statement(*_in_her_turn(lambda entry: keeping.end_turns(now=MUCH_LATER)))


def test_who_leaves_on_one_device_and_buys_on_the_other() -> None:
    def leave(entry: WaitlistEntry) -> object:
        return places.leave(
            buyer_id=entry.buyer_id, variant_id=entry.variant_id, offer_id=entry.offer_id, now=after(2)
        )

    at_every_statement(*_in_her_turn(leave))


# --- two accounts of one household ---


def test_two_accounts_of_one_household_press_at_once() -> None:
    def world() -> tuple[list[asking.Asked], Act]:
        lipstick = make.variant(stocked=9)
        stream = make.show(lipstick)
        offer = make.offer(stream, lipstick, quota=9)
        type(offer).objects.filter(pk=offer.pk).update(per_household=1)
        mara, ida = (
            asked(make.basket((lipstick, 1, offer), by=make.buyer(name), stream=stream))
            for name in ("Mara", "Ida")
        )
        return [mara], lambda: rung_elsewhere(ida)

    def check(outcomes: list[Any], other: Any) -> None:
        assert sold(outcomes) + sold(other) == 1, (outcomes, other)
        assert set(OfferHousehold.objects.values_list("units", flat=True)) == {1}
        OfferHousehold.objects.all().delete()

    at_every_statement(world, check)


def test_control_without_the_offers_lock_both_accounts_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = grants.lock_offers

    def look(offer_ids: Any, *, skip_locked: bool) -> Any:
        def strip(execute: Any, sql: str, *more: Any) -> Any:
            return execute(sql.split("FOR NO KEY UPDATE")[0], *more)

        with connection.execute_wrapper(strip):
            return lock(offer_ids, skip_locked=skip_locked)

    monkeypatch.setattr(grants, "lock_offers", look)

    with pytest.raises(AssertionError):
        test_two_accounts_of_one_household_press_at_once()
