"""What can still be promised of each variant. With `catalog.shelf.places` alone writes Stock.

Locks are taken in the order of the variants' ids, here and in every caller, so that no two writers wait for
each other. Taking is one conditional statement per variant: whoever finds too few changes nothing, and the
table's CHECK stands behind it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from catalog import queries
from catalog.copying import copy
from catalog.models import BundlePart, Stock
from catalog.shelf import movements
from commerce import errors, outbox

MAX_UNITS = 1_000_000_000


class OutOfStock(errors.Conflict):
    """Fewer units are left than were asked for; `variant` and `left` say which and how many.

    Of a bundle `left` counts bundles, and `part` is the one that is short.
    """

    code = "OUT_OF_STOCK"
    message = "There are not enough left."

    def __init__(self, *, variant: UUID, left: int, part: UUID | None = None) -> None:
        super().__init__(variant=str(variant), left=left, **({"part": str(part)} if part else {}))


class TooMuchStock(errors.Invalid):
    """The stock would be below zero or above what is kept."""

    code = "BAD_STOCK"
    message = f"Stock is between 0 and {MAX_UNITS} units."


class StockOfBundle(errors.Conflict):
    """A bundle takes its parts' stock and has none of its own."""

    code = "STOCK_OF_BUNDLE"
    message = "A bundle has no stock of its own. Set the stock of its parts."


def take(*, units: Mapping[UUID, int], now: datetime) -> None:
    """Promise positive units per variant, all or none, inside the caller's transaction; raises OutOfStock."""
    with transaction.atomic():
        for variant_id in sorted(units):
            wanted = units[variant_id]
            taken = Stock.objects.filter(pk=variant_id, available__gte=wanted).update(
                available=F("available") - wanted, version=F("version") + 1, updated_at=now
            )
            if not taken:
                left = Stock.objects.filter(pk=variant_id).values_list("available", flat=True).first()
                raise OutOfStock(variant=variant_id, left=left or 0)


def lock(variant_ids: Collection[UUID], *, skip_locked: bool) -> dict[UUID, int]:
    """Lock the stock of variants, in the order of their ids, and return what can be promised of each.

    With `skip_locked` without those that somebody else keeps locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT variant_id, available FROM catalog_stock WHERE variant_id = ANY(%s::uuid[])"
            f" ORDER BY variant_id FOR NO KEY UPDATE {'SKIP LOCKED' if skip_locked else ''}",
            [[str(pk) for pk in variant_ids]],
        )
        return dict(cursor.fetchall())


def look(variant_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return what can be promised of variants at this moment; nothing is locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT variant_id, available FROM catalog_stock WHERE variant_id = ANY(%s::uuid[])",
            [[str(pk) for pk in variant_ids]],
        )
        return dict(cursor.fetchall())


def there(variant_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these variants have a stock."""
    if not variant_ids:
        return set()
    return set(Stock.objects.filter(pk__in=variant_ids).values_list("pk", flat=True))


def take_locked(*, units: Mapping[UUID, int], now: datetime) -> None:
    """Promise units of variants whose stock the caller has locked and seen to be enough, in one statement."""
    if not units:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_stock"
            " SET available = available - sold.units, version = version + 1, updated_at = %s"
            " FROM unnest(%s::uuid[], %s::int[]) AS sold (id, units) WHERE variant_id = sold.id",
            [now, [str(pk) for pk in units], list(units.values())],
        )


def give_back(*, units: Mapping[UUID, int], now: datetime) -> None:
    """Return units that were taken, inside the caller's transaction."""
    with transaction.atomic():
        for variant_id in sorted(units):
            Stock.objects.filter(pk=variant_id).update(
                available=F("available") + units[variant_id], version=F("version") + 1, updated_at=now
            )


def set_level(
    *,
    merchant_id: UUID,
    variant_id: UUID,
    available: int,
    note: str,
    now: datetime,
    by: movements.Who = movements.SOMEBODY,
) -> Stock:
    """Say how many units can be promised from now on; the difference is kept as a movement.

    Raises queries.UnknownVariant, TooMuchStock, StockOfBundle.
    """
    with transaction.atomic():
        _set(
            {variant_id: available},
            merchant_id=merchant_id,
            reason=movements.Reason.SET,
            note=note,
            now=now,
            by=by,
        )
        return _one(merchant_id, variant_id)


def set_levels(
    *,
    merchant_id: UUID,
    levels: Mapping[UUID, int],
    reason: movements.Reason,
    note: str,
    now: datetime,
    by: movements.Who = movements.SOMEBODY,
) -> tuple[set[UUID], set[UUID]]:
    """Set the stock of several variants, without locking those that have it.

    Returns which moved, and which were left out because they are bundles, which have none. Whoever sells them
    waits from here until the caller's transaction ends, so little is done in between. Raises TooMuchStock.
    """
    _check(levels)
    with transaction.atomic():
        have = _look_at(merchant_id, levels, locking=False)
        plain = _look_at(merchant_id, [pk for pk, units in have.items() if units != levels[pk]], locking=True)
        # Under the lock that also makes bundles: none of these becomes one before this is over.
        made_up = bundles(levels)
        deltas = {
            pk: levels[pk] - units for pk, units in plain.items() if units != levels[pk] and pk not in made_up
        }
        if deltas:
            _write_levels({pk: levels[pk] for pk in deltas}, now)
            movements.write(merchant_id, deltas, reason=reason, note=note, now=now, by=by)
            outbox.record(name="stock.moved", payload={"variants": sorted(map(str, deltas)), "offers": []})
        return set(deltas), made_up


