"""Buyers' contact: kept once, with the purchase, as long as a parcel or what may follow it needs it.

What a purchase cost, its country and its lines stay: the books and the statistics are made of them.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from commerce import accounts, errors, idempotency, ids
from orders import claims, transactions
from orders.models import Cancellation, Dispute, Order, Purchase, Refund, Return

Status = Order.Status
BATCH = 500
OVER = (Status.SHIPPED, Status.DELIVERED, Status.CANCELLED)
RETURN_OPEN = (Return.Status.ASKED, Return.Status.APPROVED, Return.Status.RECEIVED)
# A parcel whose arrival nobody tells is taken to be there after so long.
ON_ITS_WAY = timedelta(days=30)
UNSOLD = (Purchase.Status.DECLINED, Purchase.Status.EXPIRED, Purchase.Status.CANCELLED)


class OnItsWay(errors.Conflict):
    """Something of hers is under way, and nobody could deliver, take back or answer for it; `purchase` and
    `reason` say what: `paying`, `parcel`, `return` or `dispute`.
    """

    code = "ORDER_ON_ITS_WAY"
    message = "An order is still on its way. Your data can be erased when it is done."


def erase_of_buyer(*, buyer_id: UUID, now: datetime) -> int:
    """Erase a buyer's addresses, and her contact and words in all her purchases; returns how many there were.

    Again changes nothing. Raises OnItsWay.
    """

    def erase() -> int:
        rows = Purchase.objects.select_for_update(no_key=True).filter(buyer_id=buyer_id, erased_at=None)
        purchases = list(rows.order_by("id"))
        for purchase in purchases:
            _check_done(purchase, now)
        accounts.forget_addresses(user_id=buyer_id)
        _erase([purchase.pk for purchase in purchases], now)
        return len(purchases)

    return transactions.run(erase, lock_timeout_ms=transactions.PATIENT_MS)


def sweep(*, now: datetime) -> int:
    """Erase the contact of orders that were over long enough ago; returns of how many orders.

    CONTACT_DAYS after the time for returns of what was sent, and after the end of what was not. Not while
    goods come back or a bank asks.
    """
    done, after = 0, UUID(int=0)
    while found := _over(now, after):
        after = found[-1]
        with transaction.atomic():
            # Purchases before their orders, as everywhere; what was opened again meanwhile is not over.
            purchases = _locked(Purchase.objects.filter(pk__in=_purchases_of(found)).order_by("id"))
            over = Order.objects.filter(pk__in=found, contact_erased_at=None, status__in=OVER)
            done += over.update(contact_erased_at=now)
            waiting = Order.objects.filter(purchase__in=purchases, contact_erased_at=None)
            _erase(purchases - set(waiting.values_list("purchase_id", flat=True)), now)
    while _erase_unsold(now):
        pass
    return done


def _erase_unsold(now: datetime) -> bool:
    """Erase the contact of some purchases that were never sold; says whether there were any."""
    with transaction.atomic():
        found = _locked(_unsold(now))
        _erase(found, now)
        return bool(found)


def _purchases_of(order_ids: Collection[UUID]) -> QuerySet[Order, UUID]:
    return Order.objects.filter(pk__in=order_ids).values_list("purchase_id", flat=True)


def _locked(rows: QuerySet[Purchase]) -> set[UUID]:
    return {row.pk for row in rows.select_for_update(no_key=True)}


_OVER = """
    SELECT o.id FROM orders_order o
      JOIN commerce_merchant m ON m.id = o.merchant_id
     WHERE o.contact_erased_at IS NULL AND o.status IN ('shipped', 'delivered', 'cancelled')
       AND o.id > %(after)s
       AND greatest(
               (SELECT max(v.at) FROM orders_ordermove v WHERE v.order_id = o.id),
               (SELECT max(greatest(h.shipped_at, h.delivered_at)) FROM orders_shipmentline x
                  JOIN orders_shipment h ON h.id = x.shipment_id WHERE x.order_id = o.id))
           + CASE o.status WHEN 'cancelled' THEN 0 ELSE m.return_days END * interval '1 day'
           <= %(before)s
       AND NOT EXISTS (SELECT FROM orders_return b WHERE b.order_id = o.id AND b.status = ANY(%(back)s))
       AND NOT EXISTS (SELECT FROM orders_dispute d JOIN orders_payment y ON y.id = d.payment_id
                        WHERE y.purchase_id = o.purchase_id AND d.status = ANY(%(asked)s))
     ORDER BY o.id LIMIT %(limit)s
