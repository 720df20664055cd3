"""Parcels leave one location at the same moment, and it is closed meanwhile: no unit leaves twice. What does
not go is taken back in the order of locks that everybody keeps.
"""

from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from catalog.models import LocationStock, StockMovement, Variant
from catalog.shelf import locations, places, stock
from orders import fulfilment
from orders.models import Order, Shipment, WaitlistEntry
from orders.settling import payments
from orders.waitlist import places as line
from tests.catalog import located
from tests.catalog.located import close, lying, set_there
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.threads import at_once
from tests.races.test_places import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def sold(*goods: Variant) -> Order:
    purchase = make.basket(*((one, 2) for one in goods)).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Order.objects.get(purchase=purchase)


def ship(order: Order) -> Order:
    return fulfilment.pack(
        merchant_id=order.merchant_id,
        order_id=order.pk,
        lines=(),
        label=fulfilment.Label("DHL", str(order.pk)),
        location="berlin",
        now=after(5),
    )


def four_orders() -> tuple[Variant, list[Order]]:
    """Four orders of two units, and five units to send them from."""
    one = make.variant(seller=located.seller(), stocked=20)
    set_there(one, "berlin", 5)
    return one, [sold(one) for _ in range(4)]


def test_no_unit_leaves_twice() -> None:
    for _ in range(3):
        one, orders = four_orders()
        outcomes = at_once([partial(ship, order) for order in orders])
        refused = [each.data["left"] for each in outcomes if isinstance(each, places.NotEnoughThere)]
        assert refused == [1, 1], outcomes
        assert lying(one) == {"berlin": 1}
    assert Shipment.objects.count() == 6
    assert make.broken() == []


def test_control_without_the_lock_of_stock_a_unit_leaves_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        one, orders = four_orders()
        with monkeypatch.context() as off:
            off.setattr(stock, "locked", lambda merchant_id, pks: dict.fromkeys(pks))
            at_once([partial(ship, order) for order in orders])
        moves = StockMovement.objects.filter(variant=one, reason="sent")
        if sum(moves.values_list("on_hand_delta", flat=True)) != lying(one)["berlin"] - 5:
            assert "location-stock-adds-up" in make.broken()
            return
    pytest.fail("no two of them met")


def test_parcels_with_variants_in_any_order_never_wait_for_each_other_for_ever() -> None:
    seller = located.seller()
    some = [make.variant(seller=seller, stocked=100) for _ in range(5)]
    for one in some:
        set_there(one, "berlin", 50)
    orders = [sold(*(some if turn % 2 else some[::-1])) for turn in range(8)]
    outcomes = at_once([partial(ship, order) for order in orders])
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert all(lying(one) == {"berlin": 34} for one in some)


def test_a_location_is_not_closed_between_look_and_parcel() -> None:
    one, (order, *_) = four_orders()
    with transaction.atomic():
        ship(order)
        thread, outcome = meanwhile(lambda: close(one.merchant, "berlin"), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)
    assert isinstance(outcome[0], locations.LocationNotEmpty)


def test_a_parcel_does_not_leave_a_location_that_is_being_closed() -> None:
    one, (order, *_) = four_orders()
    located.move(one, "berlin", "lyon", 5)
    with transaction.atomic():
        close(one.merchant, "berlin")
        thread, outcome = meanwhile(lambda: ship(order), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)
    assert isinstance(outcome[0], locations.LocationClosed)


def test_a_count_that_is_being_written_is_seen_by_the_parcel() -> None:
    one, (order, *_) = four_orders()
    with transaction.atomic():
        set_there(one, "berlin", 1)
        thread, outcome = meanwhile(lambda: ship(order), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)
    assert isinstance(outcome[0], places.NotEnoughThere)
    assert LocationStock.objects.get(variant=one).on_hand == 1
    assert make.broken() == []


def ahead(*goods: Variant) -> Order:
    """An order ahead of two units of each, all of it in a parcel from Berlin that waits for the money."""
    Variant.objects.filter(pk__in=[one.pk for one in goods]).update(release_at=NOW + timedelta(days=2))
    purchase = make.basket(*((one, 2) for one in goods)).go()
    payments.apply(intent=make.said(make.sent(purchase), "held"), now=after(2))
    order = Order.objects.get(purchase=purchase)
    fulfilment.pack(
        merchant_id=order.merchant_id,
        order_id=order.pk,
        lines=(),
        label=fulfilment.Label("DHL", "1"),
        location="berlin",
        now=NOW + timedelta(days=3),
    )
    return order


def test_what_is_taken_back_is_locked_in_the_order_of_the_variants_also_what_somebody_waits_for() -> None:
    seller = located.seller()
    one, two = (make.variant(seller=seller, stocked=0) for _ in range(2))
    for each in (one, two):
        set_there(each, "berlin", 2)
    stream = make.show(one)
    order = ahead(two, one)
    # All of the first goes to whoever waits for it, and never back to the stock.
    line.join(
        buyer_id=make.buyer("Ada").pk,
        stream_id=stream.pk,
        variant_id=one.pk,
        offer_id=None,
        quantity=2,
        now=NOW,
    )
    ended = make.said(order.purchase.payments.get(), "cancelled")

    with transaction.atomic():
        stock.lock([one.pk], skip_locked=False)
        thread, outcome = meanwhile(
            lambda: payments.apply(intent=ended, now=NOW + timedelta(days=4)), seconds=1
        )
        assert thread.is_alive(), outcome
        # Whoever has the first may wait for the second: it is not kept from him by who waits for the first.
        assert stock.lock([two.pk], skip_locked=True) == {two.pk: 0}
    thread.join(10)

    assert WaitlistEntry.objects.get().status == "offered"
    assert (lying(one), lying(two)) == ({"berlin": 2}, {"berlin": 2})
    assert make.broken() == []