def adjust(
    *,
    merchant_id: UUID,
    variant_id: UUID,
    delta: int,
    note: str,
    now: datetime,
    by: movements.Who = movements.SOMEBODY,
) -> Stock:
    """Add units (or take them away, delta < 0) whatever is sold meanwhile.

    Raises queries.UnknownVariant, OutOfStock when fewer are left than shall go, TooMuchStock, StockOfBundle.
    """
    with transaction.atomic():
        row = locked(merchant_id, [variant_id]).get(variant_id)
        if row is None:
            raise queries.UnknownVariant
        if bundles([variant_id]):
            raise StockOfBundle
        if row.available + delta < 0:
            raise OutOfStock(variant=variant_id, left=row.available)
        levels = {variant_id: row.available + delta}
        _set(levels, merchant_id=merchant_id, reason=movements.Reason.ADJUST, note=note, now=now, by=by)
        return _one(merchant_id, variant_id)


def tell(*, variant_id: UUID, now: datetime) -> None:
    """Have shows told anew what is left of a variant, and of its bundles, inside the caller's transaction."""
    Stock.objects.filter(pk=variant_id).update(version=F("version") + 1, updated_at=now)
    outbox.record(name="stock.moved", payload={"variants": [str(variant_id)], "offers": []})


def bundles(variant_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these variants are bundles, and so have no stock of their own."""
    rows = BundlePart.objects.filter(bundle_id__in=list(variant_ids))
    return set(rows.values_list("bundle_id", flat=True))


def begin(
    *,
    merchant_id: UUID,
    units: Mapping[UUID, int],
    reason: movements.Reason,
    note: str,
    now: datetime,
    by: movements.Who = movements.SOMEBODY,
) -> None:
    """Open the stock of new variants with their first units; raises TooMuchStock."""
    _check(units)
    with transaction.atomic():
        copy(
            Stock,
            ("variant", "merchant", "available", "version", "updated_at"),
            ((pk, merchant_id, units[pk], 1, now) for pk in sorted(units)),
        )
        movements.write(merchant_id, units, reason=reason, note=note, now=now, by=by)


def locked(merchant_id: UUID, variant_ids: Collection[UUID]) -> dict[UUID, Stock]:
    """Lock the stock of a merchant's variants, in the order of their ids, and return what there is."""
    rows = Stock.objects.select_for_update(no_key=True).filter(
        merchant_id=merchant_id, pk__in=list(variant_ids)
    )
    return {row.pk: row for row in rows.order_by("pk")}


def write_locked(*, levels: Mapping[UUID, int], now: datetime) -> None:
    """Say how many units can be promised of variants whose stock the caller has locked, and have it told.

    The caller writes the movements. Raises TooMuchStock.
    """
    _check(levels)
    if levels:
        _write_levels(levels, now)
        outbox.record(name="stock.moved", payload={"variants": sorted(map(str, levels)), "offers": []})


def touch_locked(*, variant_ids: Collection[UUID], now: datetime) -> None:
    """Note that what lies where changed, of variants whose stock the caller has locked."""
    if variant_ids:
        Stock.objects.filter(pk__in=variant_ids).update(updated_at=now)


def _set(
    levels: Mapping[UUID, int],
    *,
    merchant_id: UUID,
    reason: movements.Reason,
    note: str,
    now: datetime,
    by: movements.Who,
) -> set[UUID]:
    _check(levels)
    rows = locked(merchant_id, levels)
    if len(rows) < len(levels):
        raise queries.UnknownVariant
    if bundles(levels):
        raise StockOfBundle
    deltas = {pk: levels[pk] - row.available for pk, row in rows.items() if levels[pk] != row.available}
    write_locked(levels={pk: levels[pk] for pk in deltas}, now=now)
    movements.write(merchant_id, deltas, reason=reason, note=note, now=now, by=by)
    return set(deltas)


def _look_at(merchant_id: UUID, variant_ids: Collection[UUID], *, locking: bool) -> dict[UUID, int]:
    """Return what can be promised of a merchant's variants; locked in the order of their ids, if asked."""
    if not variant_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT variant_id, available FROM catalog_stock"
            " WHERE merchant_id = %s AND variant_id = ANY(%s::uuid[])"
            f" ORDER BY variant_id {'FOR NO KEY UPDATE' if locking else ''}",
            [merchant_id, [str(pk) for pk in variant_ids]],
        )
        return dict(cursor.fetchall())


def _write_levels(levels: Mapping[UUID, int], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_stock SET available = new.available, version = version + 1, updated_at = %s"
            " FROM unnest(%s::uuid[], %s::int[]) AS new (id, available) WHERE variant_id = new.id",
            [now, [str(pk) for pk in levels], list(levels.values())],
        )


def _check(levels: Mapping[UUID, int]) -> None:
    if any(not 0 <= units <= MAX_UNITS for units in levels.values()):
        raise TooMuchStock


def _one(merchant_id: UUID, variant_id: UUID) -> Stock:
    return Stock.objects.get(merchant_id=merchant_id, pk=variant_id)
