"""Reads a Shopify product CSV into drafts of products, with the problems of each row. Pure: writes nothing.

Column names and the meaning of rows: https://help.shopify.com/en/manual/products/import-export/using-csv
A product is the run of rows with one handle. Its first row has the product's fields; each row may add a
variant, a picture, or both.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from catalog import cells
from catalog.columns import MAX_TEXT, Cells, Columns
from catalog.drafts import ImageDraft, Piece, ProductDraft, VariantDraft
from catalog.sheets import EmptyFeed, Problem, Row, Sheet

DEFAULT_TITLE = ""  # of the only variant of a product without options
MAX_URL = 1000
MAX_ALT = 500
MAX_BARCODE = 64
MAX_VARIANTS = 2_000
MAX_IMAGES = 250
MAX_RUN = 5_000  # rows of one handle that are held at a time; more go on in the next piece
STATUSES = {"active": "active", "draft": "draft", "archived": "retired", "unlisted": "draft"}


def count(body: bytes) -> int:
    """Return how many rows a feed has.

    Raises EmptyFeed, NotText, TooManyColumns, TooManyRows, MissingColumn.
    """
    sheet = Sheet(body)
    Columns(sheet)
    rows = sum(1 for _ in sheet.rows())
    if not rows:
        raise EmptyFeed
    return rows


def read(body: bytes, *, currency: str) -> Iterator[Piece]:
    """Yield the feed piece by piece, the same pieces each time; prices are in minor units of `currency`.

    Raises NotText, TooManyColumns or MissingColumn before the first piece, TooManyRows at the last.
    """
    sheet = Sheet(body)
    columns = Columns(sheet)
    reader = _Reader(columns, currency)
    header_problems = columns.problems()
    for (handle, _), rows in groupby(sheet.rows(), key=reader.place_of):
        for piece in [reader.product(handle, rows)] if handle else map(reader.homeless, rows):
            piece.problems[:0] = header_problems
            header_problems = []
            yield piece


class _Reader:
    """Turns rows into pieces; remembers what the file has had, to see what it has twice."""

    def __init__(self, columns: Columns, currency: str) -> None:
        self._columns = columns
        self._currency = currency
        self._lines_of_skus: dict[str, int] = {}
        self._lines_of_variants: dict[tuple[str, str], int] = {}
        self._option_names: dict[str, list[str]] = {}
        self._variants: Counter[str] = Counter()
        self._run = "", 0

    def place_of(self, row: Row) -> tuple[str, int]:
        """Return the handle a row belongs to, "" for none, and which part of the handle's rows it is in."""
        handle = self._columns.cell(row, "handle")
        if len(handle) > MAX_TEXT or self._columns.surplus(row):
            handle = ""
        if handle == self._run[0]:
            self._run = handle, self._run[1] + 1
        else:
            self._run = handle, 0
        return handle, self._run[1] // MAX_RUN

    def homeless(self, row: Row) -> Piece:
        """Say why a row belongs to no product."""
        problems = list(row.problems)
        note = self._columns.problem
        if row.cells:
            extra, width = self._columns.surplus(row), len(self._columns.header)
            handle = self._columns.cell(row, "handle")
            if extra:
                message = f"The row has {len(row.cells)} cells, the header {width}. Is a comma not in quotes?"
                problems.append(note(row, "", "TOO_MANY_CELLS", extra, message))
            elif handle:
                message = f"A handle has at most {MAX_TEXT} characters."
                problems.append(note(row, "handle", "TOO_LONG", handle, message))
            else:
                problems.append(note(row, "handle", "MISSING_HANDLE", "", "The row has no handle."))
        return Piece(row.number, None, problems)

    def product(self, handle: str, rows: Iterator[Row]) -> Piece:
        """Read the rows of one product."""
        problems: list[Problem] = []
        draft, last = None, 0
        for row in rows:
            last = row.number
            problems.extend(row.problems)
            cell = Cells(self._columns, row, problems)
            if draft is None:
                draft = self._begin(handle, cell)
                starts = draft.title is not None
            else:
                starts = False
                draft.title = draft.title or cell.text("title") or None
            if starts or cell.has_variant():
                self._variant(cell, draft)
            elif not cell["image"]:
                cell.note("", "NOTHING_IN_ROW", "", "The row has neither a variant nor a picture.")
            if cell["image"]:
                self._image(cell, draft)
        return Piece(last, draft, problems)

    def _begin(self, handle: str, cell: Cells) -> ProductDraft:
        draft = ProductDraft(cell.row.line, handle, title=cell.text("title") or None)
        if draft.title is None and handle in self._option_names:
            draft.option_names = self._option_names[handle]
            return draft
        if not cell.is_default():
            draft.option_names = self._names_of_options(cell)
        self._option_names[handle] = draft.option_names
        if draft.title is None:
            return draft  # it says nothing about the product itself, only about variants and pictures
        if "body" in self._columns:
            draft.description = _description(cell)
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

    def _variant(self, cell: Cells, draft: ProductDraft) -> None:
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
        if line := self._lines_of_variants.get((draft.handle, title)):
            cell.note("option1 value", "DUPLICATE_VARIANT", title, f"Line {line} has it already.")
            return
        if line := self._lines_of_skus.get(sku or ""):
            cell.note("sku", "DUPLICATE_SKU", sku or "", f"Line {line} has it already.")
            return
        if self._variants[draft.handle] >= MAX_VARIANTS:
            cell.note("", "TOO_MANY_VARIANTS", title, f"A product has at most {MAX_VARIANTS}.")
            return
        self._variants[draft.handle] += 1
        self._lines_of_variants[draft.handle, title] = cell.row.line
        if sku:
            self._lines_of_skus[sku] = cell.row.line
        says_release, release_at = _release(cell) if "release" in self._columns else (False, None)
        draft.variants.append(
            VariantDraft(
                line=cell.row.line,
                title=title,
                options=_options(cell, draft),
                sku=sku,
                barcode=cell.text("barcode", MAX_BARCODE, cut=False) if "barcode" in self._columns else None,
                weight_grams=_weight(cell),
                quantity=_quantity(cell),
                amount=amount,
                compare_at=self._compare_at(cell, amount),
                release_at=release_at,
                says_release=says_release,
            )
        )

    def _title(self, cell: Cells, draft: ProductDraft) -> str | None:
        if cell.is_default():
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

    def _compare_at(self, cell: Cells, amount: int) -> int | None:
        if not cell["compare"].strip("0.,"):
            return None
        value = cell.attempt("compare", self._price)
        if value is not None and value <= amount:
            message = "Not above the price. Taken without it."
            cell.note("compare", "COMPARE_AT_NOT_HIGHER", cell["compare"], message, taken=True)
            return None
        return value

    def _image(self, cell: Cells, draft: ProductDraft) -> None:
        if len(cell["image"]) > MAX_URL:
            message = f"An address has at most {MAX_URL} characters."
            cell.note("image", "TOO_LONG", cell["image"], message)
            return
        url = cell.attempt("image", cells.address, taken=cell.has_variant())
        if url is None or any(url == image.url for image in draft.images):
            return
        if len(draft.images) >= MAX_IMAGES:
            cell.note("image", "TOO_MANY_IMAGES", url, f"A product has at most {MAX_IMAGES} pictures.")
            return
        draft.images.append(ImageDraft(url, cell.text("alt", MAX_ALT)))


