"""Refunds: money that goes back to a buyer, owed when it is decided and carried out afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import Greatest

from commerce import ids, money, outbox
from orders import pricing, taxes
from orders.books import commissions, entries, postings
from orders.models import DisputeLine, Order, OrderLine, Payment, Refund, RefundLine, ShippingBack


@dataclass(frozen=True, slots=True)
class Part:
    """What is given back for one order line: minor units, and the units of goods that it is for."""

    line_id: UUID
    amount: int
    quantity: int = 0
    restock: bool = False


def owe(
    *,
    payment: Payment,
    amount: int,
    reason: str,
    now: datetime,
    parts: Sequence[Part] = (),
    kind: Refund.Kind = Refund.Kind.LATE,
    by: Refund.By = Refund.By.SYSTEM,
    decided_by_id: UUID | None = None,
    order_id: UUID | None = None,
    shipping: Mapping[UUID, int] | None = None,
) -> Refund:
    """Decide a refund (minor units) in the caller's transaction; the database refuses more than was captured.

    Of a paid purchase it is borne by those who had the money, line by line: the `parts`, and what of each
    order's `shipping`, add up to the amount; without them it is spread over all lines, then over shipping.
    The caller has locked the purchase.
    """
    # What was paid out of it already and is not there for the buyer any more, its payees owe back.
    paid_out = F("transferred_amount") - F("amount") + F("refunded_amount") + amount
    Payment.objects.filter(pk=payment.pk).update(
        refunded_amount=F("refunded_amount") + amount,
        receivable_amount=Greatest(F("receivable_amount"), paid_out),
    )
    refund = Refund.objects.create(
        id=ids.new(),
        payment=payment,
        amount=amount,
        currency=payment.currency,
        kind=kind,
        order_id=order_id,
        reason=reason[:200],
        by=by,
        decided_by_id=decided_by_id,
        created_at=now,
    )
    if payment.status == Payment.Status.SUCCEEDED:
        _take_back(refund, payment.purchase_id, parts, shipping or {})
    postings.refund_owed(refund)
    owed_back(payment)
    outbox.record(name="refund.owed", payload={"refund": str(refund.id)}, key=f"refund.owed:{refund.id}")
    return refund


_OWED_BACK = f"""
    UPDATE orders_payment y
       SET receivable_amount = (
           SELECT coalesce(sum(greatest(
                      0, g.sent - {entries.share("y.purchase_id", "g.payable", "y.currency")})), 0)
             FROM (SELECT sum(l.amount - l.reversed_amount) AS sent, 'payable:'
                          || coalesce('merchant:' || a.merchant_id, 'host:' || a.host_id) AS payable
                     FROM orders_payoutleg l
                     JOIN orders_payout q ON q.id = l.payout_id
                     JOIN commerce_connectedaccount a ON a.id = q.account_id
                    WHERE l.payment_id = y.id AND l.status <> 'failed' GROUP BY 2) g)
     WHERE y.id = %s AND (y.transferred_amount > 0 OR y.receivable_amount > 0)
"""


def owed_back(payment: Payment) -> None:
    """Write down what payees were sent of a payment beyond what they still have of it."""
    with connection.cursor() as cursor:
        cursor.execute(_OWED_BACK, [payment.pk])


def spread(lines: Sequence[OrderLine], amount: int) -> list[Part]:
    """Divide minor units over lines by what is left of each, largest remainder; not more than is left."""
    left = [line.paid - line.refunded_amount for line in lines]
    if not amount:
        return []
    shared = money.share(amount, left)
    return [Part(line.id, part) for line, part in zip(lines, shared, strict=True) if part]


def spread_all(
    lines: Sequence[OrderLine], orders: Sequence[Order], amount: int, lost: Mapping[UUID, int] | None = None
) -> tuple[list[Part], dict[UUID, int]]:
    """Divide minor units over lines, and what they do not hold over the orders' shipping; what nobody has any
    more is left out, as what is `lost` to banks, by line and by order.
    """
    lost = lost or {}
    left = [line.paid - line.refunded_amount - lost.get(line.id, 0) for line in lines]
    of_goods = min(amount, sum(left))
    shared = money.share(of_goods, left) if of_goods else [0] * len(lines)
    parts = [Part(line.id, part) for line, part in zip(lines, shared, strict=True) if part]
    rest = amount - of_goods
    shipping: dict[UUID, int] = {}
    for order in orders:
        part = min(rest, order.shipping_paid - order.refunded_shipping_amount - lost.get(order.id, 0))
        rest -= part
        if part:
            shipping[order.id] = part
    return parts, shipping


def lost_to_banks(purchase_id: UUID) -> dict[UUID, int]:
    """Return what disputes have taken of a purchase's lines and shipping, by line and by order."""
    gone = {"dispute__payment__purchase": purchase_id, "dispute__reinstated_at": None}
    goods = DisputeLine.objects.filter(**gone).values_list("line").annotate(Sum("amount"))
    parcels = ShippingBack.objects.filter(**gone).values_list("order").annotate(Sum("amount"))
    return dict([*goods, *parcels])


def shipping_back(order: Order, amount: int) -> ShippingBack:
    """Return what of an order's shipping is given back now, with the tax in it; it is not saved."""
    tax = taxes.part(
        order.shipping_tax_amount,
        of=order.shipping_paid,
        before=order.refunded_shipping_amount,
        amount=amount,
    )
    return ShippingBack(order=order, amount=amount, tax_amount=tax)


def _take_back(
    refund: Refund, purchase_id: UUID, parts: Sequence[Part], shipping: Mapping[UUID, int]
) -> None:
    """Write down of which lines, and of whose shares, a refund is."""
    found = OrderLine.objects.filter(order__purchase=purchase_id)
    if parts:
        found = found.filter(pk__in=[part.line_id for part in parts])
    lines = {line.id: line for line in found.select_for_update(no_key=True, of=("self",)).order_by("id")}
    rows_of = Order.objects.filter(purchase=purchase_id).select_for_update(no_key=True).order_by("id")
    orders = {order.id: order for order in rows_of}
    if not parts and not shipping:
        lost = lost_to_banks(purchase_id)
        parts, shipping = spread_all(list(lines.values()), list(orders.values()), refund.amount, lost)
    if sum(part.amount for part in parts) + sum(shipping.values()) != refund.amount:
        raise ValueError(f"the parts of refund {refund.id} are not its amount")
    left = postings.shares_left(lines.values())
    for order_id, amount in shipping.items():
        row = shipping_back(orders[order_id], amount)
        row.refund = refund
        row.save()
        Order.objects.filter(pk=order_id).update(
            refunded_shipping_amount=F("refunded_shipping_amount") + amount
        )
    rows = []
    for part in parts:
        line = lines[part.line_id]
        back = pricing.taken_back(part.amount, of=left[part.line_id])
        rows.append(
            RefundLine(
                refund=refund,
                line=line,
                quantity=part.quantity,
                amount=part.amount,
                tax_amount=taxes.part(
                    line.tax_amount, of=line.paid, before=line.refunded_amount, amount=part.amount
                ),
                host_amount=back.host,
                platform_amount=back.platform,
                restocked=part.restock,
            )
        )
        OrderLine.objects.filter(pk=part.line_id).update(
            refunded_quantity=F("refunded_quantity") + part.quantity,
            refunded_amount=F("refunded_amount") + part.amount,
        )
    RefundLine.objects.bulk_create(rows)
    commissions.take_back(rows)
    touched = {lines[part.line_id].order_id for part in parts} | shipping.keys()
    Order.objects.filter(pk__in=touched).update(updated_at=refund.created_at)
