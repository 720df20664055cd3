"""Changes of status: a conditional update, its history row and any event, in the caller's transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
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
    """Move locked purchases to `new`, all or none, in a few statements, and end their grace.

    Raises IllegalMove.
    """
    if not rows:
        return
    for row in rows:
        if new not in states.PURCHASE[row.status]:
            raise IllegalMove(status=row.status, wanted=new)
    ids, statuses, versions = zip(*((row.pk, row.status, row.version) for row in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH moved AS (
                UPDATE orders_purchase AS purchase
                   SET status = %s, version = was.version + 1, updated_at = %s, grace_until = NULL
                  FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS was (id, status, version)
                 WHERE purchase.id = was.id AND purchase.status = was.status
                   AND purchase.version = was.version
             RETURNING was.id, was.status
            )
            INSERT INTO orders_purchasemove (purchase_id, old, new, reason, at)
            SELECT id, status, %s, %s, %s FROM moved
            """,
            [new, now, list(ids), list(statuses), list(versions), new, reason[:200], now],
        )
        if cursor.rowcount != len(rows):
            raise IllegalMove(wanted=new)
    for row in rows:
        _now(row, status=new, version=row.version + 1, updated_at=now, grace_until=None)
    _tell(rows)


def captured(rows: Mapping[Payment, tuple[str, str]], *, now: datetime) -> None:
    """Move payments of locked purchases to succeeded, all or none; with each one's intent and charge at the
    provider. Raises IllegalMove.
    """
    new = Payment.Status.SUCCEEDED
    for row in rows:
        if new not in states.PAYMENT[row.status]:
            raise IllegalMove(status=row.status, wanted=new)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_payment AS payment
               SET status = 'succeeded', finished_at = %s, decline_code = '', message = '',
                   provider_id = said.intent, charge_id = said.charge
              FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS said (id, old, intent, charge)
             WHERE payment.id = said.id AND payment.status = said.old
            """,
            [
                now,
                [row.pk for row in rows],
                [row.status for row in rows],
                *([said[n] for said in rows.values()] for n in (0, 1)),
            ],
        )
        if cursor.rowcount != len(rows):
            raise IllegalMove(wanted=new)
    for row, (intent, charge) in rows.items():
        _now(row, status=new, finished_at=now, provider_id=intent, charge_id=charge)
        _now(row, decline_code="", message="")


def sent(at: Mapping[UUID, datetime]) -> None:
    """Move payments of locked purchases from created to sent, all or none, each at its time; raises
    IllegalMove.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_payment AS payment
               SET status = 'sent', sent_at = coalesce(sent_at, asked.at), checked_at = asked.at
              FROM unnest(%s::uuid[], %s::timestamptz[]) AS asked (id, at)
             WHERE payment.id = asked.id AND payment.status = 'created'
            """,
            [list(at), list(at.values())],
        )
        if cursor.rowcount != len(at):
            raise IllegalMove(wanted=Payment.Status.SENT)


def unanswered(new: Mapping[UUID, str]) -> None:
    """Move payments that are still sent to created or unknown, each to its own; others stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_payment AS payment SET status = noted.new
              FROM (SELECT payment.id, noted.new
                      FROM orders_payment payment
                      JOIN unnest(%s::uuid[], %s::text[]) AS noted (id, new) ON noted.id = payment.id
                     ORDER BY payment.id FOR NO KEY UPDATE OF payment) AS noted
             WHERE payment.id = noted.id AND payment.status = 'sent'
            """,
            [list(new), list(new.values())],
        )


def orders(rows: Collection[Order], *, new: str, now: datetime) -> None:
    """Move orders of locked purchases to `new`, all or none, in a few statements; raises IllegalMove."""
    for row in rows:
        if new not in states.ORDER[row.status]:
            raise IllegalMove(status=row.status, wanted=new)
    if not rows:
        return
    Order.objects.filter(pk__in=[row.pk for row in rows]).update(status=new, updated_at=now)
    OrderMove.objects.bulk_create(OrderMove(order=row, old=row.status, new=new, at=now) for row in rows)


def paid(rows: Collection[Purchase], *, now: datetime) -> None:
    """Move the orders of locked purchases that are paid now, all or none, in one statement.

    A pre-order's parcel that waited for the money is on its way then, with all of the order or a part; others
    are open. Raises IllegalMove.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH was AS (
                SELECT id, status FROM orders_order WHERE purchase_id = ANY(%s::uuid[]) AND status <> 'open'
                 ORDER BY id FOR NO KEY UPDATE
            ), moved AS (
                UPDATE orders_order
                   SET status = CASE
                           WHEN was.status <> 'shipping' THEN 'open'
                           WHEN EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = was.id
                                           AND l.quantity > l.shipped_quantity + l.dropped_quantity)
                           THEN 'partly_shipped' ELSE 'shipped' END,
                       updated_at = %s
                  FROM was WHERE orders_order.id = was.id
             RETURNING orders_order.id, was.status AS old, orders_order.status AS new
            )
            INSERT INTO orders_ordermove (order_id, old, new, at) SELECT id, old, new, %s FROM moved
            RETURNING old, new
            """,
            [[row.pk for row in rows], now, now],
        )
        for old, new in set(cursor.fetchall()):
            if new not in states.ORDER[old]:
                raise IllegalMove(status=old, wanted=new)


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
    _tell(rows)


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


def _tell(rows: Collection[Purchase]) -> None:
    """Record that purchases have moved: one event for all that moved together."""
    moved = [{"purchase": str(row.pk), "status": row.status, "version": row.version} for row in rows]
    if len(moved) == 1:
        (one,) = moved
        key = f"purchase.moved:{one['purchase']}:{one['version']}"
        outbox.record(name="purchase.moved", payload=one, key=key)
    elif moved:
        outbox.record(name="purchase.moved", payload={"purchases": moved})


def _now(row: R, **written: Any) -> R:
    """Give a row what was just written to it, which spares reading it again."""
    for name, value in written.items():
        setattr(row, name, value)
    return row
