"""What a lost task, a lost webhook or a dead process left behind, found in the database and finished.

Nothing here relies on the broker: each piece of work is done where it is found. The kinds take turns, one
piece each, so that none waits for another whose provider is slow; what fails is put off and stops nobody.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orders import expiry, rounds, setbacks, states
from orders.models import Payment, Purchase
from orders.reconciling import notices
from orders.settling import capturing, charging, repaying

BATCH = 50
SECONDS = 20  # One sweep at most; the next one goes on.
SETTLED_WITHIN = timedelta(seconds=15)  # A purchase that no task took up by then was lost on the way.


def finish(*, now: datetime, seconds: float = SECONDS) -> dict[str, int]:
    """Finish what was left behind, for so many seconds at most; returns how much of each kind it took up."""
    end = time.monotonic() + seconds
    kinds = _kinds(now)
    done = Counter(dict.fromkeys(kinds, 0))
    done["expired"] += expiry.sweep(now=now, until=end)
    while kinds and time.monotonic() < end:
        for kind, work in list(kinds.items()):
            if next(work, None) is None:
                del kinds[kind]
            else:
                done[kind] += 1
            if time.monotonic() > end:
                break
    setbacks.forget(now=now)
    return dict(done)


def _kinds(now: datetime) -> dict[str, Iterator[Any]]:
    work: dict[str, tuple[rounds.Find[Any], Callable[[Any], object]]] = {
        "expired": (
            lambda without: expiry.in_flight(now=now, limit=BATCH, without=without),
            lambda i: expiry.expire(purchase_id=i, now=now),
        ),
        "unsettled": (
            lambda without: _unsettled(now, without),
            lambda i: charging.charge(purchase_id=i, now=now),
        ),
        "waiting": (lambda without: _waiting(now, without), lambda i: charging.check(payment_id=i, now=now)),
        "captures": (
            lambda without: capturing.due(now=now, limit=BATCH, without=without),
            lambda i: capturing.capture(purchase_id=i, now=now),
        ),
        "promises": (
            lambda without: capturing.unchecked(now=now, limit=BATCH, without=without),
            lambda i: charging.check(payment_id=i, now=now),
        ),
        "notices": (
            lambda without: notices.unread(now=now, limit=BATCH, without=without),
            lambda i: notices.read(notice_id=i, now=now),
        ),
        "refunds": (
            lambda without: repaying.due(now=now, limit=BATCH, without=without),
            lambda i: repaying.send(refund_id=i, now=now),
        ),
    }
    return {
        kind: rounds.singly(kind=kind, find=find, finish=finish, now=now)
        for kind, (find, finish) in work.items()
    }


def _unsettled(now: datetime, without: Collection[str]) -> list[UUID]:
    """Accepted purchases that nobody is charging."""
    waiting = Purchase.objects.filter(
        status=Purchase.Status.ACCEPTED, hold_until__gt=now, updated_at__lt=now - SETTLED_WITHIN
    )
    asked = Payment.objects.filter(
        status__in=states.ALIVE, checked_at__gte=now - charging.ASKED_AGAIN_AFTER
    ).exclude(status=Payment.Status.CREATED)
    waiting = waiting.exclude(payments__in=asked).exclude(pk__in=without)
    return list(waiting.order_by("hold_until").values_list("id", flat=True)[:BATCH])


def _waiting(now: datetime, without: Collection[str]) -> list[UUID]:
    """Payments that wait for the buyer's bank, not asked about for a while: a webhook may be lost."""
    waiting = Payment.objects.filter(
        status=Payment.Status.ACTION_REQUIRED, checked_at__lt=now - charging.ASKED_AGAIN_AFTER
    ).exclude(pk__in=without)
    return list(waiting.order_by("checked_at").values_list("id", flat=True)[:BATCH])
