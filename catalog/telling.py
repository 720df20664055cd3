"""What merchants' own systems are told of their stock, feeds, files and reviews, by webhook."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from catalog import bundles
from catalog.models import Export, FeedFetch, FeedSource, Import, ProductReview, Stock
from catalog.shelf import thresholds
from commerce import ids
from commerce.webhooks import messages

STOCK = ("stock.changed", "stock.sold_out", "stock.low")
TOGETHER = timedelta(seconds=2)  # Of a rush a merchant's system hears every so often, not every sale.


def tell_stock(*, variant_ids: Collection[UUID], now: datetime) -> int:
    """Tell merchants what can be promised now of variants, and of the bundles they are part of.

    Returns how many deliveries are new. What changes again before it is sent is one message.
    """
    moved = set(variant_ids)
    rows = (
        Stock.objects.filter(pk__in=moved | bundles.containing(moved)).select_related("variant__low_stock")
        if moved
        else ()
    )
    found = {row.pk: row for row in rows}
    # First, as it does not wait for more of the same as what follows.
    told = _tell_low(thresholds.moved(found.values()), now)
    asked = messages.asked_for(merchant_ids={row.merchant_id for row in found.values()}, families=("stock.",))
    found = {pk: row for pk, row in found.items() if row.merchant_id in asked}
    if not found:
        return told
    of_bundles = bundles.standing(found)
    for pk, row in sorted(found.items()):
        standing = of_bundles.get(pk) or bundles.Standing(
            row.available, row.version, None if row.available else str(row.version)
        )
        data = {"variant": str(pk), "sku": row.variant.sku, "available": standing.left}
        changed = messages.Told(
            row.merchant_id, STOCK[0], f"{STOCK[0]}:{pk}:{standing.version}", str(pk), data, now
        )
        told += messages.tell_newest(changed, same="available", delay=TOGETHER)
        if standing.cause is not None:
            key = f"{STOCK[1]}:{pk}:{standing.cause}"
            told += messages.tell([messages.Told(row.merchant_id, STOCK[1], key, str(pk), data, now)])
    return told


def tell_low(*, variant_ids: Collection[UUID], now: datetime) -> int:
    """Tell merchants of which of these variants little is left now; returns how many deliveries are new."""
    return _tell_low(_moved(variant_ids), now)


def _moved(variant_ids: Collection[UUID]) -> set[UUID]:
    rows = Stock.objects.filter(pk__in=set(variant_ids)).select_related("variant__low_stock")
    return thresholds.moved(rows)


def _tell_low(variant_ids: Collection[UUID], now: datetime) -> int:
    told = 0
    while variant_ids:
        with transaction.atomic():
            told += messages.tell(
                [
                    messages.Told(
                        low.merchant_id,
                        STOCK[2],
                        f"{STOCK[2]}:{low.pk}:{ids.new()}",
                        str(low.pk),
                        {
                            "variant": str(low.pk),
                            "sku": low.variant.sku,
                            "available": left,
                            "low_at": low.low_at,
                        },
                        now,
                    )
                    for low, left in thresholds.fallen(variant_ids)
                ]
            )
        # Another relay that heard of the next move before this was committed has seen no change in it.
        variant_ids = _moved(variant_ids)
    return told


def tell_import(*, import_id: UUID) -> int:
    """Tell a merchant that a feed is read, or why it failed; returns how many deliveries are new."""
    job = Import.objects.filter(pk=import_id).exclude(finished_at=None).first()
    if job is None or job.finished_at is None:
        return 0
    if not messages.asked_for(merchant_ids=[job.merchant_id], families=("import.",)):
        return 0
    told = messages.Told(
        job.merchant_id,
        "import.finished",
        f"import.finished:{job.pk}",
        str(job.pk),
        {
            "id": str(job.pk),
            "filename": job.filename,
            "sha256": job.sha256,
            "format": job.format,
            "dry_run": job.dry_run,
            "status": job.status,
            "rows": job.rows_done,
            "problems": job.problems_count,
            "error": job.error,
        },
        job.finished_at,
    )
    return messages.tell([told])


def tell_export(*, export_id: UUID) -> int:
    """Tell a merchant that its file is written, or why not; returns how many deliveries are new."""
    job = Export.objects.filter(pk=export_id).exclude(finished_at=None).first()
    if job is None or job.finished_at is None:
        return 0
    if not messages.asked_for(merchant_ids=[job.merchant_id], families=("export.",)):
        return 0
    data = {
        "id": str(job.pk),
        "format": job.format,
        "filters": job.filters,
        "status": job.status,
        "products": job.products_done,
        "variants": job.variants_done,
        "left_out": job.left_out,
        "bytes": job.bytes_done,
        "error": job.error,
        "expires_at": job.expires_at,
    }
    key = f"export.finished:{job.pk}"
    return messages.tell(
        [messages.Told(job.merchant_id, "export.finished", key, str(job.pk), data, job.finished_at)]
    )


def tell_reviews(*, review_ids: Collection[int]) -> int:
    """Tell merchants what operators decided of their products; returns how many deliveries are new."""
    rows = ProductReview.objects.filter(pk__in=review_ids, by=ProductReview.By.OPERATOR)
    decided = list(rows.select_related("product").order_by("pk"))
    asked = messages.asked_for(merchant_ids={row.merchant_id for row in decided}, families=("product.",))
    return messages.tell(
        [
            messages.Told(
                row.merchant_id,
                "product.reviewed",
                f"product.reviewed:{row.pk}",
                str(row.product_id),
                {
                    "product": str(row.product_id),
                    "handle": row.product.handle,
                    "was": row.old,
                    "status": row.new,
                    "reason": row.reason,
                },
                row.at,
            )
            for row in decided
            if row.merchant_id in asked
        ]
    )


def tell_feed_off(*, fetch_id: UUID) -> int:
    """Tell a merchant that this fetch was the last of a feed; returns how many deliveries are new.

    The feed's address is not told, as it may hold a secret of the merchant's.
    """
    last = FeedFetch.objects.select_related("source").filter(pk=fetch_id).first()
    if last is None or last.finished_at is None:
        return 0
    said = {
        "id": str(last.pk),
        "code": last.code,
        "reason": last.reason,
        "status": last.status,
        "finished_at": last.finished_at,
    }
    off = FeedSource.Off.FAILING
    return _tell_feed(last.merchant_id, last.source_id, off, str(last.pk), last.finished_at, last_fetch=said)


def tell_feed_stopped(*, merchant_id: UUID, feed_id: UUID, at: datetime, key: str) -> int:
    """Tell a merchant that operations turned a feed off; `key` is of this one time.

    Returns how many deliveries are new.
    """
    return _tell_feed(merchant_id, feed_id, FeedSource.Off.OPERATOR, key, at, last_fetch=None)


def _tell_feed(
    merchant_id: UUID, feed_id: UUID, off: FeedSource.Off, key: str, at: datetime, **said: object
) -> int:
    if not messages.asked_for(merchant_ids=[merchant_id], families=("feed.",)):
        return 0
    data = {"id": str(feed_id), "reason": off.value, **said}
    key = f"feed.disabled:{key}"
    return messages.tell([messages.Told(merchant_id, "feed.disabled", key, str(feed_id), data, at)])
