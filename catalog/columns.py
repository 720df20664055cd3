"""The columns of a product feed under our names, and reading their cells with the problems noted. Pure."""

from collections.abc import Callable
from typing import TypeVar

from catalog import cells
from catalog.sheets import Problem, Row, Sheet
from commerce import errors

MAX_TEXT = 255

# Our name of a column -> the names it has in feeds, old and new, by preference.
NAMES: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "body": ("body (html)", "body html", "body", "description"),
    "vendor": ("vendor",),
    "type": ("type", "custom product type"),
    "tags": ("tags",),
    "published": ("published", "published on online store"),
    "status": ("status",),
    **{f"option{n} name": (f"option{n} name",) for n in (1, 2, 3)},
    **{f"option{n} value": (f"option{n} value",) for n in (1, 2, 3)},
    "sku": ("variant sku", "sku"),
    "barcode": ("variant barcode", "barcode"),
    "grams": ("variant grams", "weight value (grams)"),
    "weight": ("variant weight", "weight"),
    "unit": ("variant weight unit", "weight unit"),
    "quantity": ("variant inventory qty", "variant inventory quantity", "inventory quantity"),
    "price": ("variant price", "price"),
    "release": ("variant release date", "release date", "release_at"),
    "compare": ("variant compare at price", "compare-at price", "compare at price"),
    "image": ("image src", "product image url"),
    "alt": ("image alt text",),
}
REQUIRED = ("handle", "title", "price")

Value = TypeVar("Value")


class MissingColumn(errors.Invalid):
    """The header lacks a column without which no product can be read."""

    code = "MISSING_COLUMN"
    message = "The header lacks a required column."


class Columns:
    """Where the known columns are in one sheet; raises MissingColumn."""

    def __init__(self, sheet: Sheet) -> None:
        self.header = sheet.header
        self._line = sheet.header_line
        places: dict[str, int] = {}
        for at, name in enumerate(sheet.header):
            places.setdefault(name.lower(), at)
        self._places = {
            ours: places[name] for ours, names in NAMES.items() for name in reversed(names) if name in places
        }
        missing = [NAMES[ours][0] for ours in REQUIRED if ours not in self._places]
        if missing:
            raise MissingColumn(f"The header lacks: {', '.join(missing)}.", columns=missing)

    def __contains__(self, column: str) -> bool:
        return column in self._places

    def problems(self) -> list[Problem]:
        """Return what is wrong with the header although the feed can be read."""
        lowered = [name.lower() for name in self.header]
        known = {name for names in NAMES.values() for name in names}
        twice = {name for name in lowered if name in known and lowered.count(name) > 1}
        message = "The header has this column twice; the first is read."
        return [Problem(self._line, name, "DUPLICATE_COLUMN", "", message, False) for name in sorted(twice)]

    def cell(self, row: Row, column: str) -> str:
        """Return a cell without surrounding blanks, "" where the row or the sheet has none."""
        at = self._places.get(column)
        return row.cells[at].strip() if at is not None and at < len(row.cells) else ""

    def surplus(self, row: Row) -> str:
        """Return the first cell beyond the header that has content, "" where there is none."""
        return next((cell for cell in row.cells[len(self.header) :] if cell.strip()), "")

    def problem(
        self, row: Row, column: str, code: str, value: str, message: str, *, taken: bool = False
    ) -> Problem:
        """Return a problem of a row; `column` is our name; `taken` says: with a default, not left out."""
        at = self._places.get(column)
        name = self.header[at][:MAX_TEXT] if at is not None else ""
        return Problem(row.line, name, code, shorten(value), message, skipped=not taken)


class Cells:
    """The cells of one row, read with their problems noted in `problems`."""

    def __init__(self, columns: Columns, row: Row, problems: list[Problem]) -> None:
        self._columns = columns
        self._problems = problems
        self.row = row

    def __getitem__(self, column: str) -> str:
        return self._columns.cell(self.row, column)

    def text(self, column: str, limit: int = MAX_TEXT, *, cut: bool = True) -> str:
        """Return a cell of at most `limit` characters; a longer one is cut or left out, and noted."""
        text = self[column]
        if len(text) <= limit:
            return text
        message = f"Longer than {limit} characters: {'cut' if cut else 'left out'}."
        self.note(column, "TOO_LONG", text, message, taken=True)
        return text[:limit] if cut else ""

    def attempt(self, column: str, read: Callable[[str], Value], *, taken: bool = True) -> Value | None:
        """Return what `read` makes of a cell, None when it is unreadable, which is noted."""
        text = self[column]
        try:
            return read(text)
        except cells.Unreadable as error:
            self.note(column, error.code, text, str(error), taken=taken)
            return None

    def note(self, column: str, code: str, value: str, message: str, *, taken: bool = False) -> None:
        """Note a problem of this row."""
        self._problems.append(self._columns.problem(self.row, column, code, value, message, taken=taken))

    def options(self, what: str) -> list[str]:
        """Return the three option cells, `what` being "name" or "value"."""
        return [self[f"option{n} {what}"] for n in (1, 2, 3)]

    def is_default(self) -> bool:
        """Tell whether the row is the only variant of a product without options."""
        names, values = ([cell.lower() for cell in self.options(what)] for what in ("name", "value"))
        return values == ["default title", "", ""] and names in (["title", "", ""], ["", "", ""])

    def has_variant(self) -> bool:
        """Tell whether the row says anything that only a variant has."""
        return any(self.options("value")) or any(self[name] for name in ("sku", "price", "barcode"))


def shorten(text: str) -> str:
    """Return the text, cut to what a problem shows."""
    return text if len(text) <= 200 else text[:199] + "…"
