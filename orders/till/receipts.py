"""The body of a purchase that was just accepted, from what the till knows; reading it would give the same."""

from datetime import datetime
from uuid import UUID

import orjson

from orders import pricing
from orders.models import Order, Purchase
from orders.till.asking import Receipt
from orders.till.deciding import Accepted
from orders.till.facts import Facts
from streams.bodies import unix_ms

Parts = list[tuple[str, UUID, list[tuple[str, pricing.Line]]]]


def accepted(each: Accepted, parts: Parts, facts: Facts, *, hold_until: datetime) -> Receipt:
    """Return the receipt of an accepted purchase; `queries.purchase_body` gives the same body."""
    asked = each.asked
    body = {
        "id": each.id,
        "key": asked.key,
        "status": Purchase.Status.ACCEPTED.value,
        "version": 1,
        "total": each.bill.total.as_dict(),
        "reason": None,
        "message": None,
        "card": {"brand": each.card.brand, "last4": each.card.last4},
        "hold_until": unix_ms(hold_until),
        "stream": each.show.slug if each.show else None,
        "orders": [
            {
                "id": order_id,
                "merchant": {"id": merchant_id, "name": facts.goods[lines[0][1].variant_id].merchant},
                "status": Order.Status.PENDING.value,
                "total": {
                    "amount": sum(line.total.amount for _, line in lines),
                    "currency": each.bill.total.currency,
                },
                "lines": [_line(line_id, line) for line_id, line in lines],
                "shipments": [],
            }
            for order_id, merchant_id, lines in parts
        ],
        "replayed": False,
    }
    return Receipt(UUID(each.id), orjson.dumps(body), replayed=False)


def _line(line_id: str, line: pricing.Line) -> dict[str, object]:
    currency = line.unit.currency
    return {
        "id": line_id,
        "variant": line.variant_id,
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": line.unit.as_dict(),
        "amount": line.total.as_dict(),
        "list_price": {"amount": line.list_amount, "currency": currency},
        "offer": line.offer_id,
    }
