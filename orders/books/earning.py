"""What was sold becomes earned: when goods can hardly come back any more, it may be paid out.

Counted from the moment an order's last parcel left, or the order was cancelled and something of it kept; for
as many days as the merchant's, and for commission the host's, risk tier says. Not while goods are on their
way back or a bank asks for the money.
"""

import time
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from orders import rounds, transactions
from orders.books import entries, postings
from orders.models import Commission, Dispute, Proceeds, Purchase, Return
from orders.windows import KEPT_BACK_DAYS

KIND = "earned"
BATCH = 100
SECONDS = 60  # One sweep at most; the next one goes on.
RETURN_OPEN = (Return.Status.ASKED, Return.Status.APPROVED, Return.Status.RECEIVED)


def _days(table: str) -> str:
    cases = " ".join(f"WHEN '{tier}' THEN {days}" for tier, days in KEPT_BACK_DAYS.items())
    return f"(CASE {table}.risk_tier {cases} END * interval '1 day')"


_DUE = f"""
    WITH ended AS (
        SELECT o.id, o.merchant_id, max(v.at) AS at,
               NOT EXISTS (SELECT FROM orders_proceeds x WHERE x.order_id = o.id) AS fresh
          FROM orders_order o
          JOIN orders_purchase p ON p.id = o.purchase_id AND p.status = 'paid'
          JOIN orders_ordermove v ON v.order_id = o.id
               AND v.new = CASE o.status WHEN 'delivered' THEN 'shipped' ELSE o.status END
         WHERE o.status IN ('shipped', 'delivered', 'cancelled')
           AND (%(purchases)s::uuid[] IS NULL OR p.id = ANY(%(purchases)s::uuid[]))
           AND NOT o.id = ANY(%(without)s::uuid[])
           AND NOT EXISTS (SELECT FROM orders_return b WHERE b.order_id = o.id AND b.status = ANY(%(back)s))
           AND NOT EXISTS (SELECT FROM orders_dispute d JOIN orders_payment y ON y.id = d.payment_id
                            WHERE y.purchase_id = p.id AND d.status = ANY(%(asked)s))
         GROUP BY o.id
    ), due AS (
        SELECT e.id, e.at, e.fresh AND e.at + {_days("m")} <= %(now)s AS proceeds,
               ARRAY(SELECT c.id FROM orders_commission c
                       JOIN orders_orderline l ON l.id = c.line_id AND l.order_id = e.id
                       JOIN commerce_host h ON h.id = c.host_id
                      WHERE c.earned_at IS NULL AND e.at + {_days("h")} <= %(now)s
                      ORDER BY c.id) AS commissions
          FROM ended e JOIN commerce_merchant m ON m.id = e.merchant_id
    )
    SELECT id, proceeds, commissions FROM due WHERE proceeds OR commissions <> '{{}}'
     ORDER BY at LIMIT %(limit)s
"""
# By the books: whatever an order is made of, this is what of its purchase the merchant still has.
_SHARES = f"""
    SELECT o.id, o.merchant_id, o.currency,
           {entries.share("o.purchase_id", "'merchant:' || o.merchant_id", "o.currency")}
      FROM orders_order o WHERE o.id = ANY(%s::uuid[]) ORDER BY o.id
"""


def sweep(*, now: datetime, seconds: float = SECONDS) -> int:
    """Make earned what is due, for so many seconds at most; returns of how many orders."""
    return rounds.batches(
        kind=KIND,
        find=lambda without: [row[0] for row in _due(now, without=without)],
        end_some=lambda ids: earn(order_ids=ids, now=now),
        now=now,
        until=time.monotonic() + seconds,
    )


def earn(*, order_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Make earned what is due of these orders, in one transaction; returns the orders, less those that
    somebody has in hand.
    """
    return transactions.run(lambda: _earn(order_ids, now), lock_timeout_ms=transactions.PATIENT_MS)


def _due(
    now: datetime, *, without: Collection[str] = (), purchases: Sequence[UUID] | None = None
) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            _DUE,
            {
                "now": now,
                "purchases": None if purchases is None else list(purchases),
                "without": list(without),
                "back": list(RETURN_OPEN),
                "asked": list(Dispute.OPEN),
                "limit": BATCH if purchases is None else None,
            },
        )
        rows: list[Any] = cursor.fetchall()
    return rows


def _earn(order_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    rows = Purchase.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).order_by("id")
    locked = list(rows.filter(orders__in=order_ids).values_list("id", flat=True))
    # Again, under the lock: a refund or a dispute may have come in between.
    due = _due(now, purchases=locked)
    fresh = [order_id for order_id, proceeds, _ in due if proceeds]
    for proceeds in _proceeds(fresh, now):
        proceeds.save(force_insert=True)
        postings.proceeds_earned(proceeds)
    earned = Commission.objects.filter(pk__in=[each for _, _, commissions in due for each in commissions])
    for commission in earned.order_by("id"):
        postings.commission_earned(commission)
    earned.update(earned_at=now)
    earned.filter(status=Commission.Status.PENDING).update(status=Commission.Status.EARNED)
    return [row[0] for row in due]


def _proceeds(order_ids: list[UUID], now: datetime) -> list[Proceeds]:
    with connection.cursor() as cursor:
        cursor.execute(_SHARES, [order_ids])
        found = cursor.fetchall()
    return [
        Proceeds(order_id=row[0], merchant_id=row[1], currency=row[2], amount=int(row[3]), earned_at=now)
        for row in found
    ]
