"""What every format does: count the rows of a file, and read them into drafts. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from catalog.feeds.drafts import Piece


class Feed(Protocol):
    """A file of one format, which is read from its start, a row at a time."""

    def count(self) -> int:
        """Return how many rows the file has; raises EmptyFeed, TooManyRows, and what its format refuses."""
        ...

    def pieces(self, *, currency: str, now: datetime) -> Iterator[Piece]:
        """Yield the file piece by piece, the same pieces each time; a product is in one of them, whole.

        A product whose rows are not together comes with the last of them.
        `currency` is that of prices which name none, `now` the moment at which the file was sent.
        """
        ...


class Seen:
    """What a file has had so far, to see what it has twice: fingerprints only, so that memory stays small."""

    def __init__(self) -> None:
        self._lines: dict[int, int] = {}

    def line(self, *said: str) -> int | None:
        """Return the line that said the same, None when none did."""
        return self._lines.get(hash(said))

    def put(self, line: int, *said: str) -> None:
        """Remember what a line said."""
        self._lines[hash(said)] = line
