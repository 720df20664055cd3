"""What a lost task, a lost webhook or a dead process left behind, found in the database and finished.

Nothing here relies on the broker: each piece of work is done where it is found, and one that fails waits for
the next sweep without holding up the others.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog

from commerce.models import Notice
from orders import capturing, charging, expiry, notices, refunds, states
from orders.models import Payment, Purchase, Refund

log = structlog.get_logger(__name__)
K = TypeVar("K")

BATCH = 50
SECONDS = 20  # One sweep at most; the next one goes on.
SETTLED_WITHIN = timedelta(seconds=15)  # A purchase that no task took up by then was lost on the way.


def finish(*, now: datetime) -> dict[str, int]:
    """Finish what was left behind and return how much of each kind was taken up."""
    end = time.monotonic() + SECONDS
    return {
        "expired": _each(
            "expired", expiry.due(now=now, limit=BATCH), lambda i: expiry.expire(purchase_id=i, now=now), end
        ),
        "unsettled": _each(
            "unsettled", _unsettled(now), lambda i: charging.charge(purchase_id=i, now=now), end
        ),
        "waiting": _each("waiting", _waiting(now), lambda i: charging.check(payment_id=i, now=now), end),
        "captures": _each(
            "captures",
            capturing.due(now=now, limit=BATCH),
            lambda i: capturing.capture(purchase_id=i, now=now),
            end,
        ),
        "promises": _each(
            "promises",
            capturing.unchecked(now=now, limit=BATCH),
            lambda i: charging.check(payment_id=i, now=now),
            end,
        ),
        "notices": _each("notices", _unread(now), lambda i: notices.read(notice_id=i, now=now), end),
        "refunds": _each("refunds", _unrefunded(now), lambda i: refunds.send(refund_id=i, now=now), end),
    }


def _unsettled(now: datetime) -> list[UUID]:
    """Accepted purchases that nobody is charging."""
    waiting = Purchase.objects.filter(
        status=Purchase.Status.ACCEPTED, hold_until__gt=now, updated_at__lt=now - SETTLED_WITHIN
    )
    asked = Payment.objects.filter(
        status__in=states.ALIVE, checked_at__gte=now - charging.ASKED_AGAIN_AFTER
    ).exclude(status=Payment.Status.CREATED)
    return list(
        waiting.exclude(payments__in=asked).order_by("hold_until").values_list("id", flat=True)[:BATCH]
    )


def _waiting(now: datetime) -> list[UUID]:
    """Payments that wait for the buyer's bank, not asked about for a while: a webhook may be lost."""
    waiting = Payment.objects.filter(
        status=Payment.Status.ACTION_REQUIRED, checked_at__lt=now - charging.ASKED_AGAIN_AFTER
    )
    return list(waiting.order_by("checked_at").values_list("id", flat=True)[:BATCH])


def _unread(now: datetime) -> list[int]:
    unread = Notice.objects.filter(processed_at=None, received_at__lt=now - SETTLED_WITHIN)
    return list(unread.order_by("id").values_list("id", flat=True)[:BATCH])


def _unrefunded(now: datetime) -> list[UUID]:
    owed = Refund.objects.filter(status=Refund.Status.CREATED, created_at__lt=now - SETTLED_WITHIN)
    return list(owed.order_by("id").values_list("id", flat=True)[:BATCH])


def _each(kind: str, found: Iterable[K], finish_one: Callable[[K], None], end: float) -> int:
    count = 0
    for one in found:
        if time.monotonic() > end:
            break
        try:
            finish_one(one)
        except Exception:
            log.exception("leftover.failed", kind=kind, id=str(one))
        count += 1
    return count