"""


def _over(now: datetime, after: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            _OVER,
            {
                "after": after,
                "before": now - timedelta(days=settings.CONTACT_DAYS),
                "back": list(RETURN_OPEN),
                "asked": list(Dispute.OPEN),
                "limit": BATCH,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def _unsold(now: datetime) -> QuerySet[Purchase]:
    """Return old purchases that were never sold, the oldest first: their ids sort by their time.

    They have an index of their own (purchase_unsold_kept), so however old one is, it is found.
    """
    before = now - timedelta(days=settings.CONTACT_DAYS)
    old = Purchase.objects.filter(pk__lt=ids.least(before), status__in=UNSOLD, erased_at=None)
    return old.order_by("id")[:BATCH]


def _check_done(purchase: Purchase, now: datetime) -> None:
    """Raise OnItsWay while something of a locked purchase is under way."""

    def refused(reason: str) -> OnItsWay:
        return OnItsWay(purchase=str(purchase.pk), reason=reason)

    if purchase.status in ("accepted", "action_required") or purchase.grace_until is not None:
        raise refused("paying")
    orders = Order.objects.filter(purchase=purchase)
    if orders.filter(status__in=(Status.OPEN, Status.SHIPPING, Status.PARTLY_SHIPPED)).exists():
        raise refused("parcel")
    sent = orders.filter(
        status=Status.SHIPPED,
        parcel_lines__shipment__delivered_at=None,
        parcel_lines__shipment__shipped_at__gt=now - ON_ITS_WAY,
    )
    if sent.exists():
        raise refused("parcel")
    if Return.objects.filter(order__purchase=purchase, status__in=RETURN_OPEN).exists():
        raise refused("return")
    if Dispute.objects.filter(payment__purchase=purchase, status__in=Dispute.OPEN).exists():
        raise refused("dispute")


def _erase(purchase_ids: Collection[UUID], now: datetime) -> None:
    """Leave of the contact in purchases the country, by which they were taxed."""
    wanted = list(purchase_ids)
    if not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_purchase
               SET ship_to = jsonb_build_object('country', coalesce(ship_to ->> 'country', '')),
                   households = '{}', erased_at = %s
             WHERE id = ANY(%s::uuid[]) AND erased_at IS NULL
            """,
            [now, wanted],
        )
    orders = Order.objects.filter(purchase__in=wanted)
    orders.filter(contact_erased_at=None).update(contact_erased_at=now)
    Cancellation.objects.filter(order__purchase__in=wanted).exclude(reason="").update(reason="")
    said = Return.objects.filter(order__purchase__in=wanted).exclude(note="")
    noted = [str(each) for each in said.values_list("id", flat=True)]
    said.update(note="")
    hers = Refund.objects.filter(payment__purchase__in=wanted, by=Refund.By.BUYER)
    hers.exclude(reason=claims.BY_BUYER).update(reason=claims.BY_BUYER)
    # Answers that are kept for repetitions.
    of = [str(each) for each in wanted]
    idempotency.blank(field="ship_to", where="purchase", values=of)
    idempotency.blank(field="cancellation", where="purchase", values=of)
    if noted:
        idempotency.blank(field="note", where="id", values=noted)
    buyers = Purchase.objects.filter(pk__in=wanted).values_list("buyer_id", flat=True).distinct()
    callers = [f"user:{each}" for each in buyers]
    idempotency.revise(callers=callers, change=lambda reply: _wordless(reply, of))


def _wordless(reply: Any, purchases: Collection[str]) -> bool:
    """Take a buyer's words out of the body of one of these purchases; says whether it is one."""
    if not isinstance(reply, dict) or reply.get("id") not in purchases:
        return False
    for order in reply.get("orders", ()):
        told = order.get("aftersales") or {}
        for back in told.get("returns", ()):
            back["note"] = ""
        for refund in told.get("refunds", ()):
            if refund["by"] == Refund.By.BUYER:
                refund["reason"] = claims.BY_BUYER
        if told.get("cancellation"):
            told["cancellation"]["reason"] = ""
    return True
