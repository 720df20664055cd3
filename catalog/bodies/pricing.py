"""Bodies of prices: now and before, announced, and what a variant is never sold below."""

from uuid import UUID

from catalog.bodies.body import Body
from catalog.models import Price, PriceFloor, PriceSchedule


def price(row: Price) -> Body:
    """Return a price, current or past."""
    return {
        "amount": row.amount,
        "compare_at": row.compare_at,
        "currency": row.currency,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
    }


def prices(rows: list[Price], lowest: int | None, announced: list[PriceSchedule]) -> Body:
    """Return a variant's prices, newest first, with what is announced and the lowest of the last 30 days."""
    current = next((price(row) for row in rows if row.valid_to is None), None)
    running = next((row for row in announced if row.status == PriceSchedule.Status.RUNNING), None)
    to_come = next((row for row in announced if row.status == PriceSchedule.Status.UPCOMING), None)
    return {
        "current": current,
        "running": {**_announced(running), "comes_back": comes_back(running)} if running else None,
        "next": _announced(to_come) if to_come else None,
        "lowest_30_days": lowest,
        "history": [price(row) for row in rows],
    }


def comes_back(row: PriceSchedule) -> Body:
    """Return the price that comes back at the end of one that runs."""
    return {
        "amount": row.before_amount,
        "compare_at": row.before_compare_at,
        "currency": row.before_currency,
    }


def _announced(row: PriceSchedule) -> Body:
    names = ("id", "amount", "compare_at", "currency", "starts_at", "ends_at")
    return {name: getattr(row, name) for name in names}


def floor(variant_id: UUID, row: PriceFloor | None) -> Body:
    """Return what a variant is never sold below."""
    said = {"amount": row.amount, "currency": row.currency, "updated_at": row.updated_at} if row else None
    return {"variant": variant_id, "floor": said}
