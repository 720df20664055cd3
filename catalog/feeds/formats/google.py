"""Reads items of a Google product feed into drafts: what the TSV and the XML form have in common. Pure.

Attributes: https://support.google.com/merchants/answer/7052112
An item is a variant; items with one item_group_id are a product, wherever in the file they are, and an item
without is a product of its own. What counts for a product is the first of its items that says it.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from catalog.feeds import cells
from catalog.feeds.drafts import Piece, Problem, ProductDraft, SaleDraft, VariantDraft
from catalog.feeds.formats import fields, together
from catalog.feeds.formats.fields import Fields
from catalog.feeds.formats.reading import Seen
from catalog.feeds.formats.together import Numbered
from catalog.limits import MAX_BARCODE, MAX_TEXT, MAX_VARIANTS

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
# What is said of a product. Titles and texts of its items differ as a rule: they name the color.
_OF_PRODUCT = ("title", "description", "brand", "product_type", "google_product_category")
_ONE_OF_PRODUCT = ("brand", "product_type", "google_product_category")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # JSON can escape these, and no database keeps them.
_WEIGHT = re.compile(r"([0-9.,]+)\s*(g|kg|lb|oz)?", re.IGNORECASE)


class Entry(Numbered, Protocol):
    """An item as it stands in a file; what is wrong with it before its fields are looked at."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with it."""
        ...


class Item(Fields, ABC):
    """The fields of one item."""

    @abstractmethod
    def pictures(self) -> list[str]:
        """Return the addresses of further pictures."""


Read = TypeVar("Read", bound=Entry)
Items = Callable[[Read], Item | None]
"""Makes an item of what was read, None where it cannot be one."""


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

    def pieces(
        self, read: Callable[[], Iterable[Read]], *, item_of: Items[Read], kind: type[Read]
    ) -> Iterator[Piece]:
        """Yield a piece per product, in the order of their last items.

        `read` reads the file from its start; what it reads is of a `kind` that can be put away.
        """

        def handle_of(entry: Read) -> str:
            return _handle(item_of(entry))

        for handle, entries in together.grouped(read, handle_of=handle_of, kind=kind):
            if handle:
                yield self._product(handle, entries, item_of)
            else:
                yield from (_homeless(entry, item_of(entry)) for entry in entries)

    def _product(self, handle: str, entries: Iterable[Read], item_of: Items[Read]) -> Piece:
        names = _names(item for entry in entries if (item := item_of(entry)))
        draft: ProductDraft | None = None
        problems: list[Problem] = []
        firsts: dict[str, Fields] = {}
        titles: dict[str, int] = {}
        last = 0
        for entry in entries:
            last = entry.number
            item = item_of(entry)
            assert item is not None  # or it would have no handle
            says_options = None if names else False
            draft = draft or ProductDraft(item.line, handle, option_names=names, says_options=says_options)
            for name in _OF_PRODUCT:
                if item[name] and firsts.setdefault(name, item) is item:
                    _say(name, item, draft)
            fields.differing(item, [name for name in _ONE_OF_PRODUCT if name in firsts], firsts)
            self._variant(item, draft, titles)
            if item["image_link"]:
                fields.picture(item, "image_link", item["image_link"], "", draft, alone=False)
            for url in item.pictures():
                fields.picture(item, "additional_image_link", url, "", draft, alone=False)
            fields.tell(problems, item.problems)
        return Piece(last, draft, problems)

    def _options(self, row: Fields, draft: ProductDraft) -> dict[str, str] | None:
        if row["options"]:
            said = _dict(row["options"])
            if said is None or not said.keys() <= set(draft.option_names):
                row.note("options", "BAD_OPTIONS", row["options"], "These are not options of the product.")
                return None
            return {name: said[name] for name in draft.option_names if said.get(name)}
        named = {ours: row[name] for name, ours in APART.items() if row[name]}
        return {name: named[name] for name in draft.option_names if name in named}

    def _variant(self, row: Fields, draft: ProductDraft, titles: dict[str, int]) -> None:
        """Add an item's variant to its product; `titles` are those it has, and their lines."""
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
        elif (line := titles.get(title)) and (title or not sku):
            row.note("item_group_id", "DUPLICATE_VARIANT", title, f"Line {line} has it already.")
        elif len(draft.variants) >= MAX_VARIANTS:
            row.note("", "TOO_MANY_VARIANTS", title, f"A product has at most {MAX_VARIANTS}.")
        elif (amounts := self._amounts(row)) is not None:
            titles.setdefault(title, row.line)
            if sku:
                self._seen.put(row.line, "sku", sku)
            again = f"Line {line} has it already." if line else ""
            draft.variants.append(self._draft(row, title, options, sku, amounts, again=again))

    def _draft(
        self, row: Fields, title: str, options: dict[str, str], sku: str, amounts: _Amounts, *, again: str
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
            says_options=bool(title),
            again=again,
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


def _handle(item: Item | None) -> str:
    """Return the handle of the product that an item belongs to, "" for none."""
    handle = (item["item_group_id"] or item["id"]) if item else ""
    return handle if len(handle) <= MAX_TEXT else ""


def _homeless(entry: Entry, item: Item | None) -> Piece:
    """Say why an item belongs to no product."""
    if item is None:
        return Piece(entry.number, None, [*entry.problems])
    if item["item_group_id"] or item["id"]:
        name = "item_group_id" if item["item_group_id"] else "id"
        item.note(name, "TOO_LONG", item[name], f"An id has at most {MAX_TEXT} characters.")
    else:
        item.note("id", "MISSING_ID", "", "The item has neither id nor item_group_id.")
    return Piece(entry.number, None, item.problems)


def _names(items: Iterable[Item]) -> list[str]:
    """Return the names of a product's options: those it says, or those of the attributes it uses."""
    grouped, own = False, ""
    used: set[str] = set()
    for item in items:
        grouped = grouped or bool(item["item_group_id"])
        own = own or item["option_names"]
        used.update(name for name in APART if name not in used and item[name])
    if not grouped:
        return []
    said = _list(own)
    names = said if said is not None else [ours for name, ours in APART.items() if name in used]
    return list(dict.fromkeys(names))[:3]


def _say(name: str, item: Item, draft: ProductDraft) -> None:
    """Give a product what an item says of it."""
    match name:
        case "title":
            draft.title = item.text(name)
        case "description":
            draft.description = fields.description(item, name)
        case "brand":
            draft.vendor = item.text(name)
        case "product_type":
            draft.product_type = item.text(name)
        case "google_product_category":
            codes = item[name].lower().split(">")
            draft.category_path = "/".join(code.strip() for code in codes)[:MAX_TEXT]


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
