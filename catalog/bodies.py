"""What the merchant API shows: plain JSON bodies of products, variants, prices, stock and imports."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from catalog import batches, names, shelved, taxonomy
from catalog.models import (
    BundlePart,
    Category,
    CommissionPlan,
    Export,
    FeedFetch,
    FeedSource,
    Import,
    ImportProblem,
    Price,
    PriceFloor,
    PriceSchedule,
    Product,
    ProductImage,
    ProductReview,
    Stock,
    StockMovement,
    Variant,
)
from catalog.serializers import places

Body = dict[str, Any]


def product(row: Product) -> Body:
    """Return a product from `queries.products`."""
    images = [image(one) for one in row.images.all()]
    return _product(row, [variant(one, row) for one in row.variants.all()], images)


def listed_product(row: Product, goods: Iterable[Any], pictures: Iterable[Any]) -> Body:
    """Return a product of a list with its variants and pictures from `listed`."""
    images = [
        _image(one, shelved.sizes(one.merchant_id, one.sha256, one.renditions or ())) for one in pictures
    ]
    return _product(row, [_variant(one, row, _listed_price(one)) for one in goods], images)


def _product(row: Product, variants: list[Body], images: list[Body]) -> Body:
    return {
        "id": row.id,
        "handle": row.handle,
        "title": row.title,
        "description": row.description,
        "vendor": row.vendor,
        "type": row.product_type,
        "tags": row.tags,
        "options": row.option_names,
        "status": row.status,
        "language": row.language,
        "category": row.category.code if row.category else None,
        "attributes": row.attributes,
        "images": images,
        "variants": variants,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def category(row: Category, known: taxonomy.Definitions) -> Body:
    """Return a category from `taxonomy.categories`, with its definitions."""
    return {
        "code": row.code,
        "name": row.name,
        "parent": row.parent.code if row.parent else None,
        "path": row.path,
        "attributes": [
            {
                "code": one.code,
                "name": one.name,
                "kind": one.kind,
                "unit": one.unit,
                "choices": one.choices,
                "required": one.required,
                "defined_by": one.category.code,
            }
            for one in known.values()
        ],
    }


def name(row: names.Name) -> Body:
    """Return a brand or tag with its count."""
    return {"name": row.name, "products": row.products}


def review(row: ProductReview) -> Body:
    """Return a change of a product's status. Who of the operators it was is not the merchant's to know."""
    return {"was": row.old, "status": row.new, "by": row.by, "reason": row.reason, "at": row.at}


def image(row: ProductImage) -> Body:
    """Return a picture with its `picture`."""
    return _image(row, shelved.files(row.picture) if row.picture else [])


def _image(row: Any, made: list[tuple[int, int, str]]) -> Body:
    return {
        "id": row.id,
        "url": row.url,
        "alt": row.alt,
        "position": row.position,
        "state": row.state,
        "width": made[0][0] if made else None,
        "height": made[0][1] if made else None,
        "files": [
            {"url": shelved.address(name), "width": width, "height": height} for width, height, name in made
        ],
        "problem": {"code": row.code, "reason": row.reason} if row.code else None,
    }


def feed(row: FeedSource) -> Body:
    """Return a feed that is fetched; its password is nobody's to see."""
    return {
        "id": row.id,
        "url": row.url,
        "every_minutes": row.every_minutes,
        "daily_at_hour": row.daily_at_hour,
        "username": row.username,
        "has_password": bool(row.sealed_password),
        "enabled": row.enabled,
        "off_reason": row.off_reason,
        "failures": row.failures,
        "due_at": row.due_at if row.enabled else None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def feed_fetch(row: FeedFetch) -> Body:
    """Return one time that a feed was fetched."""
    return {
        "id": row.id,
        "outcome": row.outcome,
        "code": row.code,
        "reason": row.reason,
        "status": row.status,
        "bytes": row.bytes,
        "job": row.job_id,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def listed_image(row: ProductImage) -> Body:
    """Return a picture with its product."""
    retry_at = row.due_at if row.state == ProductImage.State.WAITING and row.code else None
    return {**image(row), "product": row.product_id, "retry_at": retry_at}


def variant(row: Variant, of: Product) -> Body:
    """Return a variant from `queries.variants`; its options in the order of its product's."""
    current: list[Price] = getattr(row, "current_prices", [])
    return _variant(row, of, price(current[0]) if current else None)


def _variant(row: Any, of: Product, current: Body | None) -> Body:
    # A JSON object has no order in the database, so the product's names give it.
    names = [*of.option_names, *sorted(row.options.keys() - set(of.option_names))]
    return {
        "id": row.id,
        "product": row.product_id,
        "title": row.title,
        "options": {name: row.options[name] for name in names if name in row.options},
        "sku": row.sku,
        "barcode": row.barcode,
        "weight_grams": row.weight_grams,
        "position": row.position,
        "is_active": row.is_active,
        "price": current,
        "available": getattr(row, "units_left", 0),
        "release_at": row.release_at,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _listed_price(row: Any) -> Body | None:
    if getattr(row, "price_amount", None) is None:
        return None
    return {
        "amount": row.price_amount,
        "compare_at": row.price_compare_at,
        "currency": row.price_currency,
        "valid_from": row.price_from,
        "valid_to": None,
    }


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


def parts(variant_id: UUID, rows: Iterable[BundlePart], left: int) -> Body:
    """Return what a bundle consists of, and how many of it that allows."""
    return {
        "variant": variant_id,
        "available": left,
        "parts": [
            {
                "variant": row.part_id,
                "title": str(row.part),
                "sku": row.part.sku,
                "quantity": row.quantity,
                "available": row.part.stock.available if hasattr(row.part, "stock") else 0,
            }
            for row in rows
        ],
    }


def stock(row: Stock, movements: Iterable[StockMovement]) -> Body:
    """Return a variant's stock with its latest changes."""
    return {
        "variant": row.variant_id,
        "available": row.available,
        **places.low(row),
        "version": row.version,
        "updated_at": row.updated_at,
        "locations": places.there(row),
        "movements": [places.movement(one) for one in movements],
    }


def batch(results: list[batches.Result]) -> Body:
    """Return what became of a batch's rows, in their order."""
    count = Counter(result.became for result in results)
    rows = [
        {
            "row": number,
            "key": result.key,
            "result": result.became.value,
            "id": result.id,
            "problems": [
                {"field": one.column, "code": one.code, "value": one.value, "message": one.message}
                for one in result.problems
            ],
        }
        for number, result in enumerate(results, start=1)
    ]
    partial = any(result.problems for result in results)
    return {**{became.value: count[became] for became in batches.Became}, "partial": partial, "rows": rows}


def import_job(row: Import) -> Body:
    """Return an import with its progress."""
    return {
        "id": row.id,
        "filename": row.filename,
        "sha256": row.sha256,
        "format": row.format,
        "dry_run": row.dry_run,
        "status": row.status,
        "rows_total": row.rows_total,
        "rows_done": row.rows_done,
        "bytes_total": row.bytes_total,
        **_pace(row.status, row.bytes_done, row.bytes_total, row.rows_done, row.working_seconds),
        "products_created": row.products_created,
        "products_updated": row.products_updated,
        "products_unchanged": row.products_unchanged,
        "variants_created": row.variants_created,
        "variants_updated": row.variants_updated,
        "variants_unchanged": row.variants_unchanged,
        "skipped": row.skipped,
        "problems": row.problems_count,
        "error": row.error,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def export_job(row: Export) -> Body:
    """Return an export with its progress."""
    return {
        "id": row.id,
        "format": row.format,
        "filters": row.filters,
        "status": row.status,
        "products_total": row.products_total,
        "products_done": row.products_done,
        "variants_done": row.variants_done,
        "left_out": row.left_out,
        "bytes": row.bytes_done,
        **_pace(row.status, row.products_done, row.products_total, row.products_done, row.working_seconds),
        "error": row.error,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "expires_at": row.expires_at,
    }


def _pace(status: str, done: int, total: int, rows: int, seconds: float) -> Body:
    """Return how far a job is, how fast it goes, and how long it will take at that pace."""
    finished = status not in ("queued", "running")
    left = seconds * (total - done) / done if done and not finished else None
    return {
        "percent": 100 if status == "done" else min(done * 100 // max(1, total), 99),
        "rows_per_second": round(rows / seconds, 1) if seconds else None,
        "eta_seconds": None if left is None else round(left, 1),
    }


def problem(row: ImportProblem) -> Body:
    """Return one thing that was wrong in a feed."""
    return {
        "line": row.line,
        "column": row.column,
        "code": row.code,
        "value": row.value,
        "message": row.message,
        "skipped": row.skipped,
    }


def plan(row: CommissionPlan) -> Body:
    """Return a commission plan from `plans.plan`, with what it says now and will say."""
    goods = [
        {"product": each.product_id, "valid_from": each.valid_from, "valid_until": each.valid_until}
        for each in row.products.all()
    ]
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "rates": [
            {
                "host": each.host.slug if each.host else None,
                "rate_bp": each.rate_bp,
                "valid_from": each.valid_from,
                "valid_until": each.valid_until,
            }
            for each in row.rates.all()
        ],
        "products": None if row.all_products else goods,
        "ends_at": row.ends_at,
        "created_at": row.created_at,
    }
