"""Delimited text as rows of cells: delimiter, repair of broken quoting. Pure; knows no product."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from catalog.feeds.drafts import Problem
from catalog.feeds.formats import texts
from catalog.feeds.formats.texts import EmptyFeed, NotText
from commerce import errors

MAX_COLUMNS = 500
MAX_ROW_CHARS = 500_000
MAX_REPAIRS = 100
MAX_ROWS = 250_000
MAX_LINES = 1_000_000
MARKS = ",;\t|"
_BLANK = frozenset({"\n", "\r\n", "\r"})
# The reader's own limit is process-wide and would end a row in the middle; rows are limited here instead.
csv.field_size_limit(MAX_ROW_CHARS + 1)


class TooManyColumns(errors.Invalid):
    """The header has too many columns."""

    code = "TOO_MANY_COLUMNS"
    message = f"The header has more than {MAX_COLUMNS} columns."


class TooManyRows(errors.Invalid):
    """The file has too many rows to be read in one go."""

    code = "TOO_MANY_ROWS"
    message = f"The file has more than {MAX_ROWS} rows or {MAX_LINES} lines. Send it in parts."


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its number (first after the header is 1), its first line in the file, its cells.

    `cells` is empty when the row could not be read; `problems` says why.
    """

    number: int
    line: int
    cells: list[str]
    problems: tuple[Problem, ...] = ()


class _Unclosed(Exception):
    """A quoted cell ran to the end of the file or beyond the size of a row."""


class _Lines:
    """The lines of a text, remembering those of the current record so that they can be read again."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0
        self._chars = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._text.readline(MAX_ROW_CHARS + 1)
        if not line:
            if self.taken:
                raise _Unclosed
            raise StopIteration
        self.taken.append(line)
        self._chars += len(line)
        if self._chars > MAX_ROW_CHARS:
            raise _Unclosed
        return line.replace("\0", "") if "\0" in line else line

    def begin(self) -> None:
        """Start a record: what was taken so far is done with."""
        self.number += len(self.taken)
        self.taken = []
        self._chars = 0

    def skip_blank(self) -> None:
        """Pass over blank lines between records, which may be all a file has; raises TooManyRows."""
        while True:
            line = self._again.popleft() if self._again else self._text.readline(MAX_ROW_CHARS + 1)
            if line not in _BLANK:
                if line:
                    self._again.appendleft(line)
                return
            self.number += 1
            if self.number > MAX_LINES:
                raise TooManyRows

    def drop_first(self) -> str:
        """Give up the record's first line and put the others back."""
        first, *others = self.taken
        self._again.extendleft(reversed(others))
        self.taken = [first]
        if not first.endswith(("\n", "\r")) and len(first) > MAX_ROW_CHARS:
            while (rest := self._text.readline(MAX_ROW_CHARS)) and not rest.endswith(("\n", "\r")):
                pass
        return first


class Sheet:
    """A file of delimited text; raises EmptyFeed, NotText or TooManyColumns when it cannot be one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        text, self._damaged = texts.opened(file)
        self._lines = _Lines(text)
        self.header, self._delimiter = self._read_header()
        self.header_line = self._lines.number + 1
        if len(self.header) > MAX_COLUMNS:
            raise TooManyColumns(columns=len(self.header))

    def _read_header(self) -> tuple[list[str], str]:
        delimiter, line = "", ""
        try:
            self._lines.skip_blank()
            for line in self._lines:
                if line.strip(" \t\r\n,;\ufeff"):
                    if delimiter or line[4:5] not in MARKS or not line.lower().startswith("sep="):
                        break
                    delimiter = line[4:5]
                self._lines.begin()
            else:
                raise EmptyFeed
        except _Unclosed as error:
            raise NotText(f"The first line is longer than {MAX_ROW_CHARS} characters.") from error
        # The header decides: the character that gives the most columns.
        found = [(next(csv.reader([line], delimiter=mark), []), mark) for mark in delimiter or MARKS]
        cells, mark = max(found, key=lambda pair: len(pair[0]))
        return [cell.strip().lstrip("\ufeff") for cell in cells], mark

    def again(self) -> "Sheet":
        """Return the same file from its start; what was read of it here ends."""
        return Sheet(self._file)

    def rows(self) -> Iterator[Row]:
        """Yield the records with content, and those that could not be read with their problem.

        Raises TooManyRows.
        """
        lines, number, repairs = self._lines, 0, 0
        reader = csv.reader(lines, delimiter=self._delimiter)
        while True:
            lines.begin()
            lines.skip_blank()
            line = lines.number + 1
            if number > MAX_ROWS or line > MAX_LINES:
                raise TooManyRows
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (_Unclosed, csv.Error):
                number, repairs = number + 1, repairs + 1
                yield Row(number, line, [], (_broken(line, lines.drop_first(), last=repairs > MAX_REPAIRS),))
                if repairs > MAX_REPAIRS:
                    return
                reader = csv.reader(lines, delimiter=self._delimiter)
                continue
            if any(cells):
                number += 1
                yield Row(number, line, cells, tuple(self._blemishes(line, cells)))

    def _blemishes(self, line: int, cells: list[str]) -> Iterator[Problem]:
        if any("\0" in raw for raw in self._lines.taken):
            yield Problem(line, "", "NUL_BYTE", "", "The row has NUL bytes; they were left out.", False)
        if self._damaged:
            for at, cell in enumerate(cells):
                if "\ufffd" in cell:
                    column = self.header[at] if at < len(self.header) else ""
                    message = "The cell has bytes that are not UTF-8."
                    yield Problem(line, column[:255], "BAD_ENCODING", cell[:200], message, False)


def _broken(line: int, text: str, *, last: bool) -> Problem:
    if len(text) > MAX_ROW_CHARS:
        message = f"The row is longer than {MAX_ROW_CHARS} characters."
        return Problem(line, "", "ROW_TOO_LONG", text[:80].replace("\0", ""), message)
    message = "A quoted cell of this row is never closed."
    if last:
        message += f" It is number {MAX_REPAIRS + 1} of its kind: the rest of the file was not read."
    return Problem(line, "", "UNCLOSED_QUOTE", text.strip("\r\n")[:80].replace("\0", ""), message)
