"""Reads a Shopify product CSV into drafts of products, with the problems of each row. Pure: writes nothing.

Column names and the meaning of rows: https://help.shopify.com/en/manual/products/import-export/using-csv
A product is the rows with one handle, wherever in the file they are. Its first row with a title has the
product's fields; each row may add a variant, a picture, or both.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from catalog.feeds import cells
from catalog.feeds.drafts import Piece, Problem, ProductDraft, VariantDraft
from catalog.feeds.formats import fields, formulas
from catalog.feeds.formats.columns import Cells, Columns
from catalog.feeds.formats.reading import Seen
from catalog.feeds.formats.sheets import Row, Sheet
from catalog.feeds.formats.texts import EmptyFeed
from catalog.feeds.formats.together import grouped
from catalog.limits import MAX_ALT, MAX_BARCODE, MAX_TAGS, MAX_TEXT, MAX_VARIANTS

DEFAULT_TITLE = ""  # of the only variant of a product without options
_OF_PRODUCT = ("title", "body", "vendor", "type", "tags", "status", "published")
STATUSES = {"active": "approved", "draft": "draft", "archived": "retired", "unlisted": "draft"}


class ShopifyCsv:
    """A Shopify product CSV; raises EmptyFeed, NotText, TooManyColumns or MissingColumn when it is none."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._columns = Columns(sheet)

    def count(self) -> int:
        """Return how many rows the file has; raises EmptyFeed, TooManyRows."""
        if not (rows := sum(1 for _ in self._sheet.rows())):
            raise EmptyFeed
        return rows

    def pieces(self, *, currency: str, now: datetime) -> Iterator[Piece]:
        """Yield the products in the order of their last rows; raises TooManyRows."""
        reader = _Reader(self._columns, currency)
        groups = grouped(
            lambda: self._columns.rows(self._sheet.again()), handle_of=reader.handle_of, kind=Row
        )
        for handle, rows in groups:
            yield from [reader.product(handle, rows)] if handle else map(reader.homeless, rows)


class _Reader:
    """Turns rows into pieces; remembers what the file has had, to see what it has twice."""

    def __init__(self, columns: Columns, currency: str) -> None:
        self._columns = columns
        self._currency = currency
        self._seen = Seen()
        self._names: dict[tuple[str, ...], list[str]] = {}  # Many products have the same.

    def handle_of(self, row: Row) -> str:
        """Return the handle of the product that a row belongs to, "" for none."""
        handle = self._columns.cell(row, "handle")
        return "" if len(handle) > MAX_TEXT or self._columns.surplus(row) else handle

    def homeless(self, row: Row) -> Piece:
        """Say why a row belongs to no product."""
        problems = list(row.problems)
        note = Cells(self._columns, row, problems).note
        if row.cells:
            extra, width = self._columns.surplus(row), len(self._columns.header)
            handle = self._columns.cell(row, "handle")
            if extra:
                message = f"The row has {len(row.cells)} cells, the header {width}. Is a comma not in quotes?"
                note("", "TOO_MANY_CELLS", extra, message)
            elif handle:
                message = f"A handle has at most {MAX_TEXT} characters."
                note("handle", "TOO_LONG", handle, message)
            else:
                note("handle", "MISSING_HANDLE", "", "The row has no handle.")
        return Piece(row.number, None, problems)

    def product(self, handle: str, rows: Iterable[Row]) -> Piece:
        """Read the rows of one product, which can be gone through several times."""
        head = Cells(self._columns, self._head(rows), [])
        draft = self._begin(handle, head)
        compared = dict.fromkeys(_OF_PRODUCT if draft.title is not None else (), head)
        problems: list[Problem] = []
        titles: dict[str, int] = {}
        last = 0
        for row in rows:
            last = row.number
            is_head = row.number == head.row.number
            cell = Cells(self._columns, row, [*row.problems, *(head.problems if is_head else ())])
            if (is_head and draft.title is not None) or cell.has_variant():
                self._variant(cell, draft, titles)
            elif not cell["image"]:
                cell.note("", "NOTHING_IN_ROW", "", "The row has neither a variant nor a picture.")
                fields.tell(problems, cell.problems)
                continue
            fields.differing(cell, compared, compared)
            if cell["image"]:
                _image(cell, draft)
            fields.tell(problems, cell.problems)
        return Piece(last, draft, problems)

    def _head(self, rows: Iterable[Row]) -> Row:
        """Return the row that speaks for the product: the first with a title, or else the first."""
        first = None
        for row in rows:
            if self._columns.cell(row, "title"):
                return row
            first = first or row
        assert first is not None
        return first

    def _begin(self, handle: str, cell: Cells) -> ProductDraft:
        draft = ProductDraft(cell.line, handle, title=cell.text("title") or None)
        if not cell.is_default():
            draft.option_names = self._names_of_options(cell)
            draft.says_options = None if draft.option_names else False
        draft.option_names = self._names.setdefault(tuple(draft.option_names), draft.option_names)
        if draft.title is None:
            return draft  # it says nothing about the product itself, only about variants and pictures
        if "body" in self._columns:
            draft.description = fields.description(cell, "body")
        if "vendor" in self._columns:
            draft.vendor = cell.text("vendor")
        if "type" in self._columns:
            draft.product_type = cell.text("type")
        if "tags" in self._columns:
            draft.tags = _tags(cell)
        if "status" in self._columns or "published" in self._columns:
            draft.status = _status(cell)
        return draft

    def _names_of_options(self, cell: Cells) -> list[str]:
        names: list[str] = []
        for n, value in enumerate(cell.options("value"), start=1):
            column = f"option{n} name"
            name = cell.text(column)
            if not name and not value:
                continue
            if not name:
                name = f"Option {n}"
                cell.note(column, "MISSING_OPTION_NAME", "", f"Taken as {name!r}.", taken=True)
            elif name in names:
                cell.note(column, "DUPLICATE_OPTION", name, "Two options have one name.", taken=True)
                name = f"{name[: MAX_TEXT - 4]} ({n})"
            names.append(name)
        return names

    def _variant(self, cell: Cells, draft: ProductDraft, titles: dict[str, int]) -> None:
        """Add a row's variant to its product; `titles` are those it has, and their lines."""
        title = self._title(cell, draft)
        if title is None:
            return
        sku = cell["sku"] if "sku" in self._columns else None
        if sku and len(sku) > MAX_TEXT:
            cell.note("sku", "TOO_LONG", sku, f"A SKU has at most {MAX_TEXT} characters.")
            return
        if not cell["price"]:
            cell.note("price", "MISSING_PRICE", "", "The variant has no price.")
            return
        amount = cell.attempt("price", self._price, taken=False)
        if amount is None:
            return
        says_options = bool(title) or draft.says_options is not False
        again = f"Line {line} has it already." if (line := titles.get(title)) else ""
        if again and (says_options or not sku):
            cell.note("option1 value", "DUPLICATE_VARIANT", title, again)
            return
        if sku and (line := self._seen.line("sku", sku)):
            cell.note("sku", "DUPLICATE_SKU", sku, f"Line {line} has it already.")
            return
        if len(draft.variants) >= MAX_VARIANTS:
            cell.note("", "TOO_MANY_VARIANTS", title, f"A product has at most {MAX_VARIANTS}.")
            return
        titles.setdefault(title, cell.line)
        if sku:
            self._seen.put(cell.line, "sku", sku)
        says_release, release_at = _release(cell) if "release" in self._columns else (False, None)
        draft.variants.append(
            VariantDraft(
                line=cell.line,
                title=title,
                options=_options(cell, draft),
                sku=sku,
                barcode=cell.text("barcode", MAX_BARCODE, cut=False) if "barcode" in self._columns else None,
                weight_grams=_weight(cell),
                quantity=fields.quantity(cell, "quantity"),
                amount=amount,
                compare_at=fields.higher(cell, "compare", amount, self._currency),
                release_at=release_at,
                says_release=says_release,
                says_options=says_options,
                says_compare="compare" in self._columns,
                again=again,
            )
        )

    def _title(self, cell: Cells, draft: ProductDraft) -> str | None:
        if _is_default(cell, draft):
            return DEFAULT_TITLE
        title = " / ".join(value for value in cell.options("value") if value)
        if len(title) > MAX_TEXT:
            message = f"The option values together have at most {MAX_TEXT} characters."
            cell.note("option1 value", "TOO_LONG", title, message)
            return None
        if not title and draft.option_names:
            cell.note("option1 value", "MISSING_OPTION", "", "The variant has no option value.")
            return None
        return title or DEFAULT_TITLE

    def _price(self, text: str) -> int:
        return cells.price(text, self._currency)


