"""Merchants, goods and feeds for tests of the catalog, made as plainly as they can be."""

import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from catalog import products
from catalog.feeds import imports
from catalog.models import Import, Product, Stock, StockMovement, Variant
from catalog.pricing import prices
from commerce.models import Merchant
from tests import apikeys

NOW = datetime(2030, 5, 1, 18, 0, tzinfo=UTC)
_numbers = count(1)

_OPTIONS = [f"Option{n} {what}" for n in (1, 2, 3) for what in ("Name", "Value")]
HEADER = [
    *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", *_OPTIONS),
    *("Variant SKU", "Variant Grams", "Variant Inventory Qty", "Variant Price", "Variant Compare At Price"),
    *("Variant Barcode", "Image Src", "Image Alt Text", "Status"),
]


def after(seconds: float) -> datetime:
    """Return NOW plus seconds."""
    return NOW + timedelta(seconds=seconds)


def merchant(name: str = "Atelier Sol", *, currency: str = "EUR") -> Merchant:
    """Return a new merchant."""
    return Merchant.objects.create(name=name, slug=f"merchant-{next(_numbers)}", currency=currency)


def key(of: Merchant) -> str:
    """Return the text of a new API key."""
    _, text = apikeys.key(of)
    return str(text)


def product(
    of: Merchant, *, handle: str = "", status: str = Product.Status.APPROVED, **fields: Any
) -> Product:
    """Return a new product without options and variants."""
    new = products.NewProduct(
        handle=handle or f"lipstick-{next(_numbers)}", title="Velvet lipstick", status=status, **fields
    )
    return products.create(merchant_id=of.pk, new=new, now=NOW)


def variant(
    of: Merchant, *, stocked: int = 10, amount: int | None = 1999, sku: str = "", handle: str = ""
) -> Variant:
    """Return the only variant of a new product, in stock and priced in the merchant's currency."""
    price = prices.Quote(amount, None, of.currency) if amount else None
    made = product(of, handle=handle, variants=[products.NewVariant(sku=sku, units=stocked, price=price)])
    return made.variants.get()


def row(handle: str, **cells: str) -> dict[str, str]:
    """Return a row of a feed; `price=` and such are short for the feed's own column names."""
    short = {
        "title": "Title",
        "body": "Body (HTML)",
        "vendor": "Vendor",
        "type": "Type",
        "tags": "Tags",
        "published": "Published",
        "status": "Status",
        "name": "Option1 Name",
        "value": "Option1 Value",
        "name2": "Option2 Name",
        "value2": "Option2 Value",
        "name3": "Option3 Name",
        "value3": "Option3 Value",
        "sku": "Variant SKU",
        "grams": "Variant Grams",
        "quantity": "Variant Inventory Qty",
        "price": "Variant Price",
        "compare": "Variant Compare At Price",
        "barcode": "Variant Barcode",
        "image": "Image Src",
        "alt": "Image Alt Text",
    }
    return {"Handle": handle, **{short[name]: value for name, value in cells.items()}}


def feed(*rows: dict[str, str], header: list[str] | None = None, delimiter: str = ",") -> bytes:
    """Return the rows as a CSV file in UTF-8."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, header or HEADER, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def simple_feed(products_count: int = 3, *, quantity: int = 5, price: str = "19.90") -> bytes:
    """Return a feed of products with two variants each."""
    rows = []
    for n in range(1, products_count + 1):
        handle, common = f"soap-{n}", {"price": price, "quantity": str(quantity)}
        rows.append(row(handle, title=f"Soap {n}", name="Scent", value="Fig", sku=f"S{n}-F", **common))
        rows.append(row(handle, value="Rose", sku=f"S{n}-R", **common))
    return feed(*rows)


def import_of(seller: Merchant, body: bytes, *, filename: str = "", dry_run: bool = False) -> Import:
    """Return an import of these bytes that waits to be read."""
    job, _ = imports.queue(
        merchant_id=seller.pk, filename=filename, file=io.BytesIO(body), dry_run=dry_run, now=NOW
    )
    return job


def left(one: Variant) -> int:
    """Return how many units of a variant can still be promised."""
    return Stock.objects.get(pk=one.pk).available


def moved(one: Variant) -> int:
    """Return the sum of a variant's stock movements."""
    return sum(StockMovement.objects.filter(variant=one).values_list("delta", flat=True))


def problems(job: Import) -> list[tuple[int, str]]:
    """Return line and code of what was wrong in an import."""
    return list(job.problems.order_by("id").values_list("line", "code"))
