"""A CSV file as rows of cells: encoding, delimiter, repair of broken quoting. Pure; knows no product."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from commerce import errors

MAX_COLUMNS = 500
MAX_ROW_CHARS = 500_000
MAX_REPAIRS = 100
MAX_ROWS = 250_000
MAX_LINES = 1_000_000
MARKS = ",;\t|"
# The reader's own limit is process-wide and would end a row in the middle; rows are limited here instead.
csv.field_size_limit(MAX_ROW_CHARS + 1)

_CONTROL = frozenset(range(32)) - {9, 10, 11, 12, 13, 27}
_KNOWN_BINARY = {
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
}


class EmptyFeed(errors.Invalid):
    """The file has no row."""

    code = "EMPTY_FEED"
    message = "The file has no row. Send a CSV file with a header and at least one row."


class NotText(errors.Invalid):
    """The file is not text in an encoding that is read."""

    code = "NOT_TEXT"
    message = "The file is not text. Send a CSV file in UTF-8."


class TooManyColumns(errors.Invalid):
    """The header has too many columns."""

    code = "TOO_MANY_COLUMNS"
    message = f"The header has more than {MAX_COLUMNS} columns."


class TooManyRows(errors.Invalid):
    """The file has too many rows to be read in one go."""

    code = "TOO_MANY_ROWS"
    message = f"The file has more than {MAX_ROWS} rows or {MAX_LINES} lines. Send it in parts."


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a row; `skipped` says whether something was left out or taken with a default."""

    line: int
    column: str
    code: str
    value: str
    message: str
    skipped: bool = True


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
    """A CSV file; raises EmptyFeed, NotText or TooManyColumns when it cannot be one."""

    def __init__(self, body: bytes) -> None:
        encoding, self._damaged = _encoding(body)
        text = io.TextIOWrapper(io.BytesIO(body), encoding, errors="replace", newline="")
        self._lines = _Lines(text)
        self.header, self._delimiter = self._read_header()
        self.header_line = self._lines.number + 1
        if len(self.header) > MAX_COLUMNS:
            raise TooManyColumns(columns=len(self.header))

    def _read_header(self) -> tuple[list[str], str]:
        delimiter, line = "", ""
        try:
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

    def rows(self) -> Iterator[Row]:
        """Yield the records with content, and those that could not be read with their problem.

        Raises TooManyRows.
        """
        lines, number, repairs = self._lines, 0, 0
        reader = csv.reader(lines, delimiter=self._delimiter)
        while True:
            lines.begin()
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


def _encoding(body: bytes) -> tuple[str, bool]:
    """Return the encoding and whether it is UTF-8 with damaged places; raises EmptyFeed or NotText."""
    if not body.strip():
        raise EmptyFeed
    for magic, what in _KNOWN_BINARY.items():
        if body.startswith(magic):
            raise NotText(f"The file is {what}. Export it as CSV in UTF-8.")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return encoding, _is_damaged(body, encoding)
    start = body[:4096]
    half = len(start) // 2 or 1
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[first::2].count(0) > half * 0.4 and start[1 - first :: 2].count(0) < half * 0.1:
            return encoding, _is_damaged(body, encoding)
    if sum(byte in _CONTROL for byte in start) > len(start) * 0.1:
        raise NotText
    if not _is_damaged(body, "utf-8"):
        return "utf-8", False
    # Not UTF-8 as a whole: a damaged UTF-8 file has mostly whole characters, a Latin-1 one has hardly any.
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(not char.isascii() for char in text) > 2 * broken:
        return "utf-8", True
    return ("latin-1" if _is_damaged(body, "cp1252") else "cp1252"), False


def _is_damaged(body: bytes, encoding: str) -> bool:
    try:
        codecs.decode(body, encoding, "strict")
    except UnicodeDecodeError:
        return True
    return False
