"""Reads items of a Google product feed into drafts: what the TSV and the XML form have in common. Pure.

Attributes: https://support.google.com/merchants/answer/7052112
An item is a variant; items with one item_group_id are a product, and an item without is a product of its own.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from catalog import cells
from catalog.drafts import Piece, Problem, ProductDraft, SaleDraft, VariantDraft
from catalog.formats import fields
from catalog.formats.fields import MAX_BARCODE, MAX_TEXT, Fields
from catalog.formats.reading import Seen

# Our name of an attribute -> the names it has in feeds, by preference.
NAMES: dict[str, tuple[str, ...]] = {
    name: (name, name.replace("_", " "))
    for name in (
        *("id", "item_group_id", "title", "description", "brand", "product_type", "gtin", "image_link"),
        "google_product_category",
        *("additional_image_link", "availability", "availability_date", "price", "sale_price"),
        *("sale_price_effective_date", "shipping_weight", "color", "size", "material", "pattern"),
    )
} | {
    "quantity": ("quantity", "sell_on_google_quantity", "sell on google quantity"),
    "option_names": ("c:option_names",),
    "options": ("c:options",),
}
REQUIRED = ("id", "title", "price")
OURS = "yellowcart:"  # Before the id of an item without a SKU: the variant's own id.
# Attributes by which Google tells the items of a group apart, and what we call the options.
APART = {"color": "Color", "size": "Size", "material": "Material", "pattern": "Pattern"}
AVAILABILITY = {
    "in stock": None,
    "out of stock": 0,
    "preorder": None,
    "backorder": None,
    "available for order": None,
}
MAX_RUN = 2_500  # items of one group that are held at a time
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # JSON can escape these, and no database keeps them.
_WEIGHT = re.compile(r"([0-9.,]+)\s*(g|kg|lb|oz)?", re.IGNORECASE)


@dataclass(slots=True)
class Item:
    """One item: its number in the file, its fields (None when it cannot be read), its further pictures."""

    number: int
    fields: Fields | None
    pictures: list[str]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class _Amounts:
    """What an item costs now, its comparison price, and the sale that is said for how long."""

    amount: int
    compare_at: int | None = None
    sale: SaleDraft | None = None


class Reader:
    """Turns items into pieces; remembers what the file has had, to see what it has twice."""

    def __init__(self, currency: str, now: datetime) -> None:
        self._currency = currency
        self._now = now
        self._seen = Seen()
        self._option_names: dict[int, tuple[str, ...]] = {}
        self._variants: dict[int, int] = {}
        self._run = "", 0

    def pieces(self, items: Iterable[Item]) -> Iterator[Piece]:
        """Yield a piece per product, or part of one, in the order of the file."""
        for (handle, _), run in groupby(items, key=self._place_of):
            if handle:
                yield self._product(handle, list(run))
            else:
                yield from (self._homeless(item) for item in run)

    def _place_of(self, item: Item) -> tuple[str, int]:
        handle = (item.fields["item_group_id"] or item.fields["id"]) if item.fields else ""
        if len(handle) > MAX_TEXT:
            handle = ""
        self._run = handle, self._run[1] + 1 if handle == self._run[0] else 0
        return handle, self._run[1] // MAX_RUN

    def _homeless(self, item: Item) -> Piece:
        if row := item.fields:
            if row["item_group_id"] or row["id"]:
                name = "item_group_id" if row["item_group_id"] else "id"
                row.note(name, "TOO_LONG", row[name], f"An id has at most {MAX_TEXT} characters.")
            else:
                row.note("id", "MISSING_ID", "", "The item has neither id nor item_group_id.")
        return Piece(item.number, None, item.problems)

    def _product(self, handle: str, items: list[Item]) -> Piece:
        rows = [item.fields for item in items if item.fields]
        first = rows[0]
        draft = ProductDraft(first.line, handle, title=first.text("title") or None)
        draft.option_names = self._names(handle, rows)
        for name, ours in (("brand", "vendor"), ("product_type", "product_type")):
            if first[name]:
                setattr(draft, ours, first.text(name))
        if first["google_product_category"]:
            codes = first["google_product_category"].lower().split(">")
            draft.category_path = "/".join(code.strip() for code in codes)[:MAX_TEXT]
        if first["description"]:
            draft.description = fields.description(first, "description")
        for item in items:
            if row := item.fields:
                self._variant(row, draft)
                if row["image_link"]:
                    fields.picture(row, "image_link", row["image_link"], "", draft, alone=False)
                for url in item.pictures:
                    fields.picture(row, "additional_image_link", url, "", draft, alone=False)
        return Piece(items[-1].number, draft, [problem for item in items for problem in item.problems])

    def _names(self, handle: str, rows: list[Fields]) -> list[str]:
        """Return the names of a product's options: those it says, or those of the attributes it uses."""
        if not rows[0]["item_group_id"]:
            return []
        said = self._option_names.get(hash(handle), ())
        own = _list(rows[0]["option_names"])
        here = own if own is not None else [APART[name] for name in APART if any(row[name] for row in rows)]
        names = list(dict.fromkeys([*said, *here]))[:3]
        self._option_names[hash(handle)] = tuple(names)
        return names

    def _options(self, row: Fields, draft: ProductDraft) -> dict[str, str] | None:
        if row["options"]:
            said = _dict(row["options"])
            if said is None or not said.keys() <= set(draft.option_names):
                row.note("options", "BAD_OPTIONS", row["options"], "These are not options of the product.")
                return None
            return {name: said[name] for name in draft.option_names if said.get(name)}
        named = {ours: row[name] for name, ours in APART.items() if row[name]}
        return {name: named[name] for name in draft.option_names if name in named}

    def _variant(self, row: Fields, draft: ProductDraft) -> None:
        options = self._options(row, draft)
        if options is None:
            return
        title = " / ".join(options.values())
        sku = "" if row["id"].startswith(OURS) else row["id"]
        if len(title) > MAX_TEXT:
            message = f"The option values together have at most {MAX_TEXT} characters."
            row.note("options" if row["options"] else "size", "TOO_LONG", title, message)
        elif len(sku) > MAX_TEXT:
            row.note("id", "TOO_LONG", sku, f"An id has at most {MAX_TEXT} characters.")
        elif draft.option_names and not title:
            row.note(
                "item_group_id", "MISSING_OPTION", "", "Nothing tells this item from others of its group."
            )
        elif sku and (line := self._seen.line("sku", sku)):
            row.note("id", "DUPLICATE_SKU", sku, f"Line {line} has it already.")
        elif line := self._seen.line("variant", draft.handle, title):
            row.note("item_group_id", "DUPLICATE_VARIANT", title, f"Line {line} has it already.")
        elif self._variants.get(hash(draft.handle), 0) >= fields.MAX_VARIANTS:
            row.note("", "TOO_MANY_VARIANTS", title, f"A product has at most {fields.MAX_VARIANTS}.")
        elif (amounts := self._amounts(row)) is not None:
            self._variants[hash(draft.handle)] = self._variants.get(hash(draft.handle), 0) + 1
            self._seen.put(row.line, "variant", draft.handle, title)
            if sku:
                self._seen.put(row.line, "sku", sku)
            draft.variants.append(self._draft(row, title, options, sku, amounts))

    def _draft(
        self, row: Fields, title: str, options: dict[str, str], sku: str, amounts: _Amounts
    ) -> VariantDraft:
        release = row.attempt("availability_date", cells.moment) if row["availability_date"] else None
        return VariantDraft(
            line=row.line,
            title=title,
            options=options,
            sku=sku,
            barcode=row.text("gtin", MAX_BARCODE, cut=False) or None,
            weight_grams=_weight(row),
            quantity=_quantity(row),
            amount=amounts.amount,
            compare_at=amounts.compare_at,
            sale=amounts.sale,
            release_at=release,
            says_release="availability_date" in row and (release is not None or not row["availability_date"]),
        )

    def _amounts(self, row: Fields) -> _Amounts | None:
        """Return price and comparison price; a sale price that applies makes the price the comparison.

        And the sale, where it is said for how long.
        """
        if not row["price"]:
            row.note("price", "MISSING_PRICE", "", "The item has no price.")
            return None
        amount = row.attempt("price", self._price, taken=False)
        if amount is None or not row["sale_price"].strip("0.,"):
            return None if amount is None else _Amounts(amount)
        sale = row.attempt("sale_price", self._price)
        if sale is None:
            return _Amounts(amount)
        if sale >= amount:
            message = "Not below the price. Taken without it."
            row.note("sale_price", "SALE_PRICE_NOT_LOWER", row["sale_price"], message, taken=True)
            return _Amounts(amount)
        period = row["sale_price_effective_date"]
        if not period:
            return _Amounts(sale, amount)
        times = self._times(row, period)
        if times is None:
            return _Amounts(amount)
        announced = SaleDraft(sale, amount, *times)
        return (
            _Amounts(sale, amount, announced) if times[0] <= self._now else _Amounts(amount, None, announced)
        )

    def _times(self, row: Fields, period: str) -> tuple[datetime, datetime] | None:
        """Return when a sale that is on, or is to come, begins and ends; None where there is none."""
        ends = [_instant(end) for end in period.split("/")]
        begins, over = ends if len(ends) == 2 else (None, None)
        if begins is None or over is None or over <= begins:
            message = "A period is 2030-06-01T00:00+0200/2030-06-30T23:59+0200. Taken without the sale."
            row.note("sale_price_effective_date", "BAD_DATE", period, message, taken=True)
            return None
        if self._now < over:
            return begins, over
        message = "The sale is over: taken without it."
        row.note("sale_price_effective_date", "SALE_NOT_ON", period, message, taken=True)
        return None

    def _price(self, text: str) -> int:
        return cells.price(text, self._currency)


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # The latter: a moment before the first year, or after the last.
        return None


def _quantity(row: Fields) -> int | None:
    if row["quantity"]:
        return fields.quantity(row, "quantity")
    word = row["availability"].lower().replace("_", " ")
    if word and word not in AVAILABILITY:
        message = "An availability is in_stock, out_of_stock, preorder or backorder. Stock stays as it is."
        row.note("availability", "BAD_AVAILABILITY", word, message, taken=True)
    return AVAILABILITY.get(word)


def _weight(row: Fields) -> int | None:
    if not row["shipping_weight"]:
        return None
    found = _WEIGHT.fullmatch(row["shipping_weight"])
    return row.attempt(
        "shipping_weight", lambda text: cells.grams(*(found.groups("g") if found else (text,)))
    )


def _list(text: str) -> list[str] | None:
    """Return a JSON list of texts, None when the text is none."""
    found = _json(text)
    return found if isinstance(found, list) and all(map(_is_text, found)) else None


def _dict(text: str) -> dict[str, str] | None:
    """Return a JSON object of texts, None when the text is none."""
    found = _json(text)
    return found if isinstance(found, dict) and all(map(_is_text, [*found, *found.values()])) else None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT and not _UNSTORABLE.search(value)
