"""The formats as they are written: what an export says, an import reads back to no change. Pure."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from xml.sax.saxutils import escape

from catalog.feeds import cells
from catalog.feeds.formats import detect, formulas
from catalog.feeds.formats.goods import Good, Unit, Writer, Written, decimal, moment, sayable
from catalog.feeds.formats.google import OURS
from catalog.feeds.formats.google_xml import CUSTOM, GOOGLE

NOTHING = Written("", 0, 1)
_STATUS = {"approved": "active", "in_review": "active", "draft": "draft", "retired": "archived"}
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Options that Google knows by an attribute of its own.
_ATTRIBUTES = {
    "color": "color",
    "colour": "color",
    "size": "size",
    "material": "material",
    "pattern": "pattern",
}


class ShopifyWriter:
    """Shopify's product CSV, with our own column for the release date."""

    media_type = "text/csv; charset=utf-8"
    suffix = "csv"
    _options = tuple(f"Option{n} {what}" for n in (1, 2, 3) for what in ("Name", "Value"))
    columns = (
        *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Status", *_options),
        *("Variant SKU", "Variant Grams", "Variant Inventory Qty", "Variant Price"),
        *("Variant Compare At Price", "Variant Barcode", "Variant Release Date"),
        *("Image Src", "Image Alt Text"),
    )

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def head(self) -> str:
        """Return the header."""
        return _line(self.columns, ",")

    def tail(self) -> str:
        """Return nothing: a table has no end."""
        return ""

    def product(self, good: Good, *, now: datetime) -> Written:
        """Return a row per variant or picture, whichever there are more of; the first has the product."""
        units = sayable(good, self._currency)
        if not units or _looks_default(good, units):
            return NOTHING
        rows = []
        for at in range(max(len(units), len(good.pictures))):
            row = {"Handle": good.handle}
            if at == 0:
                row |= self._first(good)
            if at < len(units):
                row |= self._unit(good, units[at])
            if at < len(good.pictures):
                row |= {"Image Src": good.pictures[at].url, "Image Alt Text": good.pictures[at].alt}
            rows.append(_line((row.get(name, "") for name in self.columns), ","))
        return Written("".join(rows), len(units), len(good.units) - len(units))

    def _first(self, good: Good) -> dict[str, str]:
        names = good.option_names or ["Title"]
        return {
            "Title": good.title,
            "Body (HTML)": cells.as_html(good.description),
            "Vendor": good.vendor,
            "Type": good.type,
            "Tags": formulas.join(good.tags),
            "Status": _STATUS[good.status],
        } | {f"Option{n} Name": name for n, name in enumerate(names, start=1)}

    def _unit(self, good: Good, unit: Unit) -> dict[str, str]:
        values = [unit.options.get(name, "") for name in good.option_names] or ["Default Title"]
        return {f"Option{n} Value": value for n, value in enumerate(values, start=1)} | {
            "Variant SKU": unit.sku,
            "Variant Grams": str(unit.weight_grams),
            "Variant Inventory Qty": "" if unit.available is None else str(unit.available),
            "Variant Price": _amount(unit.amount, self._currency),
            "Variant Compare At Price": _amount(unit.compare_at, self._currency),
            "Variant Barcode": unit.barcode,
            "Variant Release Date": moment(unit.release_at),
        }


def _looks_default(good: Good, units: list[Unit]) -> bool:
    """Tell whether Shopify's words for having no options are a product's own option."""
    return [name.lower() for name in good.option_names] == ["title"] and any(
        value.lower() == "default title" for unit in units for value in unit.options.values()
    )


class _GoogleWriter:
    """What both forms of a Google feed say of an item."""

    columns = (
        *("id", "item_group_id", "title", "description", "brand", "product_type", "gtin", "availability"),
        *("availability_date", "quantity", "price", "sale_price"),
        *("sale_price_effective_date", "shipping_weight", "color", "size"),
        *("material", "pattern", "image_link", "additional_image_link", "c:option_names", "c:options"),
    )

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def _items(self, good: Good, now: datetime) -> list[dict[str, str]]:
        return [self._item(good, unit, now) for unit in sayable(good, self._currency)]

    def _item(self, good: Good, unit: Unit, now: datetime) -> dict[str, str]:
        full, sale = (unit.compare_at, unit.amount) if unit.compare_at else (unit.amount, None)
        period = ""
        if unit.sale is not None:
            full, sale = unit.sale.instead_of, unit.sale.amount
            period = f"{moment(unit.sale.starts_at)}/{moment(unit.sale.ends_at)}"
        waits = unit.release_at is not None and unit.release_at > now
        named = {_ATTRIBUTES.get(name.lower(), ""): value for name, value in unit.options.items()}
        return {
            **{name: value for name, value in named.items() if name},
            "id": unit.sku or f"{OURS}{unit.id}",
            "item_group_id": good.handle,
            "title": good.title,
            "description": cells.as_html(good.description),
            "brand": good.vendor,
            "product_type": good.type,
            "gtin": unit.barcode if _GTIN.fullmatch(unit.barcode) else "",
            "availability": "preorder" if waits else "in_stock" if unit.left else "out_of_stock",
            "availability_date": moment(unit.release_at),
            "quantity": "" if unit.available is None else str(unit.available),
            "price": f"{_amount(full, self._currency)} {self._currency}",
            "sale_price": f"{_amount(sale, self._currency)} {self._currency}" if sale else "",
            "sale_price_effective_date": period,
            "shipping_weight": f"{unit.weight_grams} g" if unit.weight_grams else "",
            "image_link": good.pictures[0].url if good.pictures else "",
            "c:option_names": json.dumps(good.option_names, ensure_ascii=False) if unit.options else "",
            "c:options": json.dumps(unit.options, ensure_ascii=False) if unit.options else "",
        }


