"""Bodies of products with their variants, how they are sorted, and their stock."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from catalog import names, taxonomy
from catalog.bodies.body import Body
from catalog.bodies.pictures import image, shown
from catalog.bodies.pricing import price
from catalog.media import shelved
from catalog.models import (
    BundlePart,
    Category,
    Price,
    Product,
    ProductReview,
    Stock,
    StockMovement,
    Variant,
)
from catalog.serializers import places


def product(row: Product) -> Body:
    """Return a product from `queries.products`."""
    images = [image(one) for one in row.images.all()]
    return _product(row, [variant(one, row) for one in row.variants.all()], images)


def listed_product(row: Product, goods: Iterable[Any], pictures: Iterable[Any]) -> Body:
    """Return a product of a list with its variants and pictures from `listed`."""
    images = [
        shown(one, shelved.sizes(one.merchant_id, one.sha256, one.renditions or ())) for one in pictures
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
