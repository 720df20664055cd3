"""What is in a parcel leaves the location that it is said to leave, and lies there again if it never went."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog import bundles
from catalog.models import StockMovement, Variant
from catalog.shelf import locations, places
from commerce.models import Merchant
from orders import fulfilment
from orders.fulfilment import Label
from orders.models import Order, OrderLine, Shipment
from orders.settling import payments
from tests.catalog import located
from tests.catalog.located import KEY, adds_up, close, lying, set_there
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Merchant:
    return located.seller()


def bought(*wanted: tuple[Variant, int], **more: Any) -> Order:
    purchase = make.basket(*wanted, **more).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Order.objects.get(purchase=purchase)


def pack(order: Order, *units: int, location: str | None = "berlin", number: str = "1") -> Order:
    lines = OrderLine.objects.filter(order=order).order_by("id")
    packed = [fulfilment.Packed(each.pk, count) for each, count in zip(lines, units, strict=False) if count]
    return fulfilment.pack(
        merchant_id=order.merchant_id,
        order_id=order.pk,
        lines=packed,
        label=Label("DHL", number),
        location=location,
        by=KEY,
        now=after(50),
    )


def sent() -> list[tuple[Any, ...]]:
    rows = StockMovement.objects.filter(reason="sent").order_by("id")
    return list(rows.values_list("variant", "delta", "on_hand_delta", "by", "by_name"))


def test_what_is_in_a_parcel_lies_there_no_more(seller: Merchant) -> None:
    one, other = (make.variant(seller=seller, stocked=4) for _ in range(2))
    set_there(one, "berlin", 5)
    set_there(other, "berlin", 5)
    order = bought((one, 3), (other, 2))

    pack(order, 2, 0)
    pack(order, number="2")

    assert (lying(one), lying(other)) == ({"berlin": 2}, {"berlin": 3})
    assert (make.left(one), make.left(other)) == (6, 7)
    assert sent() == [
        (one.pk, 0, -2, "key", "ERP"),
        (one.pk, 0, -1, "key", "ERP"),
        (other.pk, 0, -2, "key", "ERP"),
    ]
    first = Shipment.objects.earliest("id")
    assert first.location is not None and first.location.code == "berlin"
    note = StockMovement.objects.filter(reason="sent").earliest("id").note
    assert note == f"order {order.pk}, parcel {first.pk}"
    assert make.broken() == []


def test_the_same_parcel_again_takes_nothing_more(seller: Merchant) -> None:
    one = make.variant(seller=seller, stocked=4)
    set_there(one, "berlin", 5)
    order = bought((one, 3))
    pack(order, 3)
    close_after = lying(one)
    pack(order, 3)
    pack(order)
    assert (lying(one), close_after, Shipment.objects.count()) == ({"berlin": 2}, {"berlin": 2}, 1)
    # From somewhere else it is another parcel, and nothing is left for it.
    with pytest.raises(fulfilment.NotPaid):
        pack(order, 3, location="lyon")


@pytest.mark.parametrize("location", [None, "main"])
def test_what_leaves_the_main_location_is_not_counted(seller: Merchant, location: str | None) -> None:
    one = make.variant(seller=seller, stocked=4)
    set_there(one, "berlin", 5)
    pack(bought((one, 3)), location=location)
    assert (lying(one), sent(), make.left(one)) == ({"berlin": 5}, [], 6)
    shipment = Shipment.objects.get()
    assert (shipment.location.code if shipment.location else None) == location
    assert make.broken() == []


def test_a_parcel_that_cannot_leave_there_is_none(seller: Merchant) -> None:
    one = make.variant(seller=seller, stocked=4)
    set_there(one, "berlin", 2)
    order, stranger = bought((one, 3)), located.seller("hers", "rome")
    close(seller, "lyon")
    refusals: tuple[tuple[str, type, dict[str, Any]], ...] = (
        ("berlin", places.NotEnoughThere, {"variant": str(one.pk), "location": "berlin", "left": 2}),
        ("lyon", locations.LocationClosed, {"location": "lyon"}),
        ("rome", locations.UnknownLocation, {"location": "rome"}),
    )
    for code, refusal, data in refusals:
        with pytest.raises(refusal) as refused:
            pack(order, location=code)
        assert refused.value.data == data  # type: ignore[attr-defined]  # a refusal's
    assert (Shipment.objects.count(), Order.objects.get(pk=order.pk).status) == (0, "open")
    # Nor does the database take a parcel that leaves another merchant's.
    theirs = stranger.locations.get(code="rome")
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        Shipment.objects.create(merchant=seller, carrier="DHL", shipped_at=NOW, location=theirs)


def test_a_bundle_leaves_as_its_parts(seller: Merchant) -> None:
    cup, plate, kit = (make.variant(seller=seller, stocked=0) for _ in range(3))
    bundles.set_parts(merchant_id=seller.pk, bundle_id=kit.pk, parts={cup.pk: 2, plate.pk: 1}, now=NOW)
    for part in (cup, plate):
        set_there(part, "berlin", 10)
    order = bought((kit, 3))

    pack(order, 2)

    assert (lying(cup), lying(plate), lying(kit)) == ({"berlin": 6}, {"berlin": 8}, {})
    assert make.broken() == []


def test_orders_that_go_together_leave_together(seller: Merchant) -> None:
    one, buyer = make.variant(seller=seller, stocked=4), make.buyer()
    set_there(one, "berlin", 5)
    some = [bought((one, count), by=buyer) for count in (1, 2)]
    fulfilment.send(
        merchant_id=seller.pk,
        order_ids=[order.pk for order in some],
        lines=(),
        label=Label("DHL", "1"),
        location="berlin",
        now=after(50),
    )
    assert lying(one) == {"berlin": 2}
    assert [row[2] for row in sent()] == [-1, -2]
    assert make.broken() == []


def promised(one: Variant) -> Order:
    """An order ahead, whose card has promised the money."""
    Variant.objects.filter(pk=one.pk).update(release_at=NOW + timedelta(days=2))
    purchase = make.basket((one, 3)).go()
    payments.apply(intent=make.said(make.sent(purchase), "held"), now=after(2))
    return Order.objects.get(purchase=purchase)


def ship_ahead(order: Order) -> None:
    fulfilment.pack(
        merchant_id=order.merchant_id,
        order_id=order.pk,
        lines=(),
        label=Label("DHL", "1"),
        location="berlin",
        now=NOW + timedelta(days=3),
    )


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed meanwhile"])
def test_a_parcel_that_never_went_lies_where_it_was(seller: Merchant, closed: bool) -> None:
    one = make.variant(seller=seller, stocked=4)
    set_there(one, "berlin", 3)
    order = promised(one)
    ship_ahead(order)
    assert (lying(one), make.left(one)) == ({"berlin": 0}, 4)
    if closed:
        close(seller, "berlin")
    payment = order.purchase.payments.get()

    payments.apply(intent=make.said(payment, "cancelled"), now=NOW + timedelta(days=4))

    assert Order.objects.get(pk=order.pk).status == "cancelled"
    assert Shipment.objects.count() == 0
    assert (lying(one), make.left(one)) == ({"berlin": 0 if closed else 3}, 7)
    assert adds_up(one)
    assert make.broken() == []


def test_large_parcels_take_as_many_statements_as_small_ones(seller: Merchant) -> None:
    taken = []
    for count in (2, 12):
        some = [make.variant(seller=seller) for _ in range(count)]
        for one in some:
            set_there(one, "berlin", 5)
        order = bought(*((one, 2) for one in some))
        with CaptureQueriesContext(connection) as made:
            pack(order, number=str(count))
        taken.append(len(made))
    assert taken[0] == taken[1]
