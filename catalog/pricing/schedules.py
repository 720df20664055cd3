"""Prices that are announced: made and called off; `pricing.applying` applies them when they are due.

The variant's row is the lock, as for its price and floor. One thing `pricing.prices` writes here: a price
that is set while an announced one runs is the one that comes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from catalog import queries
from catalog.models import PriceSchedule, Variant
from catalog.pricing import applying, floors, prices
from catalog.pricing.prices import Quote
from commerce import errors

MAX_OPEN = 50  # of one variant
FARTHEST = timedelta(days=5 * 366)

Status = PriceSchedule.Status
OPEN = queries.OPEN


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
            running = [row for row in called_off if row.status == Status.RUNNING]
            back = {row.variant_id: applying.before(row) for row in running}
            prices.move(merchant_id=merchant_id, quotes=back, now=now, known=back)
        new = [one.schedule for one in found.values() if isinstance(one, Made) and one.is_new]
        PriceSchedule.objects.bulk_create(new)
        begun = [row.variant_id for row in new if row.starts_at <= now]
        if begun:
            applying.apply(merchant_id, begun, now)
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
            back = {variant_id: applying.before(row)}
            prices.move(merchant_id=merchant_id, quotes=back, now=now, known=back)
        return row


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
