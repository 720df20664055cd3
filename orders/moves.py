"""Changes of status: a conditional update, its history row and any event, in the caller's transaction."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F

from commerce import errors, outbox
from orders import states
from orders.models import Order, OrderMove, Payment, Purchase, PurchaseMove

R = TypeVar("R", Purchase, Order, Payment)


class IllegalMove(errors.Conflict):
    """The status does not allow it."""

    code = "ILLEGAL_MOVE"
    message = "The current status does not allow this."


def purchase(row: Purchase, *, new: str, now: datetime, reason: str = "", **changes: Any) -> Purchase:
    """Move a purchase to `new` and return it, also when it is there already; raises IllegalMove."""
    old, version = row.status, row.version + 1
    if new in states.PURCHASE[old]:
        found = Purchase.objects.filter(pk=row.pk, status=old, version=row.version)
        if found.update(status=new, version=version, updated_at=now, **changes):
            PurchaseMove.objects.create(purchase=row, old=old, new=new, reason=reason[:200], at=now)
            outbox.record(
                name="purchase.moved",
                payload={"purchase": str(row.pk), "status": new, "version": version},
                key=f"purchase.moved:{row.pk}:{version}",
            )
            return _now(row, status=new, version=version, updated_at=now, **changes)
        row.refresh_from_db()
    if row.status != new:
        raise IllegalMove(status=row.status, wanted=new)
    return row


def purchases(rows: Collection[Purchase], *, new: str, now: datetime, reason: str = "") -> None:
    """Move locked purchases to `new`, all or none, in a few statements; raises IllegalMove."""
    for row in rows:
        if new not in states.PURCHASE[row.status]:
            raise IllegalMove(status=row.status, wanted=new)
    ids = [row.pk for row in rows]
    Purchase.objects.filter(pk__in=ids).update(status=new, version=F("version") + 1, updated_at=now)
    PurchaseMove.objects.bulk_create(
        PurchaseMove(purchase=row, old=row.status, new=new, reason=reason[:200], at=now) for row in rows
    )
    for row in rows:
        row.status, row.version, row.updated_at = new, row.version + 1, now
    outbox.record_all(
        (
            "purchase.moved",
            {"purchase": str(row.pk), "status": new, "version": row.version},
            f"purchase.moved:{row.pk}:{row.version}",
        )
        for row in rows
    )


def orders(rows: Collection[Order], *, new: str, now: datetime) -> None:
    """Move orders of locked purchases to `new`, all or none, in a few statements; raises IllegalMove."""
    for row in rows:
        if new not in states.ORDER[row.status]:
            raise IllegalMove(status=row.status, wanted=new)
    Order.objects.filter(pk__in=[row.pk for row in rows]).update(status=new, updated_at=now)
    OrderMove.objects.bulk_create(OrderMove(order=row, old=row.status, new=new, at=now) for row in rows)


def note(row: Purchase, *, reason: str, now: datetime) -> None:
    """Record what the buyer has to hear of a locked purchase whose status stays."""
    version = row.version + 1
    Purchase.objects.filter(pk=row.pk).update(version=version, updated_at=now)
    PurchaseMove.objects.create(purchase=row, old=row.status, new=row.status, reason=reason[:200], at=now)
    outbox.record(
        name="purchase.moved",
        payload={"purchase": str(row.pk), "status": row.status, "version": version},
        key=f"purchase.moved:{row.pk}:{version}",
    )
    row.refresh_from_db()


def notes(rows: Collection[Purchase], *, reason: str, now: datetime) -> None:
    """Record what the buyers have to hear of locked purchases whose status stays, in a few statements."""
    Purchase.objects.filter(pk__in=[row.pk for row in rows]).update(version=F("version") + 1)
    PurchaseMove.objects.bulk_create(
        PurchaseMove(purchase=row, old=row.status, new=row.status, reason=reason[:200], at=now)
        for row in rows
    )
    for row in rows:
        row.version += 1
    outbox.record_all(
        (
            "purchase.moved",
            {"purchase": str(row.pk), "status": row.status, "version": row.version},
            f"purchase.moved:{row.pk}:{row.version}",
        )
        for row in rows
    )


def order(row: Order, *, new: str, now: datetime) -> Order:
    """Move an order to `new` and return it, also when it is there already; raises IllegalMove.

    Its buyer hears of it by its purchase, whose version counts every change of what she is shown.
    """
    old = row.status
    if new in states.ORDER[old]:
        if Order.objects.filter(pk=row.pk, status=old).update(status=new, updated_at=now):
            OrderMove.objects.create(order=row, old=old, new=new, at=now)
            return _now(row, status=new, updated_at=now)
        row.refresh_from_db()
    if row.status != new:
        raise IllegalMove(status=row.status, wanted=new)
    return row


def payment(row: Payment, *, new: str, now: datetime, **changes: Any) -> Payment:
    """Move a payment to `new` and return it, also when it is there already; raises IllegalMove.

    A payment's history is its timestamps; what follows from it is told by the purchase's move.
    """
    old = row.status
    if new in states.PAYMENT[old]:
        if new not in states.ALIVE or new == Payment.Status.SUCCEEDED:
            changes.setdefault("finished_at", now)
        if Payment.objects.filter(pk=row.pk, status=old).update(status=new, **changes):
            return _now(row, status=new, **changes)
        row.refresh_from_db()
    if row.status != new:
        raise IllegalMove(status=row.status, wanted=new)
    return row


def _now(row: R, **written: Any) -> R:
    """Give a row what was just written to it, which spares reading it again."""
    for name, value in written.items():
        setattr(row, name, value)
    return row
