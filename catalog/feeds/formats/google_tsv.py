"""A Google product feed as delimited text, one item per row. Pure."""

from collections.abc import Iterator
from datetime import datetime

from catalog.feeds.drafts import Piece
from catalog.feeds.formats import formulas, google
from catalog.feeds.formats.columns import Cells, Columns
from catalog.feeds.formats.google import Item
from catalog.feeds.formats.sheets import Row, Sheet
from catalog.feeds.formats.texts import EmptyFeed
from catalog.limits import MAX_IMAGES


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
        """Yield the products in the order of their last items; raises TooManyRows."""
        reader = google.Reader(currency, now)
        return reader.pieces(self._rows, item_of=self._item, kind=Row)

    def _rows(self) -> Iterator[Row]:
        width = len(self._columns.header)
        for row in self._columns.rows(self._sheet.again()):
            if extra := self._columns.surplus(row):
                problems = [*row.problems]
                message = f"The row has {len(row.cells)} cells, the header {width}."
                Cells(self._columns, row, problems).note("", "TOO_MANY_CELLS", extra, message)
                yield Row(row.number, row.line, [], tuple(problems))
            else:
                yield row

    def _item(self, row: Row) -> Item | None:
        return _Cells(self._columns, row, [*row.problems]) if row.cells else None


class _Cells(Cells, Item):
    """The cells of one item."""

    def pictures(self) -> list[str]:
        """Return the addresses of further pictures."""
        return formulas.split(self["additional_image_link"])[: MAX_IMAGES + 1]