def _options(cell: Cells, draft: ProductDraft) -> dict[str, str]:
    if cell.is_default():
        return {}
    names = list(draft.option_names)
    names += [f"Option {n}" for n in range(len(names) + 1, 4)]
    return {name: value for name, value in zip(names, cell.options("value"), strict=False) if value}


def _description(cell: Cells) -> str:
    text = cell["body"]
    if len(text) > cells.MAX_HTML_CHARS:
        cell.note("body", "TOO_LONG", text, f"Cut after {cells.MAX_HTML_CHARS} characters.", taken=True)
    return cells.plain_text(text[: cells.MAX_HTML_CHARS])


def _tags(cell: Cells) -> list[str]:
    tags = dict.fromkeys(tag for part in cell["tags"].split(",") if (tag := part.strip()))
    if any(len(tag) > MAX_TEXT for tag in tags):
        cell.note("tags", "TOO_LONG", cell["tags"], f"A tag has at most {MAX_TEXT} characters.", taken=True)
    return [tag for tag in tags if len(tag) <= MAX_TEXT]


def _status(cell: Cells) -> str:
    word = cell["status"].lower()
    if word not in ("", *STATUSES):
        message = "A status is active, draft or archived. Taken as draft."
        cell.note("status", "BAD_STATUS", word, message, taken=True)
    status = STATUSES.get(word, "draft") if word else "active"
    if status == "active" and cell["published"] and not cell.attempt("published", cells.truth):
        return "draft"
    return status


def _quantity(cell: Cells) -> int | None:
    if not cell["quantity"]:
        return None
    value = cell.attempt("quantity", cells.units)
    if value is not None and value < 0:
        cell.note("quantity", "NEGATIVE_QUANTITY", cell["quantity"], "Taken as 0.", taken=True)
        return 0
    return value


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
