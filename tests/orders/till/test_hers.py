"""What is a buyer's already when she presses: her turn in a line, and what her cart holds."""

from typing import Any

import pytest
from django.db import connection, transaction

from catalog import bundles
from catalog.models import Variant
from catalog.shelf import stock
from commerce.models import User
from orders import transactions
from orders.carts import contents, policies
from orders.models import Cart, CartHold, CartLine, OrderLine, WaitlistEntry
from orders.till import asking, ringing
from orders.till.asking import Receipt
from orders.waitlist import keeping, queue
from streams import grants, offers, shows, waitingroom
from streams import queries as show_queries
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.waitlist.lining import Drop, drop, status

pytestmark = pytest.mark.django_db(transaction=True)


def rung(basket: make.Basket, *, seconds: float, refused: Any = None, **more: Any) -> Any:
    asked = asking.ask(
        buyer_id=basket.buyer.id,
        key=basket.key,
        lines=basket.lines,
        expect_total=basket.total,
        stream_id=basket.stream.id if basket.stream else None,
    )
    press = asking.Press(asked, refused=refused)
    return ringing.ring_up([press], now=after(seconds), **more).outcomes[0]


def at_offer(made: Drop, buyer: User, units: int = 1) -> make.Basket:
    return make.basket((made.variant, units, made.offer), by=buyer, stream=made.stream)


def at_list(made: Drop, buyer: User, units: int = 1, **more: Any) -> make.Basket:
    return make.basket((made.variant, units), by=buyer, stream=made.stream, **more)


def sold_to_somebody(made: Drop) -> tuple[User, int]:
    units = made.offer.quota
    somebody = make.buyer("Cleo")
    with transaction.atomic():
        offers.take(offer_id=made.offer.id, buyer_id=somebody.id, units=units, now=NOW)
        stock.take(units={made.variant.id: units}, now=NOW)
    return somebody, units


def turn(made: Drop, buyer: User, *, quantity: int = 1, listed: bool = False) -> WaitlistEntry:
    """Her turn, from one second after NOW on; its units come from a purchase that failed."""
    somebody, units = sold_to_somebody(made)
    entry = made.join(buyer, quantity=quantity, listed=listed)
    with transaction.atomic():
        queue.returned(
            units={made.variant.id: units},
            of_offers={made.offer.id: units},
            now=after(1),
            meanwhile=lambda: grants.give_back(
                buyers={(made.offer.id, somebody.id): units}, households={}, claims={}
            ),
        )
    assert status(entry) == "offered"
    return entry


def end(made: Drop, *, seconds: float = 3) -> None:
    shows.end(host_id=made.stream.host_id, stream_id=made.stream.id, now=after(seconds))


# --- a turn outlives its show ---


@pytest.mark.parametrize("listed", [False, True])
def test_a_turn_that_began_before_the_shows_end_is_bought_after_it(listed: bool) -> None:
    made, ana = drop(stocked=1, quota=1), make.buyer()
    entry = turn(made, ana, listed=listed)
    end(made)
    keeping.end_waits(now=after(4))

    outcome = rung((at_list if listed else at_offer)(made, ana), seconds=20)

    assert isinstance(outcome, Receipt), outcome
    assert status(entry) == "bought"
    line = OrderLine.objects.get()
    assert (line.stream_id, line.host_id) == (made.stream.id, made.stream.host_id)
    assert line.unit_amount == (1999 if listed else 999)
    assert make.broken() == []


def test_after_the_show_a_turn_is_hers_alone_until_its_own_end_and_no_more_than_it_is() -> None:
    made, ana = drop(stocked=3, quota=3, per_buyer=3), make.buyer()
    turn(made, ana)
    end(made)

    assert isinstance(rung(at_offer(made, make.buyer()), seconds=20), show_queries.StreamNotLive)
    assert isinstance(rung(at_offer(made, ana, 2), seconds=20), show_queries.StreamNotLive)
    other = make.variant()
    both = make.basket((made.variant, 1, made.offer), (other, 1), by=ana, stream=made.stream)
    assert isinstance(rung(both, seconds=20), show_queries.StreamNotLive)
    elsewhere = make.basket((made.variant, 1, made.offer), by=ana, stream=make.show(made.variant))
    assert isinstance(rung(elsewhere, seconds=20), offers.OfferMismatch)
    assert isinstance(rung(at_offer(made, ana), seconds=122), show_queries.StreamNotLive)
    assert isinstance(rung(at_offer(made, ana), seconds=20), Receipt)
    assert isinstance(rung(at_offer(made, ana), seconds=21), show_queries.StreamNotLive)
    assert make.broken() == []


