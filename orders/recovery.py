"""What a lost task, a lost webhook or a dead process left behind, found in the database and finished.

Nothing here relies on the broker: each piece of work is done where it is found. The kinds take turns, one
piece each, so that none waits for another whose provider is slow; what fails is put off and stops nobody.
Many pieces are done at once, since nearly all of their time is the provider's.
"""

import functools
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from commerce import payees, pool
from orders import expiry, rounds, setbacks, states
from orders.aftersales import returning
from orders.models import Payment, Purchase
from orders.payouts import reversing, sending
from orders.reconciling import notices
from orders.settling import attempts, banked, capturing, charging, conveyor, repaying

BATCH = 50
SECONDS = 20  # One sweep at most; the next one goes on.
SECONDS_OF_A_MESSAGE = 120  # For what one message asks; what it does not come to is left for the sweep.
SETTLED_WITHIN = timedelta(seconds=15)  # A purchase that no task took up by then was lost on the way.


def finish(*, now: datetime, seconds: float = SECONDS) -> dict[str, int]:
    """Finish what was left behind, for so many seconds at most; returns how much of each kind it took up."""
    end = time.monotonic() + seconds
    kinds = _kinds(now)
    done = Counter(dict.fromkeys(kinds, 0))
    done["expired"] += expiry.sweep(now=now, until=end)

    def in_turns() -> Iterator[Callable[[], None]]:
        while kinds:
            for kind, pieces in list(kinds.items()):
                piece = next(pieces, None)
                if piece is None:
                    del kinds[kind]
                else:
                    done[kind] += 1
                    yield piece

    threads().each(in_turns(), until=end)
    setbacks.forget(now=now)
    return dict(done)


def settle(
    *, purchase_ids: Sequence[UUID], clock: Callable[[], datetime], seconds: float = SECONDS_OF_A_MESSAGE
) -> None:
    """Charge purchases, many at once, each at its time by the clock; none is begun after so many seconds.

    One that fails is put off and stops no other.
    """
    if connection.in_atomic_block:
        passed = _one_by_one(purchase_ids, clock)
    else:
        until = time.monotonic() + seconds
        passed = conveyor.belt().charge_all(purchase_ids, clock=clock, until=until)
    for each in passed:
        if each.error is not None:
            setbacks.note(kind="unsettled", subject=str(each.purchase_id), error=each.error, now=each.at)


@functools.cache
def threads() -> pool.Pool:
    """Return the threads of this process that ask the provider."""
    return pool.Pool(name="settle", threads=settings.SETTLE_THREADS)


def _one_by_one(purchase_ids: Sequence[UUID], clock: Callable[[], datetime]) -> Iterator[conveyor.Passed]:
    """Charge purchases within a transaction of the caller, which alone sees what it wrote."""
    for each in purchase_ids:
        now, failed = clock(), None
        try:
            charging.charge(purchase_id=each, now=now)
        except Exception as error:
            failed = error
        yield conveyor.Passed(each, now, failed)


def _charge(purchase_id: UUID, now: datetime) -> None:
    if connection.in_atomic_block:
        charging.charge(purchase_id=purchase_id, now=now)
    else:
        until = time.monotonic() + SECONDS
        conveyor.belt().charge(purchase_id, clock=lambda: now, until=until)


def _kinds(now: datetime) -> dict[str, Iterator[Callable[[], None]]]:
    work: dict[str, tuple[rounds.Find[Any], Callable[[Any], object]]] = {
        "expired": (
            lambda without: expiry.in_flight(now=now, limit=BATCH, without=without),
            lambda i: expiry.expire(purchase_id=i, now=now),
        ),
        "unsettled": (
            lambda without: _unsettled(now, without),
            lambda i: _charge(i, now),
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
        "returns": (
            lambda without: returning.over(now=now, limit=BATCH, without=without),
            lambda i: returning.lapse(return_id=i, now=now),
        ),
        "banked": (
            lambda without: banked.due(now=now, limit=BATCH, without=without),
            lambda i: banked.decided(refund_id=i, now=now),
        ),
        "payouts": (
            lambda without: sending.due(now=now, limit=BATCH, without=without),
            lambda i: sending.send(leg_id=i, now=now),
        ),
        "reversals": (
            lambda without: reversing.due(now=now, limit=BATCH, without=without),
            lambda i: reversing.send(reversal_id=i, now=now),
        ),
        "payees": (
            lambda without: payees.due(now=now, limit=BATCH, without=without),
            lambda i: payees.refresh(provider_id=i, now=now),
        ),
    }
    return {
        kind: rounds.pieces(kind=kind, find=find, finish=finish, now=now)
        for kind, (find, finish) in work.items()
    }


def _unsettled(now: datetime, without: Collection[str]) -> list[UUID]:
    """Accepted purchases that nobody is charging."""
    waiting = Purchase.objects.filter(
        status=Purchase.Status.ACCEPTED, hold_until__gt=now, updated_at__lt=now - SETTLED_WITHIN
    )
    asked = Payment.objects.filter(
        status__in=states.ALIVE, checked_at__gte=now - attempts.ASKED_AGAIN_AFTER
    ).exclude(status=Payment.Status.CREATED)
    waiting = waiting.exclude(payments__in=asked).exclude(pk__in=without)
    return list(waiting.order_by("hold_until").values_list("id", flat=True)[:BATCH])


def _waiting(now: datetime, without: Collection[str]) -> list[UUID]:
    """Payments that wait for the buyer's bank, not asked about for a while: a webhook may be lost."""
    waiting = Payment.objects.filter(
        status=Payment.Status.ACTION_REQUIRED, checked_at__lt=now - attempts.ASKED_AGAIN_AFTER
    ).exclude(pk__in=without)
    return list(waiting.order_by("checked_at").values_list("id", flat=True)[:BATCH])
