"""Bundles: variants that are sold as units of other variants. Alone writes BundlePart.

A bundle has no units of its own, in stock, held or sold: what can be promised of it is what its parts allow.
The rows of all variants concerned are the lock, by id, so that no bundle comes into another one; the bundle's
stock row is the lock against units that are just being put in.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum

from catalog import queries
from catalog.models import BundlePart, LowStock, Stock, StockMovement, Variant
from commerce import errors, outbox

MAX_PARTS = 20
MAX_QUANTITY = 99


class BadParts(errors.Refusal):
    """These parts make no bundle."""

    status = 422
    code = "BAD_PARTS"
    message = f"A bundle has 2 to {MAX_PARTS} parts, or several units of one, 1 to {MAX_QUANTITY} of each."


class BundleInBundle(errors.Conflict):
    """A bundle's parts are plain variants: the bundle would be part of one, or one part of it."""

    code = "BUNDLE_IN_BUNDLE"
    message = "A bundle cannot be part of a bundle."


class BundleHasStock(errors.Conflict):
    """The variant has, or had, units of its own: in stock, held or sold."""

    code = "BUNDLE_HAS_STOCK"
    message = "A bundle takes its parts' stock and has none of its own. Make it of a variant without any."


@dataclass(frozen=True, slots=True)
class Standing:
    """What can be promised of a bundle, with a version that grows whenever that may have changed.

    `cause` is the same as long as the same part is why nothing is left, None while something is.
    """

    left: int
    version: int
    cause: str | None


def set_parts(*, merchant_id: UUID, bundle_id: UUID, parts: Mapping[UUID, int], now: datetime) -> None:
    """Make a variant a bundle of so many units of each part, or change what it consists of.

    What is bought already keeps the parts it was bought with. Raises queries.UnknownVariant (also for another
    merchant's part), BadParts, BundleInBundle, BundleHasStock.
    """
    quantities = list(parts.values())
    if bundle_id in parts or not 1 <= len(parts) <= MAX_PARTS or quantities == [1]:
        raise BadParts
    if any(not 1 <= quantity <= MAX_QUANTITY for quantity in quantities):
        raise BadParts
    with transaction.atomic():
        _lock(merchant_id, {bundle_id, *parts})
        if BundlePart.objects.filter(bundle_id__in=parts).exists():
            raise BundleInBundle
        if BundlePart.objects.filter(part_id=bundle_id).exists():
            raise BundleInBundle
        _check_no_stock(bundle_id)
        had = dict(BundlePart.objects.filter(bundle_id=bundle_id).values_list("part_id", "quantity"))
        if had == dict(parts):
            return
        version = _version(bundle_id)
        # It has no units that could become few.
        LowStock.objects.filter(pk=bundle_id).delete()
        BundlePart.objects.filter(bundle_id=bundle_id).delete()
        BundlePart.objects.bulk_create(
            BundlePart(merchant_id=merchant_id, bundle_id=bundle_id, part_id=pk, quantity=parts[pk])
            for pk in sorted(parts)
        )
        _moved(bundle_id, version, now)


def clear_parts(*, merchant_id: UUID, bundle_id: UUID, now: datetime) -> None:
    """Make a bundle a plain variant without stock; one that is plain already stays as it is.

    Raises queries.UnknownVariant.
    """
    with transaction.atomic():
        _lock(merchant_id, {bundle_id})
        version = _version(bundle_id)
        if BundlePart.objects.filter(merchant_id=merchant_id, bundle_id=bundle_id).delete()[0]:
            _moved(bundle_id, version, now)


def of(bundle_id: UUID) -> list[BundlePart]:
    """Return a bundle's parts with their variants and what is left of them; none for a plain variant."""
    rows = BundlePart.objects.filter(bundle_id=bundle_id).select_related("part__product", "part__stock")
    return list(rows.order_by("id"))


def containing(variant_ids: Collection[UUID]) -> set[UUID]:
    """Return the bundles that any of these variants is part of."""
    rows = BundlePart.objects.filter(part_id__in=list(variant_ids))
    return set(rows.values_list("bundle_id", flat=True))


def left(variant_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return what can be promised of those of the variants that are bundles."""
    return {pk: one.left for pk, one in standing(variant_ids).items()}


def standing(variant_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Return how those of the variants stand that are bundles; a part off sale leaves none."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [[str(pk) for pk in variant_ids]])
        return {row[0]: Standing(*row[1:]) for row in cursor.fetchall()}


# The part that ran out first is the cause, whichever else runs out behind it.
_STANDING = """
    SELECT b.bundle_id,
           min(CASE WHEN v.is_active THEN coalesce(s.available, 0) / b.quantity ELSE 0 END),
           (coalesce(own.version, 0) + sum(coalesce(s.version, 0)))::bigint,
           (array_agg(b.part_id || ':' || coalesce(s.version, 0) ORDER BY s.updated_at, b.part_id)
               FILTER (WHERE NOT v.is_active OR coalesce(s.available, 0) < b.quantity))[1]
      FROM catalog_bundlepart b
      JOIN catalog_variant v ON v.id = b.part_id
      LEFT JOIN catalog_stock s ON s.variant_id = b.part_id
      LEFT JOIN catalog_stock own ON own.variant_id = b.bundle_id
     WHERE b.bundle_id = ANY(%s::uuid[])
     GROUP BY b.bundle_id, own.version
"""


def _lock(merchant_id: UUID, variant_ids: set[UUID]) -> None:
    mine = Variant.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk__in=variant_ids)
    if len(mine.order_by("pk").values_list("pk")) < len(variant_ids):
        raise queries.UnknownVariant


def _check_no_stock(bundle_id: UUID) -> None:
    """What is available is what came in less what is held and sold: both zero, there is none anywhere."""
    row = Stock.objects.select_for_update(no_key=True).filter(pk=bundle_id).first()
    came_in = StockMovement.objects.filter(variant_id=bundle_id).aggregate(units=Sum("delta"))["units"]
    if (row is not None and row.available) or came_in:
        raise BundleHasStock


def _version(variant_id: UUID) -> int:
    if (bundle := standing([variant_id]).get(variant_id)) is not None:
        return bundle.version
    return Stock.objects.filter(pk=variant_id).values_list("version", flat=True).first() or 0


def _moved(bundle_id: UUID, version: int, now: datetime) -> None:
    """Tell shows what is left now, as a version above all that were told."""
    Stock.objects.filter(pk=bundle_id).update(version=version + 1, updated_at=now)
    outbox.record(name="stock.moved", payload={"variants": [str(bundle_id)], "offers": []})
