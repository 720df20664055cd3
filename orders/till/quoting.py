"""What a purchase would cost now, before anything is bought: nothing is locked, counted or held."""

from typing import Any

from commerce import clock
from commerce.money import Money
from orders import taxes
from orders.till import deciding, reading
from orders.till.asking import Asked
from orders.till.facts import Bill, Facts

Body = dict[str, Any]


def quote(asked: Asked) -> Body:
    """Return what is asked for at today's prices, with shipping and tax to the buyer's default address.

    Units may be gone when it is bought, and prices other: then the till says so. Raises what
    `deciding.price` raises.
    """
    facts = reading.look([asked], clock=reading.Clock(clock.database_now(), 0.0))
    bill = deciding.price(asked, facts, at=facts.now)
    buyer = facts.buyers.get(asked.buyer_id)
    return {
        "total": bill.total.as_dict(),
        "country": buyer.country if buyer and buyer.country else None,
        "lines": [
            {
                "variant": str(line.variant_id),
                "offer": str(line.offer_id) if line.offer_id else None,
                "quantity": line.quantity,
                "price": line.unit.as_dict(),
                "amount": line.total.as_dict(),
                "discount": Money(line.discount, line.unit.currency).as_dict(),
                "tax": taxes.tax_body(tax, line.unit.currency),
            }
            for line, tax in zip(bill.lines, bill.taxes, strict=True)
        ],
        "orders": [_order(bill, part, facts) for part in range(len(bill.parts))],
    }


def _order(bill: Bill, part: int, facts: Facts) -> Body:
    (merchant_id, numbers), charge, currency = bill.parts[part], bill.charges[part], bill.total.currency
    goods = sum(bill.lines[n].total.amount for n in numbers)
    seller = facts.goods[bill.lines[numbers[0]].variant_id].merchant
    return taxes.order_body(
        charge, merchant={"id": str(merchant_id), "name": seller}, goods=goods, currency=currency
    )
