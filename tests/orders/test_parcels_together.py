"""Several orders of one buyer go out in one parcel."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import fulfilment
from orders.fulfilment import Label, sending
from orders.models import (
    Purchase,
    Shipment,
    ShipmentLine,
)
from tests.orders import make
from tests.orders.make import after
from tests.orders.sold import Sold, sold

pytestmark = pytest.mark.django_db


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