class GoogleTsvWriter(_GoogleWriter):
    """A Google product feed as text with tabs."""

    media_type = "text/tab-separated-values; charset=utf-8"
    suffix = "tsv"

    def head(self) -> str:
        """Return the header."""
        return _line(self.columns, "\t")

    def tail(self) -> str:
        """Return nothing: a table has no end."""
        return ""

    def product(self, good: Good, *, now: datetime) -> Written:
        """Return a row per variant."""
        items = self._items(good, now)
        further = {"additional_image_link": formulas.join([one.url for one in good.pictures[1:]])}
        rows = [_line(((item | further).get(name, "") for name in self.columns), "\t") for item in items]
        if not rows:
            return NOTHING
        return Written("".join(rows), len(rows), len(good.units) - len(rows))


class GoogleXmlWriter(_GoogleWriter):
    """A Google product feed as RSS 2.0."""

    media_type = "application/xml; charset=utf-8"
    suffix = "xml"

    def head(self) -> str:
        """Return the beginning of the channel."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<rss version="2.0" xmlns:g="{GOOGLE}" xmlns:c="{CUSTOM}">\n<channel>\n<title>Products</title>\n'
        )

    def tail(self) -> str:
        """Return the end of the channel."""
        return "</channel>\n</rss>\n"

    def product(self, good: Good, *, now: datetime) -> Written:
        """Return an item per variant."""
        items = self._items(good, now)
        further = "".join(_element("g:additional_image_link", one.url) for one in good.pictures[1:])
        texts = []
        for item in items:
            said = "".join(
                _element(name if name.startswith("c:") else f"g:{name}", item[name])
                for name in self.columns
                if item.get(name)
            )
            texts.append(f"<item>\n{said}{further}</item>\n")
        text = "".join(texts)
        if not texts or _NO_XML.search(text):
            return NOTHING
        return Written(text, len(texts), len(good.units) - len(texts))


class JsonLinesWriter:
    """Our own JSON Lines, which say everything."""

    media_type = "application/jsonl; charset=utf-8"
    suffix = "jsonl"

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def head(self) -> str:
        """Return nothing: every line stands for itself."""
        return ""

    def tail(self) -> str:
        """Return nothing."""
        return ""

    def product(self, good: Good, *, now: datetime) -> Written:
        """Return the product's line."""
        units = sayable(good)
        said = {
            "handle": good.handle,
            "title": good.title,
            "description": good.description,
            "vendor": good.vendor,
            "type": good.type,
            "tags": good.tags,
            "options": good.option_names,
            "status": good.status,
            "category": good.category,
            "attributes": good.attributes,
            "language": good.language,
            "images": [{"url": one.url, "alt": one.alt} for one in good.pictures],
            "variants": [_json_unit(unit) for unit in units],
        }
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return Written(f"{text}\n", len(units), len(good.units) - len(units))


def _json_unit(unit: Unit) -> dict[str, object]:
    price = {"amount": unit.amount, "compare_at": unit.compare_at, "currency": unit.currency}
    stocked = {} if unit.available is None else {"available": unit.available}
    return {
        "options": unit.options,
        "sku": unit.sku,
        "barcode": unit.barcode,
        "weight_grams": unit.weight_grams,
        "price": None if unit.amount is None else price,
        **stocked,
        "release_at": moment(unit.release_at) or None,
        "is_active": unit.is_active,
    }


WRITERS: dict[str, Callable[[str], Writer]] = {
    detect.SHOPIFY: ShopifyWriter,
    detect.GOOGLE_TSV: GoogleTsvWriter,
    detect.GOOGLE_XML: GoogleXmlWriter,
    detect.JSONL: JsonLinesWriter,
}


def _line(texts: Iterable[str], delimiter: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerow(map(formulas.escape, texts))
    return file.getvalue()


def _element(name: str, text: str) -> str:
    # A reader of XML makes a carriage return a newline, unless it is written as a reference.
    return f"<{name}>{escape(text, {chr(13): '&#13;'})}</{name}>\n"


def _amount(amount: int | None, currency: str) -> str:
    return "" if amount is None else decimal(amount, currency)
