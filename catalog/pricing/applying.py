"""Announced prices that are due begin and end. Whoever looks first applies them.

The rows say what is left to do, so a look may be late, doubled or lost. A price applies from when it is
applied, not from when it should have been: the history says what buyers were charged. What cannot be stored
fails alone: a sale that ends is over, whatever becomes of the price that was to follow it.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Q

from catalog.models import PriceSchedule
from catalog.pricing import floors, prices
from catalog.pricing.prices import Quote
from commerce import errors
from commerce.money import Money

log = structlog.get_logger(__name__)

AT_ONCE = 200

Status = PriceSchedule.Status
Reason = PriceSchedule.Reason


def apply_due(*, now: datetime) -> int:
    """Apply what is due of up to AT_ONCE variants, as one transaction; returns of how many.

    Variants that somebody else keeps locked are left to the next look, so that several can look at once.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT v.id, v.merchant_id FROM catalog_variant v
                 WHERE v.id IN (
                       SELECT variant_id FROM catalog_priceschedule
                        WHERE status = 'upcoming' AND starts_at <= %(now)s
                        UNION ALL
                       SELECT variant_id FROM catalog_priceschedule
                        WHERE status = 'running' AND ends_at <= %(now)s)
                 LIMIT %(limit)s FOR NO KEY UPDATE OF v SKIP LOCKED
                """,
                {"now": now, "limit": AT_ONCE},
            )
            found = sorted(cursor.fetchall(), key=lambda row: row[1])
        for merchant_id, rows in groupby(found, key=lambda row: row[1]):
            _apply_or_say_why(merchant_id, [row[0] for row in rows], now)
    return len(found)


def _apply_or_say_why(merchant_id: UUID, variant_ids: list[UUID], now: datetime) -> None:
    """Apply what is due; what cannot be stored takes nothing else with it and is not tried for ever."""
    if _applied(merchant_id, variant_ids, now):
        return
    for pk in variant_ids:
        _apply_what_goes(merchant_id, pk, now)


def _apply_what_goes(merchant_id: UUID, variant_id: UUID, now: datetime) -> None:
    """Apply what is due of one variant, without what cannot be stored of it."""
    mine = PriceSchedule.objects.filter(variant_id=variant_id)
    # The last that is to begin is what would be stored.
    beginning = mine.filter(status=Status.UPCOMING, starts_at__lte=now).order_by("-starts_at")
    while not _applied(merchant_id, [variant_id], now):
        row = beginning.first()
        if row is None:
            # What was announced is over all the same. The price before cannot come back, and no other was
            # promised, so nothing is sold for the one that was announced.
            ended = mine.filter(status=Status.RUNNING, ends_at__lte=now)
            ended.update(status=Status.FAILED, reason=Reason.NOT_APPLIED, ended_at=now)
            prices.withdraw(variant_id=variant_id, now=now)
            return
        _end(row, Status.FAILED, now, Reason.NOT_APPLIED)
        row.save(update_fields=["status", "reason", "ended_at"])


def _applied(merchant_id: UUID, variant_ids: list[UUID], now: datetime) -> bool:
    try:
        with transaction.atomic():
            apply(merchant_id, variant_ids, now)
    except (IntegrityError, DataError, errors.Refusal) as error:
        log.exception(
            "price.not_applied", variants=len(variant_ids), first=str(variant_ids[0]), exc_info=error
        )
        return False
    return True


def apply(merchant_id: UUID, variant_ids: list[UUID], now: datetime) -> None:
    """Begin and end what is due of variants whose rows are locked by the caller."""
    rows = PriceSchedule.objects.filter(
        Q(status=Status.UPCOMING, starts_at__lte=now) | Q(status=Status.RUNNING), variant_id__in=variant_ids
    ).order_by("variant_id", "starts_at")
    current = {
        pk: Quote(row.amount, row.compare_at, row.currency) for pk, row in prices.current(variant_ids).items()
    }
    guarded = floors.of(variant_ids)
    targets: dict[UUID, Quote] = {}
    known: set[UUID] = set()
    changed: list[PriceSchedule] = []
    for pk, some in groupby(rows, key=lambda row: row.variant_id):
        floor = guarded.get(pk)
        least = Money(floor.amount, floor.currency) if floor else None
        quote, moved = _through(list(some), current.get(pk), least, now)
        changed += moved
        if quote is not None and quote != current.get(pk):
            targets[pk] = quote
            if any(row.status == Status.DONE and row.ends_at and before(row) == quote for row in moved):
                known.add(pk)
    # What runs from now on is written after the price: while it runs, a price that is set is to come back.
    _write(row for row in changed if row.status != Status.RUNNING)
    prices.move(merchant_id=merchant_id, quotes=targets, now=now, known=known)
    _write(row for row in changed if row.status == Status.RUNNING)


def _through(
    rows: list[PriceSchedule], price: Quote | None, floor: Money | None, now: datetime
) -> tuple[Quote | None, list[PriceSchedule]]:
    """Return what a variant's price is after all that is due of it, and the rows that have changed for it."""
    moved: list[PriceSchedule] = []
    for_good: PriceSchedule | None = None
    # What runs ends before anything begins: it started earlier, and they do not overlap.
    for row in sorted(rows, key=lambda one: one.status != Status.RUNNING):
        quote = Quote(row.amount, row.compare_at, row.currency)
        if row.status == Status.RUNNING:
            if row.ends_at is not None and row.ends_at > now:
                continue
            back = before(row)
            if _is_below(back, floor):
                _end(row, Status.FAILED, now, Reason.BEFORE_BELOW_FLOOR)
            else:
                _end(row, Status.DONE, now)
                price = back
        elif row.ends_at is not None and row.ends_at <= now:
            _end(row, Status.FAILED, now, Reason.MISSED)
        elif _is_below(quote, floor):
            _end(row, Status.FAILED, now, Reason.BELOW_FLOOR)
        elif row.ends_at is None:
            if for_good is not None:
                _end(for_good, Status.FAILED, now, Reason.MISSED)
            for_good, price = row, quote
            row.began_at = now
            _end(row, Status.DONE, now)
        elif price is None:
            _end(row, Status.FAILED, now, Reason.NOT_APPLIED)
        else:
            row.status, row.began_at = Status.RUNNING, now
            row.before_amount, row.before_compare_at = price.amount, price.compare_at
            row.before_currency = price.currency
            price = quote
        moved.append(row)
    return price, moved


def _end(row: PriceSchedule, status: str, now: datetime, reason: str = "") -> None:
    row.status, row.reason, row.ended_at = status, reason, now


def _write(rows: Iterable[PriceSchedule]) -> None:
    PriceSchedule.objects.bulk_update(
        rows,
        [
            *("status", "reason", "began_at", "ended_at"),
            *("before_amount", "before_compare_at", "before_currency"),
        ],
        batch_size=AT_ONCE,
    )


def before(row: PriceSchedule) -> Quote:
    """Return the price that comes back at the end of one that runs."""
    assert row.before_amount is not None
    return Quote(row.before_amount, row.before_compare_at, row.before_currency)


def _is_below(quote: Quote, floor: Money | None) -> bool:
    return floor is not None and (quote.currency != floor.currency or quote.amount < floor.amount)
