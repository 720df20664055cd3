"""The columns of a product feed under our names, and reading their cells with the problems noted. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from catalog.feeds.drafts import Problem
from catalog.feeds.formats import formulas
from catalog.feeds.formats.fields import Fields
from catalog.feeds.formats.sheets import Row, Sheet
from commerce import errors

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


class MissingColumn(errors.Invalid):
    """The header lacks a column without which no product can be read."""

    code = "MISSING_COLUMN"
    message = "The header lacks a required column."


class Columns:
    """Where the known columns are in one sheet; raises MissingColumn.

    `names` are those that each of our columns has in feeds, by preference.
    """

    def __init__(
        self,
        sheet: Sheet,
        names: Mapping[str, tuple[str, ...]] = NAMES,
        required: tuple[str, ...] = REQUIRED,
    ) -> None:
        self.header = sheet.header
        self._known = {name for known in names.values() for name in known}
        self._line = sheet.header_line
        places: dict[str, int] = {}
        for at, name in enumerate(sheet.header):
            places.setdefault(name.lower(), at)
        self._places = {
            ours: places[name] for ours, known in names.items() for name in reversed(known) if name in places
        }
        missing = [names[ours][0] for ours in required if ours not in self._places]
        if missing:
            raise MissingColumn(f"The header lacks: {', '.join(missing)}.", columns=missing)

    def __contains__(self, column: str) -> bool:
        return column in self._places

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Yield the sheet's rows; the first has what is wrong with the header besides. Raises TooManyRows."""
        problems = self._problems()
        for row in sheet.rows():
            yield replace(row, problems=(*problems, *row.problems)) if problems else row
            problems = []

    def _problems(self) -> list[Problem]:
        lowered = [name.lower() for name in self.header]
        twice = {name for name in lowered if name in self._known and lowered.count(name) > 1}
        message = "The header has this column twice; the first is read."
        return [Problem(self._line, name, "DUPLICATE_COLUMN", "", message, False) for name in sorted(twice)]

    def cell(self, row: Row, column: str) -> str:
        """Return a cell without surrounding blanks, "" where the row or the sheet has none.

        What was put before a formula to make it a text is taken away.
        """
        at = self._places.get(column)
        if at is None or at >= len(row.cells):
            return ""
        text = row.cells[at].strip()
        return formulas.unescape(text) if text.startswith("'") else text

    def surplus(self, row: Row) -> str:
        """Return the first cell beyond the header that has content, "" where there is none."""
        if len(row.cells) <= len(self.header):
            return ""
        return next((cell for cell in row.cells[len(self.header) :] if cell.strip()), "")

    def called(self, column: str) -> str:
        """Return the sheet's own name of a column, "" where it has none."""
        at = self._places.get(column)
        return self.header[at] if at is not None else ""


class Cells(Fields):
    """The cells of one row, read with their problems noted in `problems`."""

    def __init__(self, columns: Columns, row: Row, problems: list[Problem]) -> None:
        super().__init__(row.line, problems)
        self._columns = columns
        self.row = row

    def __getitem__(self, name: str) -> str:
        return self._columns.cell(self.row, name)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def called(self, name: str) -> str:
        """Return the column's own name, "" where the sheet has none."""
        return self._columns.called(name)

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
