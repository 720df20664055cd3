"""A Google product feed as delimited text, one item per row. Pure."""

from collections.abc import Iterator
from datetime import datetime

from catalog.drafts import Piece, Problem
from catalog.formats import formulas, google
from catalog.formats.columns import Cells, Columns
from catalog.formats.fields import MAX_IMAGES
from catalog.formats.google import Item
from catalog.formats.sheets import Sheet
from catalog.formats.texts import EmptyFeed


class GoogleTsv:
    """The text form of a feed; raises MissingColumn when it is none."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._columns = Columns(sheet, google.NAMES, google.REQUIRED)

    def count(self) -> int:
        """Return how many items the file has; raises EmptyFeed, TooManyRows."""
        if not (rows := sum(1 for _ in self._sheet.rows())):
            raise EmptyFeed
        return rows

    def pieces(self, *, currency: str, now: datetime) -> Iterator[Piece]:
        """Yield the products in the order of the file; raises TooManyRows at the last."""
        return google.Reader(currency, now).pieces(self._items())

    def _items(self) -> Iterator[Item]:
        header_problems = self._columns.problems()
        for row in self._sheet.rows():
            problems: list[Problem] = [*header_problems, *row.problems]
            header_problems = []
            cell = Cells(self._columns, row, problems)
            if not row.cells:
                yield Item(row.number, None, [], problems)
            elif extra := self._columns.surplus(row):
                message = f"The row has {len(row.cells)} cells, the header {len(self._columns.header)}."
                cell.note("", "TOO_MANY_CELLS", extra, message)
                yield Item(row.number, None, [], problems)
            else:
                pictures = formulas.split(cell["additional_image_link"])[: MAX_IMAGES + 1]
                yield Item(row.number, cell, pictures, problems)
