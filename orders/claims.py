"""What happened to an order after it was bought, as its buyer and its merchant see it."""

from typing import Any

from django.db.models import Q

from commerce.money import Money
from orders import windows
from orders.models import Cancellation, Order, Payment, Purchase, Refund, Return
from streams.bodies import unix_ms

Body = dict[str, Any]
TOLD: dict[str, str] = {Refund.Status.SUCCEEDED: "paid", Refund.Status.BY_BANK: "bank"}
BY_BUYER = "cancelled by the buyer"
PROMISED = (Purchase.Status.PAID, Purchase.Status.AUTHORIZED)


def of_order(order: Order, purchase: Purchase) -> Body | None:
    """Return what may still be done with a buyer's order, and what was; None while it is not sold.

    The order is read with its lines, parcels and merchant, the purchase with its payments. More is read only
    of those where something happened.
    """
    if purchase.status not in PROMISED:
        return None
    paid = next((each for each in purchase.payments.all() if each.status == Payment.Status.SUCCEEDED), None)
    cancel_until = windows.cancel_until(
        order=order, purchase=purchase, paid_at=paid.finished_at if paid else None
    )
    return_until = windows.return_until(order=order)
    touched = [line for line in order.lines.all() if line.refunded_amount or line.refunded_quantity]
    refunded = order.refunded_shipping_amount + sum(line.refunded_amount for line in touched)
    return {
        "cancel_until": unix_ms(cancel_until) if cancel_until else None,
        "return_until": unix_ms(return_until) if return_until else None,
        "refunded": Money(refunded, order.currency).as_dict(),
        "lines": [
            {
                "line": str(line.id),
                "quantity": line.refunded_quantity,
                "refunded": Money(line.refunded_amount, line.currency).as_dict(),
            }
            for line in touched
        ],
        "refunds": refunds_of(order) if refunded else [],
        "cancellation": cancellation_of(order) if order.has_claims else None,
        "returns": returns_of(order) if order.has_claims else [],
    }


def refunds_of(order: Order) -> list[Body]:
    """Return an order's refunds, newest first; those that had to be sent anew count once."""
    rows = Refund.objects.filter(Q(again=None) | Q(bank_amount__gt=0), order=order).order_by("-id")
    return [refund(row) for row in rows]


def refund(row: Refund) -> Body:
    """Return the body of a refund; `paid` once the provider has sent the money, `bank` when she has it from
    her bank.
    """
    return {
        "id": str(row.id),
        "amount": Money(row.bank_amount or row.amount, row.currency).as_dict(),
        "kind": row.kind,
        "reason": row.reason,
        "by": row.by,
        "status": TOLD.get(row.status, "owed"),
        "created_at": unix_ms(row.created_at),
    }


def cancellation_of(order: Order) -> Body | None:
    """Return the body of the buyer's wish to cancel an order, None without one."""
    row = Cancellation.objects.filter(order=order).first()
    if row is None:
        return None
    return {
        "status": row.status,
        "reason": row.reason,
        "answer": row.answer,
        "asked_at": unix_ms(row.asked_at),
    }


def returns_of(order: Order) -> list[Body]:
    """Return the bodies of an order's returns, newest first."""
    rows = Return.objects.filter(order=order).prefetch_related("lines").order_by("-id")
    return [goods_back(row) for row in rows]


def goods_back(row: Return) -> Body:
    """Return the body of a return that was read with its lines."""
    return {
        "id": str(row.id),
        "order": str(row.order_id),
        "status": row.status,
        "reason": row.reason,
        "note": row.note,
        "answer": row.answer,
        "lines": [{"line": str(each.line_id), "quantity": each.quantity} for each in row.lines.all()],
        "refund": str(row.refund_id) if row.refund_id else None,
        "until": unix_ms(row.until) if row.until else None,
        "created_at": unix_ms(row.created_at),
        "updated_at": unix_ms(row.updated_at),
    }