def test_who_asks_for_more_than_she_may_have_in_her_turn_hears_of_the_limit() -> None:
    one, two = drop(stocked=1, quota=1, per_buyer=1), drop(stocked=1, quota=1, per_buyer=2)
    noa = make.buyer()
    turn(one, noa)
    turn(two, noa)

    refusal = rung(at_offer(one, noa, 2), seconds=2)
    assert isinstance(refusal, offers.CustomerLimit)
    assert refusal.data == {"offer": str(one.offer.id), "per_buyer": 1}
    assert isinstance(rung(at_offer(two, noa, 2), seconds=2), offers.OfferSoldOut)
    assert isinstance(rung(at_offer(one, noa), seconds=2), Receipt)


def test_a_turn_of_another_show_sells_nothing_in_one_that_is_over() -> None:
    made, ana = drop(stocked=1, quota=1), make.buyer()
    turn(made, ana, listed=True)
    over = make.show(made.variant)
    shows.end(host_id=over.host_id, stream_id=over.id, now=after(2))

    outcome = rung(make.basket((made.variant, 1), by=ana, stream=over), seconds=20)

    assert isinstance(outcome, show_queries.StreamNotLive)


# --- pressed in time ---


def test_who_presses_within_her_turn_has_it_however_long_the_line_at_the_till() -> None:
    made, ana, bea = drop(stocked=1, quota=1), make.buyer(), make.buyer()
    entry = turn(made, ana)
    ends = 1 + 120

    def outcome(buyer: User, waited: float) -> Any:
        """Rung up a second after the turn's end, pressed `waited` seconds before that."""
        basket = at_offer(made, buyer)
        asked = asking.ask(
            buyer_id=buyer.id,
            key=basket.key,
            lines=basket.lines,
            expect_total=basket.total,
            stream_id=made.stream.id,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("orders.till.ringing.time.monotonic", lambda: 1000.0)
            press = asking.Press(asked, at=1000.0 - waited)
            return ringing.ring_up([press], now=after(ends + 1)).outcomes[0]

    assert isinstance(outcome(ana, 0.5), offers.OfferSoldOut | offers.OfferEnded)
    assert isinstance(outcome(bea, 2), offers.OfferSoldOut | offers.OfferEnded)
    assert isinstance(outcome(ana, 2), Receipt)
    assert status(entry) == "bought"


# --- a turn and the waiting room ---


def test_who_has_a_turn_is_not_turned_away_at_the_waiting_rooms_door() -> None:
    made, ana = drop(stocked=2, quota=2, admits_per_second=1), make.buyer()
    turn(made, ana)
    refused = waitingroom.NotYourTurn(position=None)

    assert rung(at_offer(made, make.buyer()), seconds=5, refused=refused) is refused
    assert rung(at_offer(made, ana, 2), seconds=5, refused=refused) is refused
    assert isinstance(rung(at_offer(made, ana), seconds=5, refused=refused), Receipt)
    assert rung(at_offer(made, ana), seconds=6, refused=refused) is refused


# --- what is held for a cart ---


def held(variant: Variant, buyer: User, units: int) -> None:
    policies.set_policy(merchant_id=variant.merchant_id, hold_seconds=600, now=NOW)
    contents.add(buyer_id=buyer.id, variant_id=variant.id, quantity=units, stream_id=None, now=NOW)


def test_a_hold_never_outlives_its_line() -> None:
    made, ana = drop(stocked=3, quota=3, per_buyer=3), make.buyer()
    turn(made, ana, listed=True)
    held(made.variant, ana, 2)

    assert isinstance(rung(at_list(made, ana, 2), seconds=5), Receipt)

    hold = CartHold.objects.get()
    assert hold.quantity == 1, "one of the two was her turn's"
    assert CartLine.objects.get().quantity == 1
    assert make.broken() == []


def bundled(part: Variant) -> Variant:
    bundle = make.variant(stocked=0, seller=part.merchant, title="Set")
    bundles.set_parts(merchant_id=part.merchant_id, bundle_id=bundle.id, parts={part.id: 2}, now=NOW)
    return bundle


def test_a_bundle_that_takes_what_the_cart_holds_is_told_to_the_carts_owner() -> None:
    part, ana = make.variant(stocked=3), make.buyer()
    bundle = bundled(part)
    held(part, ana, 3)
    version = Cart.objects.get().version

    assert isinstance(rung(make.basket((bundle, 1), by=ana), seconds=5), Receipt)

    assert CartHold.objects.get().quantity == 1
    assert CartLine.objects.get().quantity == 3
    assert Cart.objects.get().version == version + 1
    assert [each["buyer"] for each in make.events("cart.moved")] == [str(ana.id)]
    assert make.broken() == []


# --- rows that a sweep has locked ---


class Elsewhere:
    """A connection of somebody else, which keeps rows locked until it is left."""

    def __init__(self, sql: str, *values: Any) -> None:
        self._sql, self._values = sql, values
        self._connection = connection.copy()

    def __enter__(self) -> None:
        self._connection.set_autocommit(False)
        with self._connection.cursor() as cursor:
            cursor.execute(self._sql, self._values)
            assert cursor.fetchall(), "something is locked"

    def __exit__(self, *_: object) -> None:
        self._connection.rollback()
        self._connection.close()


def test_a_turn_that_a_sweep_has_locked_is_no_sold_out() -> None:
    made, ana = drop(stocked=1, quota=1), make.buyer()
    entry = turn(made, ana)
    basket = at_offer(made, ana)

    with Elsewhere("SELECT id FROM orders_waitlistentry WHERE id = %s FOR NO KEY UPDATE", entry.id):
        assert isinstance(rung(basket, seconds=5, patient=False), transactions.Busy)
        assert isinstance(rung(basket, seconds=5), transactions.Busy)

    assert isinstance(rung(basket, seconds=5, patient=False), Receipt)


def test_a_turn_that_a_sweep_has_locked_is_no_sold_out_beside_another_turn_of_hers() -> None:
    made, ana = drop(stocked=1, quota=1), make.buyer()
    entry = turn(made, ana)
    WaitlistEntry.objects.create(
        variant=made.variant, buyer=ana, stream=made.stream, status="offered", turn_until=after(600)
    )
    basket = at_offer(made, ana)

    with Elsewhere("SELECT id FROM orders_waitlistentry WHERE id = %s FOR NO KEY UPDATE", entry.id):
        assert isinstance(rung(basket, seconds=5, patient=False), transactions.Busy)

    assert isinstance(rung(basket, seconds=5, patient=False), Receipt)


@pytest.mark.parametrize("in_a_bundle", [False, True])
def test_what_a_cart_holds_and_a_sweep_has_locked_is_neither_out_of_stock_nor_taken_twice(
    in_a_bundle: bool,
) -> None:
    part, ana = make.variant(stocked=4), make.buyer()
    bundle = bundled(part)
    held(part, ana, 2)
    basket = make.basket((bundle, 1) if in_a_bundle else (part, 2), by=ana)

    with Elsewhere("SELECT id FROM orders_carthold WHERE buyer_id = %s FOR UPDATE", ana.id):
        assert isinstance(rung(basket, seconds=5, patient=False), transactions.Busy)
    with Elsewhere("SELECT buyer_id FROM orders_cart WHERE buyer_id = %s FOR UPDATE", ana.id):
        assert isinstance(rung(basket, seconds=5, patient=False), transactions.Busy)

    assert isinstance(rung(basket, seconds=5, patient=False), Receipt)
    assert make.left(part) == 2
    assert not CartHold.objects.exists()
    assert make.broken() == []


def test_what_somebody_else_holds_locked_concerns_nobody_but_her() -> None:
    part, ana, bea = make.variant(stocked=4), make.buyer(), make.buyer()
    held(part, ana, 2)

    with Elsewhere("SELECT id FROM orders_carthold WHERE buyer_id = %s FOR UPDATE", ana.id):
        assert isinstance(rung(make.basket((part, 2), by=bea), seconds=5, patient=False), Receipt)