def _is_default(cell: Cells, draft: ProductDraft) -> bool:
    """Tell whether a row is the only variant of a product; one with options may have the words as a value."""
    return not draft.option_names and cell.is_default()


def _options(cell: Cells, draft: ProductDraft) -> dict[str, str]:
    if _is_default(cell, draft):
        return {}
    names = list(draft.option_names)
    names += [f"Option {n}" for n in range(len(names) + 1, 4)]
    return {name: value for name, value in zip(names, cell.options("value"), strict=False) if value}


def _image(cell: Cells, draft: ProductDraft) -> None:
    alt = cell.text("alt", MAX_ALT)
    fields.picture(cell, "image", cell["image"], alt, draft, alone=not cell.has_variant())


def _tags(cell: Cells) -> list[str]:
    tags = formulas.split(cell["tags"])
    if any(len(tag) > MAX_TEXT for tag in tags):
        cell.note("tags", "TOO_LONG", cell["tags"], f"A tag has at most {MAX_TEXT} characters.", taken=True)
    short = [tag for tag in tags if len(tag) <= MAX_TEXT]
    if len(short) > MAX_TAGS:
        message = f"A product has at most {MAX_TAGS} tags. The first of them were taken."
        cell.note("tags", "TOO_LONG", cell["tags"], message, taken=True)
    return short[:MAX_TAGS]


def _status(cell: Cells) -> str:
    word = cell["status"].lower()
    if word not in ("", *STATUSES):
        message = "A status is active, draft or archived. Taken as draft."
        cell.note("status", "BAD_STATUS", word, message, taken=True)
    status = STATUSES.get(word, "draft") if word else "approved"
    if status == "approved" and cell["published"] and not cell.attempt("published", cells.truth):
        return "draft"
    return status


def _release(cell: Cells) -> tuple[bool, datetime | None]:
    """Return whether the feed says when the variant is released, and when; an empty cell says: it is out."""
    if not cell["release"]:
        return True, None
    at = cell.attempt("release", cells.moment)
    return at is not None, at


def _weight(cell: Cells) -> int | None:
    if cell["grams"]:
        return cell.attempt("grams", cells.grams)
    if cell["weight"]:
        return cell.attempt("weight", lambda text: cells.grams(text, cell["unit"] or "g"))
    return None
