"""Announced prices, looked at when they are due."""

from datetime import datetime

from catalog.models import PriceSchedule, Variant
from catalog.pricing import applying, floors, prices, schedules
from tests.catalog.make import NOW, after

HOUR = 3600.0


def plan(
    amount: int, starts: float | None, ends: float | None = None, *, compare_at: int | None = None
) -> schedules.Plan:
    quote = prices.Quote(amount, compare_at, "EUR")
    return schedules.Plan(
        quote, None if starts is None else after(starts), None if ends is None else after(ends)
    )


def announce(one: Variant, wanted: schedules.Plan, *, now: datetime = NOW) -> PriceSchedule:
    return schedules.make(merchant_id=one.merchant_id, variant_id=one.pk, plan=wanted, now=now).schedule


def look(at: float) -> int:
    return applying.apply_due(now=after(at))


def say(one: Variant, amount: int, at: float) -> None:
    prices.change(
        merchant_id=one.merchant_id,
        variant_id=one.pk,
        amount=amount,
        compare_at=None,
        currency="EUR",
        now=after(at),
    )


def history(one: Variant) -> list[tuple[int, datetime, datetime | None]]:
    rows = one.prices.order_by("valid_from", "id")
    return list(rows.values_list("amount", "valid_from", "valid_to"))


def standing(one: PriceSchedule) -> tuple[str, str]:
    one.refresh_from_db()
    return one.status, one.reason


def floor(one: Variant, amount: int) -> None:
    floors.set_floor(merchant_id=one.merchant_id, variant_id=one.pk, amount=amount, currency=None, now=NOW)


def call_off(one: PriceSchedule, at: float) -> PriceSchedule:
    return schedules.cancel(
        merchant_id=one.merchant_id, variant_id=one.variant_id, schedule_id=one.pk, now=after(at)
    )
