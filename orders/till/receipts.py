"""The body of a purchase that was just accepted, from what the till knows; reading it would give the same.

Who shares a bill shares all of the body but ids and card, so that the rest is rendered once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from orders import taxes
from orders.models import Order, Purchase
from orders.till.asking import Receipt
from orders.till.deciding import Accepted
from orders.till.facts import Bill, Facts, Show
from streams.bodies import unix_ms

_FIRST, _AGAIN = ',"replayed":false}', ',"replayed":true}'
Ids = tuple[list[str], list[str]]  # Of the orders, of the lines; both as the bill has them.


@dataclass(slots=True)
class _Shared:
    """JSON that all who share a bill have in common."""

    total: str
    stream: str
    orders: list[str]  # From behind an order's id to its lines.
    lines: list[str]  # From behind a line's id to its end.


class Receipts:
    """Receipts of one batch."""

    def __init__(self, facts: Facts, *, hold_until: datetime) -> None:
        self._facts, self._hold_until = facts, unix_ms(hold_until)
        self._shared: dict[int, _Shared] = {}
        self._sold: list[tuple[Accepted, list[str], list[str]]] = []

    def add(self, each: Accepted, *, orders: list[str], lines: list[str]) -> None:
        """Add an accepted purchase with the ids of its orders and lines."""
        self._sold.append((each, orders, lines))

    def render(self) -> list[Receipt]:
        """Return the receipts, in the order in which they were added."""
        return [self._of(*sold) for sold in self._sold]

    def _of(self, each: Accepted, orders: list[str], lines: list[str]) -> Receipt:
        shared = self._shared.get(id(each.bill))
        if shared is None:
            shared = self._shared[id(each.bill)] = self._share(each.bill, each.show)
        parts = ",".join(
            f'{{"id":"{order_id}"{shared.orders[n]}'
            + ",".join(f'{{"id":"{lines[m]}"{shared.lines[m]}' for m in numbers)
            + '],"shipments":[],"aftersales":null}'
            for n, (order_id, (_, numbers)) in enumerate(zip(orders, each.bill.parts, strict=True))
        )
        card = orjson.dumps({"brand": each.card.brand, "last4": each.card.last4}).decode()
        body = (
            f'{{"id":"{each.id}","key":"{each.asked.key}","status":"{Purchase.Status.ACCEPTED.value}",'
            f'"version":1,"total":{shared.total},"reason":null,"message":null,"card":{card},'
            f'"hold_until":{self._hold_until},"retry_until":null,"stream":{shared.stream},"orders":[{parts}]{_FIRST}'
        )
        return Receipt(UUID(each.id), body, replayed=False)

    def _share(self, bill: Bill, show: Show | None) -> _Shared:
        orders = []
        currency = bill.total.currency
        for part, (merchant_id, numbers) in enumerate(bill.parts):
            facts = {
                "merchant": {
                    "id": merchant_id,
                    "name": self._facts.goods[bill.lines[numbers[0]].variant_id].merchant,
                },
                "status": Order.Status.PENDING.value,
                "total": {"amount": bill.amount_of(part), "currency": currency},
                **taxes.charge_body(bill.charges[part], currency),
            }
            orders.append(f',{_inner(facts)},"lines":[')
        lines = [
            {
                "variant": line.variant_id,
                "title": line.title,
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": line.unit.as_dict(),
                "amount": line.total.as_dict(),
                "discount": {"amount": line.discount, "currency": line.unit.currency},
                "list_price": {"amount": line.list_amount, "currency": line.unit.currency},
                "reference": {"amount": line.reference_amount, "currency": line.unit.currency}
                if line.reference_amount
                else None,
                "offer": line.offer_id,
                "release_at": unix_ms(line.release_at) if line.release_at else None,
                "tax": taxes.tax_body(bill.taxes[n], currency),
            }
            for n, line in enumerate(bill.lines)
        ]
        return _Shared(
            total=orjson.dumps(bill.total.as_dict()).decode(),
            stream=orjson.dumps(show.slug if show else None).decode(),
            orders=orders,
            lines=[f",{_inner(line)}}}" for line in lines],
        )


def replayed(receipt: Receipt) -> Receipt:
    """Return the receipt for the same key sent again in the same batch."""
    return Receipt(receipt.purchase_id, receipt.body.removesuffix(_FIRST) + _AGAIN, replayed=True)


def _inner(facts: Mapping[str, object]) -> str:
    return orjson.dumps(facts).decode()[1:-1]
