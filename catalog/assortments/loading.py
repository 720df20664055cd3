"""Puts goods that are made up straight into the tables: the same rows that a feed of them would write.

Nobody is told of them: no show has them yet, and a webhook for each would be a million.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import connection, transaction

from catalog.copying import copy
from catalog.feeds.formats.goods import Good
from catalog.models import Price, Product, ProductImage, Stock, StockMovement, Variant
from commerce import ids

TOGETHER = 2_000  # Products in one transaction.
NOTE = "made up"
TABLES = (Product, ProductImage, Variant, Price, Stock, StockMovement)


def load(*, merchant_id: UUID, goods: Iterable[Good], now: datetime) -> Iterator[int]:
    """Write products with all that belongs to them; yields how many variants each transaction has added.

    Raises IntegrityError where the merchant has one of their handles or SKUs.
    """
    goods = iter(goods)
    while some := list(islice(goods, TOGETHER)):
        with transaction.atomic():
            _write(merchant_id, some, now)
        yield sum(len(good.units) for good in some)


def analyze() -> None:
    """Have PostgreSQL look at what the tables hold now, and sort in what waits to be indexed."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table._meta.db_table}")


def _write(merchant_id: UUID, goods: list[Good], now: datetime) -> None:
    mine = str(merchant_id)
    products = [(ids.text(), good) for good in goods]
    units = [(ids.text(), pk, at, unit) for pk, good in products for at, unit in enumerate(good.units, 1)]
    copy(
        Product,
        (
            *("id", "merchant", "handle", "title", "description", "vendor", "product_type", "tags"),
            *("option_names", "status", "language", "created_at", "updated_at"),
        ),
        (
            (
                *(pk, mine, good.handle, good.title, good.description, good.vendor, good.type, good.tags),
                *(good.option_names, good.status, good.language, now, now),
            )
            for pk, good in products
        ),
    )
    copy(
        ProductImage,
        ("id", "merchant", "product", "url", "alt", "position"),
        (
            (ids.text(), mine, pk, picture.url, picture.alt, at)
            for pk, good in products
            for at, picture in enumerate(good.pictures, 1)
        ),
    )
    copy(
        Variant,
        (
            *("id", "merchant", "product", "title", "options", "sku", "barcode", "weight_grams", "position"),
            *("is_active", "created_at", "updated_at"),
        ),
        (
            (
                *(pk, mine, product, unit.title, unit.options, unit.sku, unit.barcode, unit.weight_grams, at),
                *(unit.is_active, now, now),
            )
            for pk, product, at, unit in units
        ),
    )
    copy(
        Price,
        ("id", "merchant", "variant", "amount", "compare_at", "currency", "valid_from"),
        (
            (ids.text(), mine, pk, unit.amount, unit.compare_at, unit.currency, now)
            for pk, _, _, unit in units
        ),
    )
    copy(
        Stock,
        ("variant", "merchant", "available", "version", "updated_at"),
        ((pk, mine, unit.available, 1, now) for pk, _, _, unit in units),
    )
    copy(
        StockMovement,
        ("merchant", "variant", "delta", "reason", "by", "note", "at"),
        (
            (mine, pk, unit.available, StockMovement.Reason.IMPORT, StockMovement.By.IMPORT, NOTE, now)
            for pk, _, _, unit in units
            if unit.available
        ),
    )
