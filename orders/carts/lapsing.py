"""The end of holds for carts, by the database's clock: a word before it, and the units back on time.

A process may die anywhere: what was not done is found again by the next sweep. A cart that somebody is just
changing is stepped over, and so is one that fails, so that neither keeps the others waiting.
"""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from commerce import outbox
from orders import transactions
from orders.carts import holding
from orders.models import CartHold, GuestCart
from streams import announce
from streams.bodies import unix_ms

log = structlog.get_logger(__name__)

BATCH = 200
SECONDS = 20  # One sweep at most; the next one goes on.
WARNED_AHEAD = timedelta(seconds=60)
GUESTS_KEPT = timedelta(days=30)


def sweep(*, now: datetime) -> dict[str, int]:
    """Warn whose holds end soon and give back those that are over, until none is left or SECONDS are over.

    Returns how many shoppers were warned and how many carts lost holds.
    """
    end = time.monotonic() + SECONDS
    done = {"warned": 0, "lapsed": 0}
    passed: set[UUID] = set()
    while buyers := holding.due(now=now, limit=BATCH, without=passed):
        touched = _lapse(buyers, now, end)
        done["lapsed"] += len(touched)
        passed |= set(buyers) - set(touched)
        if time.monotonic() > end:
            return done
    while warned := transactions.run(lambda: _warn(now), lock_timeout_ms=transactions.PATIENT_MS):
        done["warned"] += warned
        if time.monotonic() > end:
            return done
    return done


def prune(*, now: datetime, limit: int) -> int:
    """Delete at most `limit` carts of guests that nobody has touched for GUESTS_KEPT; returns how many."""
    count = 0
    while count < limit and (gone := _prune(now, min(BATCH, limit - count))):
        count += gone
    return count


def _prune(now: datetime, limit: int) -> int:
    with transaction.atomic():
        # A cart that its guest is just changing is locked, and will not be old.
        free = GuestCart.objects.select_for_update(skip_locked=True).filter(updated_at__lt=now - GUESTS_KEPT)
        old = list(free.order_by("updated_at").values_list("pk", flat=True)[:limit])
        count, _ = GuestCart.objects.filter(pk__in=old).delete()
    return count


def _lapse(buyers: Collection[UUID], now: datetime, end: float) -> list[UUID]:
    try:
        return transactions.run(lambda: _batch(buyers, now), lock_timeout_ms=transactions.PATIENT_MS)
    except Exception:
        log.exception("cart_holds.batch_failed", carts=len(buyers))
    if len(buyers) == 1:
        return []
    touched: list[UUID] = []
    for buyer_id in buyers:
        # Each may wait for a lock as long as all of them did.
        if time.monotonic() > end:
            break
        touched += _lapse([buyer_id], now, end)
    return touched


def _batch(buyers: Collection[UUID], now: datetime) -> list[UUID]:
    touched = holding.lapse(buyer_ids=buyers, now=now)
    if touched:
        outbox.record(name="carts.lapsed", payload={"buyers": [str(buyer_id) for buyer_id in touched]})
    return touched


def _warn(now: datetime) -> int:
    warned = holding.warn(now=now, ahead=WARNED_AHEAD, limit=BATCH)
    # A hold is warned of once, so the first of them names the word.
    announce.tell_users(
        (buyer_id, "cart.hold_expiring", {"lines": [_line(hold) for hold in holds]}, f"ending:{holds[0].pk}")
        for buyer_id, holds in warned.items()
    )
    return len(warned)


def _line(hold: CartHold) -> dict[str, object]:
    return {
        "variant": str(hold.variant_id),
        "held": hold.quantity,
        "held_until": unix_ms(hold.until),
    }
