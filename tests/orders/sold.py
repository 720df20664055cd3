"""A paid order, and what its merchant does with it."""

from dataclasses import dataclass
from typing import Any

from commerce.models import User
from orders import fulfilment
from orders.aftersales import cancelling, refunding
from orders.fulfilment import Label, Packed
from orders.models import (
    Order,
    OrderLine,
    Refund,
    Shipment,
)
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after

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
