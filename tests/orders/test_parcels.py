"""Orders go out in one parcel or several, arrive, and are acknowledged."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from orders import fulfilment, moves, queries
from orders.fulfilment import Label
from orders.models import (
    Order,
    OrderMove,
    Purchase,
    Shipment,
    ShipmentLine,
)
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.sold import DHL, sold

pytestmark = pytest.mark.django_db


def test_an_order_goes_out_in_parts_and_is_shipped_with_its_last() -> None:
    one = sold(2, 1)

    one.ship(1, 0, number="1")
    assert (one.status, one.counts) == ("partly_shipped", [(1, 0, 0), (0, 0, 0)])
    one.ship(0, 1, number="2", at=51)
    assert one.status == "partly_shipped"
    one.ship(1, 0, number="3", at=52)

    assert (one.status, one.counts) == ("shipped", [(2, 0, 0), (1, 0, 0)])
    went = OrderMove.objects.filter(order=one.order).order_by("id").values_list("new", flat=True)
    assert list(went) == ["open", "partly_shipped", "shipped"]
    body = queries.purchase_body(one.order.purchase_id)["orders"][0]
    assert [parcel["tracking_number"] for parcel in body["shipments"]] == ["1", "2", "3"]
    assert body["shipments"][1]["lines"] == [{"line": str(one.lines[1].id), "quantity": 1}]
    assert make.broken() == []


def test_without_lines_a_parcel_has_all_that_is_left() -> None:
    one = sold(2, 3)
    one.ship(1, 0)
    fulfilment.ship(
        merchant_id=one.order.merchant_id, order_id=one.order.id, now=after(51), **DHL | {"carrier": "UPS"}
    )

    assert one.status == "shipped"
    last = ShipmentLine.objects.filter(shipment__carrier="UPS").order_by("line_id")
    assert [each.quantity for each in last] == [1, 3]


def test_the_same_parcel_again_changes_nothing() -> None:
    one = sold(3)
    one.ship(1)
    version = Purchase.objects.get(pk=one.order.purchase_id).version

    one.ship(1, at=55)

    assert (Shipment.objects.count(), one.counts) == (1, [(1, 0, 0)])
    assert Purchase.objects.get(pk=one.order.purchase_id).version == version
    one.ship(1, number="2", at=56)
    one.ship(1, number="", at=57)
    assert one.status == "shipped"
    one.ship(1, number="2", at=58)
    with pytest.raises(fulfilment.NotPaid):
        one.ship(1, number="", at=59)


def test_two_parcels_that_nobody_can_follow_may_be_alike() -> None:
    one = sold(2)
    one.ship(1, number="")
    one.ship(1, number="")

    assert (one.status, Shipment.objects.count()) == ("shipped", 2)


def test_never_more_goes_out_than_was_bought_less_what_was_given_back() -> None:
    one = sold(3)
    one.refund(1)
    one.ship(1)

    with pytest.raises(fulfilment.TooMany) as refused:
        one.ship(2, number="2")

    assert refused.value.data == {"line": str(one.lines[0].id), "left": 1}
    assert one.counts == [(1, 1, 1)]
    one.ship(1, number="3")
    assert one.status == "shipped"
    with pytest.raises(fulfilment.NotPaid):
        one.ship(1, number="4")


def test_lines_of_another_order_or_merchant_are_unknown() -> None:
    one, other = sold(1), sold(1)
    with pytest.raises(fulfilment.UnknownLine):
        fulfilment.pack(
            merchant_id=one.order.merchant_id,
            order_id=one.order.id,
            lines=other.pack(1),
            label=Label("DHL"),
            now=after(50),
        )
    with pytest.raises(fulfilment.UnknownLine):
        fulfilment.send(
            merchant_id=one.order.merchant_id,
            order_ids=[],
            lines=[*one.pack(1), *other.pack(1)],
            label=Label("DHL"),
            now=after(50),
        )
    assert Shipment.objects.count() == 0


# --- delivered ---


def test_an_order_is_delivered_when_all_its_parcels_are() -> None:
    one = sold(2)
    one.ship(1, number="1")
    first = Shipment.objects.get()
    one.deliver(first)
    assert one.status == "partly_shipped"
    one.ship(1, number="2", at=110)
    assert one.status == "shipped"

    one.deliver(Shipment.objects.get(tracking_number="2"), at=120)

    assert one.status == "delivered"
    body = queries.purchase_body(one.order.purchase_id)["orders"][0]
    assert [parcel["delivered_at"] is not None for parcel in body["shipments"]] == [True, True]
    assert make.broken() == []


def test_what_was_delivered_in_part_is_delivered_when_its_rest_is_given_back() -> None:
    one = sold(2)
    one.ship(1)
    one.deliver(Shipment.objects.get())

    one.refund(1)

    went = OrderMove.objects.filter(order=one.order).order_by("id").values_list("new", flat=True)
    assert list(went) == ["open", "partly_shipped", "shipped", "delivered"]
    assert make.broken() == []


def test_the_first_word_of_its_arrival_counts() -> None:
    one = sold(1)
    one.ship(1)
    parcel = one.deliver(Shipment.objects.get(), at=100)
    version = Purchase.objects.get(pk=one.order.purchase_id).version

    assert one.deliver(parcel, at=200).delivered_at == after(100)
    assert Purchase.objects.get(pk=one.order.purchase_id).version == version


def test_a_parcel_arrives_after_its_order_was_made_and_not_in_the_future() -> None:
    one = sold(1)
    one.ship(1)
    parcel = Shipment.objects.get()
    Order.objects.update(created_at=NOW)
    asked: dict[str, Any] = {
        "merchant_id": one.order.merchant_id,
        "shipment_id": parcel.pk,
        "now": after(100),
    }
    for at in (after(-1), after(101)):
        with pytest.raises(fulfilment.BadMoment):
            fulfilment.deliver(delivered_at=at, **asked)
    assert fulfilment.deliver(delivered_at=after(99), **asked).delivered_at == after(99)


def test_tracking_is_corrected_and_the_buyer_told() -> None:
    one = sold(1)
    one.ship(1)
    parcel = Shipment.objects.get()
    version = Purchase.objects.get(pk=one.order.purchase_id).version
    asked: dict[str, Any] = {"merchant_id": one.order.merchant_id, "shipment_id": parcel.pk}

    fulfilment.relabel(tracking_number="2", now=after(60), **asked)
    fulfilment.relabel(tracking_number="2", carrier="DHL", now=after(61), **asked)

    body = queries.purchase_body(one.order.purchase_id)
    assert body["orders"][0]["shipments"][0]["tracking_number"] == "2"
    assert body["version"] == version + 1
    with pytest.raises(queries.UnknownShipment):
        fulfilment.relabel(merchant_id=make.merchant().id, shipment_id=parcel.pk, carrier="X", now=after(62))


# --- acknowledged ---


def test_an_order_is_acknowledged_once_and_its_number_may_be_corrected() -> None:
    one = sold(1)
    asked = {"merchant_id": one.order.merchant_id, "order_id": one.order.id}

    first = fulfilment.acknowledge(reference="A-1", now=after(5), **asked)
    again = fulfilment.acknowledge(reference=None, now=after(6), **asked)
    mended = fulfilment.acknowledge(reference="A-2", now=after(7), **asked)

    seen = [(row.acknowledged_at, row.reference, row.updated_at) for row in (first, again, mended)]
    assert seen == [
        (after(5), "A-1", after(5)),
        (after(5), "A-1", after(5)),
        (after(5), "A-2", after(7)),
    ]


def test_the_table_of_moves_has_no_way_back() -> None:
    one = sold(1)
    one.ship(1)
    row = Order.objects.get(pk=one.order.pk)
    with pytest.raises(moves.IllegalMove):
        moves.order(replace(one, order=row).order, new="partly_shipped", now=timezone.now())
