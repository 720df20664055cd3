"""What keeps the lines going without anybody's press: ends that have come, and the room's look at them.

Turns and waits end in batches; one that cannot end is put off and stops no other.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import Q, QuerySet

from orders import rounds, transactions
from orders.models import WaitlistEntry
from orders.waitlist import queue, waiting
from streams import announce, showlog
from streams.models import Offer, Stream

BATCH = 500
SECONDS = 20  # One sweep at most; the next one goes on.

Status = WaitlistEntry.Status


def sweep(*, now: datetime) -> dict[str, int]:
    """End the turns and the waiting that are over, and tell the rooms of their lines.

    Returns how many of each. Raises Unavailable.
    """
    until = time.monotonic() + SECONDS
    return {
        "turns": end_turns(now=now, until=until),
        "waits": end_waits(now=now, until=until),
        "lines": tell(),
    }


def end_turns(*, now: datetime, until: float | None = None) -> int:
    """End the turns whose time is over and give their units on; returns how many ended.

    Goes on until none is left, for SECONDS or `until` (of the steady clock). Raises Unavailable.
    """
    due = Q(status=Status.OFFERED, turn_until__lte=now)

    def find(without: Collection[str]) -> list[UUID]:
        rows = WaitlistEntry.objects.filter(due).exclude(pk__in=without).order_by("turn_until")
        return list(rows.values_list("id", flat=True)[:BATCH])

    return _batches("turns", find, lambda batch: _end_turns(batch, due, now), now=now, until=until)


def end_waits(*, now: datetime, until: float | None = None) -> int:
    """End the waiting for offers and in shows that are over; returns how many waited. A turn stays good.

    Goes on and raises as `end_turns` does.
    """
    live = Q(stream__status=Stream.Status.LIVE)
    sells = (
        Q(offer=None) | Q(offer__status=Offer.Status.ANNOUNCED) | queue.SELLS & Q(offer__closes_at__gt=now)
    )
    over = WaitlistEntry.objects.filter(status=Status.WAITING).exclude(live & sells)

    def find(without: Collection[str]) -> list[UUID]:
        return list(over.exclude(pk__in=without).order_by("id").values_list("id", flat=True)[:BATCH])

    return _batches("waits", find, lambda batch: _end_waits(batch, over, now), now=now, until=until)


def tell() -> int:
    """Tell the live rooms how long their lines are, if that has changed; returns how many have.

    One frame for a room instead of one for everybody who waits: she knows her number, and the frame says
    which one is the first. So a line of thousands moves at the cost of a line of two.
    """
    changed = 0
    for line in waiting.lines():
        d = {"variant": str(line.variant_id), "waiting": line.waiting, "first": line.first}
        changed += showlog.tell_state(
            stream_id=line.stream_id, t="waitlist.line", k=f"line:{line.variant_id}", n=line.version, d=d
        )
    return changed


def _batches(
    kind: str,
    find: rounds.Find[UUID],
    end: Callable[[Collection[UUID]], list[UUID]],
    *,
    now: datetime,
    until: float | None,
) -> int:
    return rounds.batches(
        kind=kind,
        find=find,
        end_some=lambda batch: transactions.run(lambda: end(batch)),
        now=now,
        until=time.monotonic() + SECONDS if until is None else until,
    )


def _end_turns(entry_ids: Collection[UUID], due: Q, now: datetime) -> list[UUID]:
    entries = WaitlistEntry.objects.filter(due, id__in=entry_ids)
    queue.lock(entries.values_list("variant_id", flat=True))
    # One that is being bought at this moment is locked by the purchase, and left to it.
    rows = _free(entries)
    _lapse(rows, reason="turn_over", now=now)
    queue.given_up(rows, now=now)
    return [row.id for row in rows]


def _end_waits(entry_ids: Collection[UUID], over: QuerySet[WaitlistEntry], now: datetime) -> list[UUID]:
    rows = _free(over.filter(id__in=entry_ids))
    ended = [row for row in rows if row.stream is None or row.stream.status != Stream.Status.LIVE]
    _lapse(ended, reason="show_ended", now=now)
    _lapse([row for row in rows if row not in ended], reason="offer_ended", now=now)
    return [row.id for row in rows]


def _free(entries: QuerySet[WaitlistEntry]) -> list[WaitlistEntry]:
    """Lock those of the entries that nobody else has in hand."""
    free = entries.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return list(free.select_related("stream", "offer").order_by("id"))


def _lapse(
    rows: list[WaitlistEntry], *, reason: Literal["turn_over", "offer_ended", "show_ended"], now: datetime
) -> None:
    if not rows:
        return
    for row in rows:
        row.status, row.updated_at = Status.LAPSED, now
    ended = WaitlistEntry.objects.filter(pk__in=[row.id for row in rows])
    ended.update(status=Status.LAPSED, updated_at=now)
    announce.tell_users(
        (row.buyer_id, "waitlist.lapsed", {**body, "reason": reason}, f"waitlist.lapsed:{row.id}")
        for row, body in zip(rows, waiting.rendered(rows), strict=True)
    )
