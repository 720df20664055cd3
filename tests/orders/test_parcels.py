"""Orders go out in one parcel or several; what follows from that starts when it should."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commerce.models import User
from commerce.money import Money
from orders import fulfilment, moves, queries, windows
from orders.aftersales import cancelling, refunding, returning
from orders.books import earning
from orders.fulfilment import Label, Packed, sending
from orders.models import (
    Order,
    OrderLine,
    OrderMove,
    Proceeds,
    Purchase,
    Refund,
    Return,
    Shipment,
    ShipmentLine,
)
from orders.settling import payments
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db

DAY = 86_400
DHL = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}


@dataclass
class Sold:
    order: Order

    @property
    def lines(self) -> list[OrderLine]:
        return list(OrderLine.objects.filter(order=self.order).order_by("id"))

    @property
    def status(self) -> str:
        return Order.objects.get(pk=self.order.pk).status

    @property
    def counts(self) -> list[tuple[int, int, int]]:
        return [(line.shipped_quantity, line.dropped_quantity, line.refunded_quantity) for line in self.lines]

    def pack(self, *units: int) -> list[Packed]:
        return [Packed(line.id, n) for line, n in zip(self.lines, units, strict=True) if n]

    def ship(self, *units: int, number: str = "1", at: float = 50) -> Order:
        return fulfilment.pack(
            merchant_id=self.order.merchant_id,
            order_id=self.order.id,
            lines=self.pack(*units),
            label=Label("DHL", number),
            now=after(at),
        )

    def deliver(self, shipment: Shipment, at: float = 100) -> Shipment:
        return fulfilment.deliver(
            merchant_id=self.order.merchant_id, shipment_id=shipment.pk, delivered_at=None, now=after(at)
        )

    def refund(self, *units: int, **more: Any) -> Refund:
        asked: dict[str, Any] = {"reason": "x", "actor": refunding.SYSTEM, "now": after(60), **more}
        lines = [refunding.Wanted(each.line_id, each.quantity) for each in self.pack(*units)]
        return refunding.refund(
            merchant_id=self.order.merchant_id, order_id=self.order.id, lines=lines, **asked
        )

    def cancel(self) -> Order:
        return cancelling.cancel_by_merchant(
            merchant_id=self.order.merchant_id,
            order_id=self.order.id,
            reason="",
            restock=True,
            actor=refunding.SYSTEM,
            now=after(60),
        )


def sold(*quantities: int, by: User | None = None, of: Any = None, in_show: bool = False) -> Sold:
    """A paid order with a line per quantity."""
    seller = of or make.merchant()
    goods = [make.variant(amount=1000, stocked=20, seller=seller) for _ in quantities]
    stream = make.show(*goods) if in_show else None
    purchase = make.basket(*zip(goods, quantities, strict=True), by=by, stream=stream).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Sold(Order.objects.get(purchase=purchase))


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


# --- what is left is given back or cancelled ---


def test_an_order_whose_rest_is_given_back_is_shipped() -> None:
    one = sold(2, 1)
    one.ship(2, 0)

    one.refund(0, 1)

    assert (one.status, one.counts) == ("shipped", [(2, 0, 0), (0, 1, 1)])
    assert make.broken() == []


def test_what_is_given_back_of_a_line_is_first_what_did_not_go_out() -> None:
    one = sold(3)
    one.ship(1)

    one.refund(1)
    assert (one.status, one.counts) == ("partly_shipped", [(1, 1, 1)])
    one.refund(2)

    assert (one.status, one.counts) == ("shipped", [(1, 2, 3)])
    assert make.broken() == []


def test_an_amount_without_units_leaves_all_to_go_out() -> None:
    one = sold(2)
    one.ship(1)
    one.refund(0, amount=Money(500, "EUR"))

    assert (one.status, one.counts) == ("partly_shipped", [(1, 0, 0)])


def test_cancelling_the_rest_pays_back_the_rest_alone() -> None:
    one = sold(2, 2)
    one.ship(2, 1)

    one.cancel()

    assert (one.status, one.counts) == ("shipped", [(2, 0, 0), (1, 1, 1)])
    assert Refund.objects.get().amount == 1000
    assert make.stock_of(one.lines[1].variant_id) == 19
    assert make.broken() == []


def test_her_wish_to_cancel_stands_in_the_way_of_the_rest_until_it_is_answered() -> None:
    one = sold(2)
    one.ship(1)
    buyer_id = Purchase.objects.get(pk=one.order.purchase_id).buyer_id
    asked = {"buyer_id": buyer_id, "purchase_id": one.order.purchase_id, "order_id": one.order.id}
    cancelling.cancel_by_buyer(reason="too slow", now=after(55), **asked)

    with pytest.raises(fulfilment.CancellationAsked):
        one.ship(1, number="2")
    one.cancel()

    one.order.refresh_from_db()
    assert (one.status, one.order.cancellation.status) == ("shipped", "granted")
    assert Refund.objects.get().amount == 1000


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


# --- what follows from it ---


def test_what_was_earned_is_kept_back_from_the_last_parcel_on() -> None:
    one = sold(2, in_show=True)
    one.ship(1, at=10)
    earning.sweep(now=after(10 + 20 * DAY))
    assert not Proceeds.objects.exists()
    one.ship(1, number="2", at=20 * DAY)

    earning.sweep(now=after(26 * DAY))
    assert not Proceeds.objects.exists()
    earning.sweep(now=after(27 * DAY + 1))

    assert Proceeds.objects.count() == 1


def test_its_arrival_does_not_keep_back_longer_what_was_earned() -> None:
    one = sold(1, in_show=True)
    one.ship(1, at=10)
    one.deliver(Shipment.objects.get(), at=6 * DAY)
    assert one.status == "delivered"

    earning.sweep(now=after(7 * DAY + 11))

    assert Proceeds.objects.count() == 1
    assert make.broken() == []


def until(one: Sold) -> Any:
    row = queries.purchase_of(
        buyer_id=Purchase.objects.get(pk=one.order.purchase_id).buyer_id, purchase_id=one.order.purchase_id
    )
    return windows.return_until(order=row.orders.all()[0])


def test_the_time_for_returns_is_counted_from_the_last_parcel_and_its_arrival() -> None:
    one = sold(2)
    assert until(one) is None
    one.ship(1, at=10)
    assert until(one) == after(10 + 30 * DAY)
    one.ship(1, number="2", at=5 * DAY)
    assert until(one) == after(35 * DAY)
    one.deliver(Shipment.objects.get(tracking_number="1"), at=6 * DAY)
    assert until(one) == after(36 * DAY)


def test_of_what_went_out_in_part_only_that_can_come_back() -> None:
    one = sold(3)
    one.ship(2)
    asked: dict[str, Any] = {
        "buyer_id": Purchase.objects.get(pk=one.order.purchase_id).buyer_id,
        "purchase_id": one.order.purchase_id,
        "order_id": one.order.id,
        "reason": Return.Reason.DAMAGED,
        "note": "",
        "now": after(70),
    }
    line = one.lines[0].id
    with pytest.raises(returning.TooMany):
        returning.ask(lines=[refunding.Wanted(line, 3)], **asked)
    back = returning.ask(lines=[refunding.Wanted(line, 1)], **asked)
    of: dict[str, Any] = {
        "merchant_id": one.order.merchant_id,
        "return_id": back.id,
        "actor": refunding.SYSTEM,
    }
    returning.approve(answer="", now=after(71), **of)
    returning.receive(now=after(72), **of)
    returning.refund(restock=True, amount=None, now=after(73), **of)

    assert (one.status, one.counts) == ("partly_shipped", [(2, 0, 1)])
    one.refund(1, now=after(74))
    assert (one.status, one.counts) == ("shipped", [(2, 1, 2)])
    with pytest.raises(returning.TooMany):
        returning.ask(lines=[refunding.Wanted(line, 2)], **asked)
    returning.ask(lines=[refunding.Wanted(line, 1)], **asked)
    assert make.broken() == []


# --- several orders in one parcel ---


def test_orders_of_one_buyer_go_out_in_one_parcel() -> None:
    seller, ada = make.merchant(), make.buyer()
    one, two = sold(2, by=ada, of=seller), sold(1, 1, by=ada, of=seller)

    parcel = fulfilment.send(
        merchant_id=seller.id,
        order_ids=[],
        lines=[*one.pack(2), *two.pack(1, 0)],
        label=Label("DHL", "9"),
        now=after(50),
    )

    assert (one.status, two.status) == ("shipped", "partly_shipped")
    one.deliver(parcel)
    assert (one.status, two.status) == ("delivered", "partly_shipped")
    assert make.broken() == []


def test_all_that_is_left_of_orders_goes_out_in_one_parcel_once() -> None:
    seller, ada = make.merchant(), make.buyer()
    both = [sold(2, by=ada, of=seller), sold(1, by=ada, of=seller)]
    asked: dict[str, Any] = {
        "merchant_id": seller.id,
        "order_ids": [each.order.id for each in both],
        "lines": [],
        "label": Label("DHL", "9"),
    }

    first = fulfilment.send(now=after(50), **asked)
    again = fulfilment.send(now=after(51), **asked)

    assert first == again
    assert [each.status for each in both] == ["shipped", "shipped"]
    assert ShipmentLine.objects.count() == 2


def test_however_many_orders_a_parcel_has_they_are_looked_up_at_once() -> None:
    def looked_up(count: int) -> int:
        seller, ada = make.merchant(), make.buyer()
        ids = [sold(1, by=ada, of=seller).order.id for _ in range(count)]
        with CaptureQueriesContext(connection) as asked:
            fulfilment.send(merchant_id=seller.id, order_ids=ids, lines=[], label=Label("DHL"), now=after(50))
        return sum("orders_cancellation" in each["sql"] or "EXISTS" in each["sql"] for each in asked)

    assert looked_up(1) == looked_up(4) == 1


def test_buyers_and_addresses_that_differ_are_not_combined() -> None:
    seller, ada = make.merchant(), make.buyer()
    one, hers = sold(1, by=ada, of=seller), sold(1, of=seller)
    ada.addresses.update(line1="Another street 9")
    moved = sold(1, by=ada, of=seller)
    for other, reason in ((hers, "buyer"), (moved, "address")):
        with pytest.raises(fulfilment.NotCombinable) as refused:
            fulfilment.send(
                merchant_id=seller.id,
                order_ids=[one.order.id, other.order.id],
                lines=[],
                label=Label("DHL"),
                now=after(50),
            )
        assert refused.value.data == {"reason": reason}
    assert Shipment.objects.count() == 0


def test_what_is_not_paid_yet_goes_out_by_itself() -> None:
    seller, ada = make.merchant(), make.buyer()
    one, two = sold(1, by=ada, of=seller), sold(1, by=ada, of=seller)
    Purchase.objects.filter(pk=two.order.purchase_id).update(status="authorized")
    with pytest.raises(fulfilment.NotCombinable) as refused:
        together(one, two)
    assert refused.value.data == {"reason": "not_paid"}


def together(*some: Sold) -> Shipment:
    return fulfilment.send(
        merchant_id=some[0].order.merchant_id,
        order_ids=[each.order.id for each in some],
        lines=[],
        label=Label("DHL"),
        now=after(50),
    )


def test_control_without_the_look_at_buyers_one_gets_anothers_goods(monkeypatch: pytest.MonkeyPatch) -> None:
    seller = make.merchant()
    some = sold(1, of=seller), sold(1, of=seller)
    monkeypatch.setattr(sending, "_fit", lambda sales: None)

    parcel = together(*some)

    assert {each.order.purchase.buyer_id for each in parcel.lines.all()} == set(
        Purchase.objects.values_list("buyer_id", flat=True)
    )


def test_a_parcel_has_something_in_it() -> None:
    one = sold(1)
    for lines, ids in (([], []), (one.pack(1), [one.order.id])):
        with pytest.raises(fulfilment.NothingNamed):
            fulfilment.send(
                merchant_id=one.order.merchant_id,
                order_ids=ids,
                lines=lines,
                label=Label("DHL"),
                now=after(50),
            )


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
