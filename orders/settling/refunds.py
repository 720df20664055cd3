"""Refunds: money that goes back to a buyer, owed when it is decided and carried out afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest

from commerce import ids, money, outbox
from orders import pricing
from orders.books import entries, postings
from orders.models import OrderLine, Payment, Refund, RefundLine


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
) -> Refund:
    """Decide a refund (minor units) in the caller's transaction; the database refuses more than was captured.

    Of a paid purchase it is borne by those who had the money, line by line: the `parts` add up to the amount,
    and without them it is spread over all lines. The caller has locked the purchase.
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
        _take_back(refund, payment.purchase_id, parts)
    postings.refund_owed(refund)
    _owed_back(payment)
    outbox.record(name="refund.owed", payload={"refund": str(refund.id)}, key=f"refund.owed:{refund.id}")
    return refund


_OWED_BACK = f"""
    UPDATE orders_payment y
       SET receivable_amount = (
           SELECT coalesce(sum(greatest(
                      0, g.sent - {entries.share("y.purchase_id", "g.payable", "y.currency")})), 0)
             FROM (SELECT sum(l.amount) AS sent, 'payable:'
                          || coalesce('merchant:' || a.merchant_id, 'host:' || a.host_id) AS payable
                     FROM orders_payoutleg l
                     JOIN orders_payout q ON q.id = l.payout_id
                     JOIN commerce_connectedaccount a ON a.id = q.account_id
                    WHERE l.payment_id = y.id AND l.status <> 'failed' GROUP BY 2) g)
     WHERE y.id = %s AND y.transferred_amount > 0
"""


def _owed_back(payment: Payment) -> None:
    """Write down what payees were sent of a payment beyond what they still have of it."""
    with connection.cursor() as cursor:
        cursor.execute(_OWED_BACK, [payment.pk])


def spread(lines: Sequence[OrderLine], amount: int) -> list[Part]:
    """Divide minor units over lines by what is left of each, largest remainder; not more than is left."""
    left = [line.amount - line.refunded_amount for line in lines]
    shared = money.share(amount, left)
    return [Part(line.id, part) for line, part in zip(lines, shared, strict=True) if part]


def _take_back(refund: Refund, purchase_id: UUID, parts: Sequence[Part]) -> None:
    """Write down of which lines, and of whose shares, a refund is."""
    found = OrderLine.objects.filter(order__purchase=purchase_id)
    if parts:
        found = found.filter(pk__in=[part.line_id for part in parts])
    lines = {line.id: line for line in found.select_for_update(no_key=True, of=("self",)).order_by("id")}
    parts = parts or spread(list(lines.values()), refund.amount)
    if sum(part.amount for part in parts) != refund.amount:
        raise ValueError(f"the parts of refund {refund.id} are not its amount")
    left = postings.shares_left(lines.values())
    rows = []
    for part in parts:
        back = pricing.taken_back(part.amount, of=left[part.line_id])
        rows.append(
            RefundLine(
                refund=refund,
                line=lines[part.line_id],
                quantity=part.quantity,
                amount=part.amount,
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
    postings.reverse_commission({row.line_id: row.host_amount for row in rows})
