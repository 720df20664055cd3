"""From how few units on a merchant is told that little is left of a variant. Alone writes LowStock (what
becomes a bundle loses its own by `bundles`).

Nobody who sells looks at it: what moved is compared with it afterwards, when the relay brings it. So a row
says how things stood when they were last compared, and is the lock of those who compare.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from catalog import queries
from catalog.models import LowStock, Stock, Variant
from catalog.shelf import stock
from commerce import outbox


def set_threshold(*, merchant_id: UUID, variant_id: UUID, low_at: int | None, now: datetime) -> None:
    """Say from how many units on little is left of a variant; None: it is never told.

    What is as low already is not told until it has risen and falls again. Raises queries.UnknownVariant,
    stock.TooMuchStock, stock.StockOfBundle.
    """
    if low_at is not None and not 0 <= low_at <= stock.MAX_UNITS:
        raise stock.TooMuchStock
    with transaction.atomic():
        # The variant's row is also the lock of who makes it a bundle.
        mine = Variant.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk=variant_id)
        if not mine.values_list("pk"):
            raise queries.UnknownVariant
        if low_at is None:
            LowStock.objects.filter(pk=variant_id).delete()
            return
        if stock.bundles([variant_id]):
            raise stock.StockOfBundle
        row = LowStock.objects.select_for_update(no_key=True).filter(pk=variant_id).first()
        if row is not None and row.low_at == low_at:
            return
        row = row or LowStock(variant_id=variant_id, merchant_id=merchant_id)
        row.low_at, row.updated_at = low_at, now
        row.is_low = stock.look([variant_id]).get(variant_id, 0) <= low_at
        row.save()
        # What is sold at this moment may have been told before this could be seen.
        outbox.record(name="stock.watched", payload={"variants": [str(variant_id)]})


def low(rows: QuerySet[Stock], *, merchant_id: UUID) -> QuerySet[Stock]:
    """Narrow a merchant's stock to that of which little is left."""
    # Named once more, so that PostgreSQL reads the merchant's thresholds and not all its stock.
    theirs = Q(variant__low_stock__merchant_id=merchant_id)
    return rows.filter(theirs, available__lte=F("variant__low_stock__low_at"))


def moved(rows: Collection[Stock]) -> set[UUID]:
    """Return which of these, read with their variants' thresholds, are on another side of it than before."""
    found = set()
    for row in rows:
        low: LowStock | None = getattr(row.variant, "low_stock", None)
        if low is not None and (row.available <= low.low_at) != low.is_low:
            found.add(row.pk)
    return found


def fallen(variant_ids: Collection[UUID]) -> list[tuple[LowStock, int]]:
    """Note on which side of their thresholds variants are; returns those that fell, with what is left.

    Inside the caller's transaction, who tells it.
    """
    rows = LowStock.objects.select_for_update(no_key=True, of=("self",)).select_related("variant")
    locked = list(rows.filter(pk__in=list(variant_ids)).order_by("pk"))
    # Looked at under the lock: whoever looked before may be late.
    left = stock.look([row.pk for row in locked])
    changed = []
    for row in locked:
        if (is_low := left.get(row.pk, 0) <= row.low_at) != row.is_low:
            row.is_low = is_low
            changed.append(row)
    LowStock.objects.bulk_update(changed, ["is_low"])
    return [(row, left.get(row.pk, 0)) for row in changed if row.is_low]
