"""Prices that are announced: made, called off, and applied when they are due.

The variant's row is the lock, as for its price and floor. What is due is applied by whoever looks first: the
rows say what is left to do, so a look may be late, doubled or lost. A price applies from when it is applied,
not from when it should have been: the history says what buyers were charged. One thing `catalog.prices`
writes here: a price that is set while an announced one runs is the one that comes back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Q

from catalog import floors, prices
from catalog.models import PriceSchedule, Variant
from catalog.prices import Quote
from commerce import errors
from commerce.money import Money

log = structlog.get_logger(__name__)

AT_ONCE = 200
MAX_OPEN = 50  # of one variant
FARTHEST = timedelta(days=5 * 366)

Status = PriceSchedule.Status
Reason = PriceSchedule.Reason
OPEN = (Status.UPCOMING, Status.RUNNING)


class BadSchedule(errors.Invalid):
    """The times are none that a price can be announced for."""

    code = "BAD_SCHEDULE"
    message = "A price is announced for a moment to come, until a later one, at most five years ahead."


class ScheduleOverlaps(errors.Conflict):
    """Another price is announced for that time; `schedule` is its id."""

    code = "SCHEDULE_OVERLAPS"
    message = "Another price of this variant is announced for that time."


class TooManySchedules(errors.Conflict):
    """Many prices of the variant are announced already."""

    code = "TOO_MANY_SCHEDULES"
    message = f"At most {MAX_OPEN} prices of a variant can be announced."


class ScheduleOver(errors.Conflict):
    """The announced price has been applied, or could not be: nothing is left to call off."""

    code = "SCHEDULE_OVER"
    message = "This price is not to come any more. Set another one."


class UnknownSchedule(errors.NotFound):
    """The merchant has announced no such price."""

    message = "There is no such announced price."


@dataclass(frozen=True, slots=True)
class Plan:
    """What a variant shall cost from a moment (None: from now) until another (None: for good)."""

    quote: Quote
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """An announced price, and whether it is new or was announced just so before."""

    schedule: PriceSchedule
    is_new: bool


def make(*, merchant_id: UUID, variant_id: UUID, plan: Plan, now: datetime) -> Made:
    """Announce a price; one that begins now is applied at once. The same again changes nothing.

    Raises queries.UnknownVariant, BadSchedule, ScheduleOverlaps, TooManySchedules, floors.NoListPrice,
    floors.PriceBelowFloor, prices.BadPrice, PriceNotPayable, BadCurrency.
    """
    found = make_many(merchant_id=merchant_id, plans={variant_id: plan}, now=now)[variant_id]
    if isinstance(found, errors.Refusal):
        raise found
    return found


def make_many(
    *, merchant_id: UUID, plans: Mapping[UUID, Plan], now: datetime, from_feed: bool = False
) -> dict[UUID, Made | errors.Refusal]:
    """Announce prices of several variants, each for itself; returns what became of each.

    What a feed says takes the place of what a feed said before for the same time. Raises
    queries.UnknownVariant.
    """
    with transaction.atomic():
        below = prices.below_floor(
            merchant_id=merchant_id, quotes={pk: plan.quote for pk, plan in plans.items()}
        )
        priced = prices.current(plans)
        announced: dict[UUID, list[PriceSchedule]] = {}
        open_rows = PriceSchedule.objects.filter(variant_id__in=list(plans), status__in=OPEN)
        for row in open_rows.select_related("variant"):
            announced.setdefault(row.variant_id, []).append(row)
        found: dict[UUID, Made | errors.Refusal] = {}
        called_off: list[PriceSchedule] = []
        for pk, plan in plans.items():
            others = announced.get(pk, [])
            try:
                _check(plan, now=now, from_feed=from_feed)
                if same := next((row for row in others if _same(row, plan, now)), None):
                    found[pk] = Made(same, is_new=False)
                    continue
                if floor := below.get(pk):
                    raise floors.PriceBelowFloor(variant=str(pk), floor=floor.as_dict())
                if plan.ends_at is not None and pk not in priced:
                    raise floors.NoListPrice
                row = _row(merchant_id, pk, plan, now=now, from_feed=from_feed)
                in_the_way = [other for other in others if _overlap(other, row)]
                for other in in_the_way:
                    gives_way = other.status == Status.UPCOMING or row.starts_at <= now
                    if not (from_feed and other.from_feed and gives_way):
                        raise ScheduleOverlaps(schedule=str(other.pk))
                if len(others) - len(in_the_way) >= MAX_OPEN:
                    raise TooManySchedules
            except errors.Refusal as refusal:
                found[pk] = refusal
            else:
                called_off += in_the_way
                found[pk] = Made(row, is_new=True)
        if called_off:
            ids = [row.pk for row in called_off]
            PriceSchedule.objects.filter(pk__in=ids).update(status=Status.CANCELLED, ended_at=now)
            back = {row.variant_id: _before(row) for row in called_off if row.status == Status.RUNNING}
            prices.move(merchant_id=merchant_id, quotes=back, now=now)
        new = [one.schedule for one in found.values() if isinstance(one, Made) and one.is_new]
        PriceSchedule.objects.bulk_create(new)
        begun = [row.variant_id for row in new if row.starts_at <= now]
        if begun:
            _apply(merchant_id, begun, now)
            rows = PriceSchedule.objects.select_related("variant").in_bulk(
                [row.pk for row in new if row.starts_at <= now]
            )
            for pk in begun:
                one = found[pk]
                assert isinstance(one, Made)
                found[pk] = Made(rows[one.schedule.pk], is_new=True)
        return found


def cancel(*, merchant_id: UUID, variant_id: UUID, schedule_id: UUID, now: datetime) -> PriceSchedule:
    """Call an announced price off; of one that runs the price before comes back at once.

    Calling off twice is calling off once. Raises UnknownSchedule, ScheduleOver, floors.PriceBelowFloor (the
    price before is below the floor by now).
    """
    mine = PriceSchedule.objects.filter(merchant_id=merchant_id, variant_id=variant_id)
    with transaction.atomic():
        # The variant first, as everywhere.
        variants = Variant.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
        if not variants.filter(pk=variant_id).values_list("pk"):
            raise UnknownSchedule
        row = mine.select_related("variant").filter(pk=schedule_id).first()
        if row is None:
            raise UnknownSchedule
        if row.status == Status.CANCELLED:
            return row
        if row.status not in OPEN:
            raise ScheduleOver(status=row.status)
        was, row.status, row.ended_at = row.status, Status.CANCELLED, now
        row.save(update_fields=["status", "ended_at"])
        if was == Status.RUNNING:
            prices.move(merchant_id=merchant_id, quotes={variant_id: _before(row)}, now=now)
        return row


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
    try:
        with transaction.atomic():
            _apply(merchant_id, variant_ids, now)
    except (IntegrityError, DataError, errors.Refusal) as error:
        if len(variant_ids) > 1:
            for pk in variant_ids:
                _apply_or_say_why(merchant_id, [pk], now)
            return
        log.exception("price.not_applied", variant=str(variant_ids[0]), exc_info=error)
        due = Q(status=Status.UPCOMING, starts_at__lte=now) | Q(status=Status.RUNNING, ends_at__lte=now)
        PriceSchedule.objects.filter(due, variant_id__in=variant_ids).update(
            status=Status.FAILED, reason=Reason.NOT_APPLIED, ended_at=now
        )


def _apply(merchant_id: UUID, variant_ids: list[UUID], now: datetime) -> None:
    """Begin and end what is due of variants whose rows are locked by the caller."""
    rows = PriceSchedule.objects.filter(
        Q(status=Status.UPCOMING, starts_at__lte=now) | Q(status=Status.RUNNING), variant_id__in=variant_ids
    ).order_by("variant_id", "starts_at")
    current = {
        pk: Quote(row.amount, row.compare_at, row.currency) for pk, row in prices.current(variant_ids).items()
    }
    guarded = floors.of(variant_ids)
    targets: dict[UUID, Quote] = {}
    changed: list[PriceSchedule] = []
    for pk, some in groupby(rows, key=lambda row: row.variant_id):
        floor = guarded.get(pk)
        least = Money(floor.amount, floor.currency) if floor else None
        quote, moved = _through(list(some), current.get(pk), least, now)
        changed += moved
        if quote is not None and quote != current.get(pk):
            targets[pk] = quote
    # What runs from now on is written after the price: while it runs, a price that is set is to come back.
    _write(row for row in changed if row.status != Status.RUNNING)
    prices.move(merchant_id=merchant_id, quotes=targets, now=now)
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
            back = _before(row)
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


def _check(plan: Plan, *, now: datetime, from_feed: bool) -> None:
    prices.check(plan.quote)
    if plan.starts_at is None and plan.ends_at is None:
        raise BadSchedule
    # A feed says of a sale that is on when it began.
    starts = max(plan.starts_at, now) if plan.starts_at and from_feed else plan.starts_at or now
    last = plan.ends_at or starts
    if starts < now or last < starts or plan.ends_at == starts or last > now + FARTHEST:
        raise BadSchedule


def _row(merchant_id: UUID, pk: UUID, plan: Plan, *, now: datetime, from_feed: bool) -> PriceSchedule:
    return PriceSchedule(
        merchant_id=merchant_id,
        variant_id=pk,
        amount=plan.quote.amount,
        compare_at=plan.quote.compare_at,
        currency=plan.quote.currency,
        starts_at=plan.starts_at or now,
        ends_at=plan.ends_at,
        from_feed=from_feed,
        created_at=now,
    )


def _same(row: PriceSchedule, plan: Plan, now: datetime) -> bool:
    # Of one that runs it does not matter when it began.
    running = row.status == Status.RUNNING and (plan.starts_at is None or plan.starts_at <= now)
    quote = Quote(row.amount, row.compare_at, row.currency)
    return (
        (running or plan.starts_at == row.starts_at) and row.ends_at == plan.ends_at and quote == plan.quote
    )


def _overlap(one: PriceSchedule, other: PriceSchedule) -> bool:
    """Tell what the database's constraint would: a price for good is a moment, a while is without its end."""
    first, second = sorted((one, other), key=lambda row: row.starts_at)
    return first.starts_at == second.starts_at or (
        first.ends_at is not None and second.starts_at < first.ends_at
    )


def _before(row: PriceSchedule) -> Quote:
    assert row.before_amount is not None
    return Quote(row.before_amount, row.before_compare_at, row.before_currency)


def _is_below(quote: Quote, floor: Money | None) -> bool:
    return floor is not None and (quote.currency != floor.currency or quote.amount < floor.amount)
