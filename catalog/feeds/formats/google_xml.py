"""A Google product feed as RSS 2.0 or Atom, read item by item by expat, which is fed a piece at a time. Pure.

No document type is taken, so there are no entities to be expanded or fetched. A place that is not well formed
loses its item: reading goes on with the next one, by a new parser.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from xml.parsers import expat

from catalog.feeds.drafts import Piece, Problem
from catalog.feeds.formats import google, texts
from catalog.feeds.formats.google import Item
from catalog.feeds.formats.sheets import MAX_REPAIRS, MAX_ROWS, TooManyRows
from commerce import errors

GOOGLE = "http://base.google.com/ns/1.0"
CUSTOM = "http://base.google.com/cns/1.0"
ATOM = "http://www.w3.org/2005/Atom"
MAX_ITEM_CHARS = 500_000
MAX_FIELDS = 500
MAX_DEPTH = 20
MAX_TOKEN = 1 << 20
# Where reading goes on after a broken item; the names are those that feeds use throughout.
_ANEW = {
    b"<item": f'<rss version="2.0" xmlns:g="{GOOGLE}" xmlns:c="{CUSTOM}"><channel>'.encode(),
    b"<entry": f'<feed xmlns="{ATOM}" xmlns:g="{GOOGLE}" xmlns:c="{CUSTOM}">'.encode(),
}
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["'][^>]*\?>""")


class BadXml(errors.Invalid):
    """The file begins like XML and is not a product feed in it."""

    code = "BAD_XML"
    message = "This is not a product feed in XML: RSS 2.0 with items, or Atom with entries."


class DoctypeRefused(errors.Invalid):
    """The file has a document type, with which entities come."""

    code = "XML_DOCTYPE"
    message = "A feed has no document type (DOCTYPE) and no entities of its own."


class _Broken(Exception):
    """The item that is being read cannot be; the text says why, `code` and `line` what and where."""

    def __init__(self, code: str, message: str, line: int) -> None:
        self.code, self.line = code, line
        super().__init__(message)


class _XmlFields(Item):
    """The elements of one item."""

    def __init__(self, line: int, problems: list[Problem], said: dict[str, list[str]]) -> None:
        super().__init__(line, problems)
        self._said = said

    def __getitem__(self, name: str) -> str:
        return next((text for known in google.NAMES[name] for text in self._said.get(known, ())), "")

    def __contains__(self, name: str) -> bool:
        return any(known in self._said for known in google.NAMES[name])

    def called(self, name: str) -> str:
        """Return the element's name."""
        known = google.NAMES.get(name, ("",))[0]
        return known if known.startswith("c:") or not known else f"g:{known}"

    def pictures(self) -> list[str]:
        """Return the addresses of further pictures."""
        return [text for text in self._said.get("additional_image_link", ()) if text]


@dataclass(frozen=True, slots=True)
class _Element:
    """One item as it stands in the file; what it says is None where it could not be read."""

    number: int
    line: int
    said: dict[str, list[str]] | None
    problems: tuple[Problem, ...] = ()


class GoogleXml:
    """The XML form of a feed; raises BadXml or DoctypeRefused when it is none."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        trouble = ""
        for element in _Items(file):
            if element.said is not None:
                return
            [problem] = element.problems
            trouble = trouble or f" Line {problem.line}: {problem.message}"
        raise BadXml(BadXml.message + trouble)

    def count(self) -> int:
        """Return how many items the file has; raises TooManyRows."""
        return sum(1 for _ in _Items(self._file))

    def pieces(self, *, currency: str, now: datetime) -> Iterator[Piece]:
        """Yield the products in the order of their last items; raises TooManyRows."""
        reader = google.Reader(currency, now)
        return reader.pieces(lambda: _Items(self._file), item_of=_item, kind=_Element)


def _item(element: _Element) -> Item | None:
    return None if element.said is None else _XmlFields(element.line, [*element.problems], element.said)


class _Items:
    """The items of a file, and the places that could not be read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._repairs = 0
        self._number = 0

    def __iter__(self) -> Iterator[_Element]:
        at, line, prologue, tag = 0, 0, b"", b"<item"
        self._file.seek(0)
        declared = _DECLARED.match(self._file.read(texts.START).removeprefix(b"\xef\xbb\xbf"))
        while True:
            parser = _Parser(prologue, line, tag)
            self._file.seek(at)
            fed = at - len(prologue)  # what the parser counts as its first byte
            try:
                while chunk := self._file.read(texts.CHUNK):
                    parser.feed(chunk)
                    yield from self._numbered(parser)
                parser.finish()
                return
            except (expat.ExpatError, _Broken) as error:
                yield from self._numbered(parser)
                self._repairs += 1
                where, found = parser.broke(error)
                last = self._repairs > MAX_REPAIRS
                item = (
                    self._next_item(max(at, fed + where), parser.tag) if parser.began and not last else None
                )
                yield from self._problem(found, line + parser.lines_of(error), last=item is None)
                if item is None:
                    return
                at, line = item[0], line + parser.lines_of(error) + item[1] - 1
                tag, prologue = parser.tag, (declared[0].strip() if declared else b"") + _ANEW[parser.tag]

    def _numbered(self, parser: "_Parser") -> Iterator[_Element]:
        while parser.done:
            self._number += 1
            if self._number > MAX_ROWS:
                raise TooManyRows
            line, said = parser.done.popleft()
            yield _Element(self._number, line, said)

    def _problem(self, found: tuple[str, str], line: int, *, last: bool) -> Iterator[_Element]:
        self._number += 1
        code, message = found
        if last:
            message += " The rest of the file was not read."
        yield _Element(self._number, line, None, (Problem(line, "", code, "", message),))

    def _next_item(self, at: int, tag: bytes) -> tuple[int, int] | None:
        """Return where the next item begins after a place, and how many lines further."""
        self._file.seek(at)
        lines, kept = 0, b""
        offset = at
        while chunk := self._file.read(texts.CHUNK):
            block = kept + chunk
            begin = 0
            while (found := block.find(tag, begin)) >= 0:
                after = block[found + len(tag) : found + len(tag) + 1]
                if after in (b">", b" ", b"\t", b"\r", b"\n") and offset + found > at:
                    return offset + found, lines + block.count(b"\n", 0, found)
                begin = found + 1
            kept = block[-len(tag) :]
            lines += block.count(b"\n", 0, len(block) - len(kept))
            offset += len(block) - len(kept)
        return None


class _Parser:
    """One run of expat; `done` has the items that are whole, with their lines."""

    def __init__(self, prologue: bytes, lines_before: int, tag: bytes) -> None:
        self.done: deque[tuple[int, dict[str, list[str]]]] = deque()
        self.began = bool(prologue)
        self.tag = tag
        self._lines_before = lines_before
        self._path: list[str] = []
        self._said: dict[str, list[str]] | None = None
        self._line = 0
        self._depth = 0  # of the item
        self._text: list[str] = []
        self._chars = self._count = 0
        self._fed = 0
        parser = self._expat = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        parser.ExternalEntityRefHandler = lambda *_: 0  # an error
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        if prologue:
            self.feed(prologue)

    def feed(self, chunk: bytes) -> None:
        """Read on; raises ExpatError, _Broken, DoctypeRefused."""
        try:
            self._expat.Parse(chunk, False)
        except (LookupError, ValueError) as error:
            # Python knows no encoding of this name, or one with letters of several bytes.
            raise _Broken("BAD_XML", "The encoding that it declares is not read. Send UTF-8.", 1) from error
        self._fed += len(chunk)
        # What expat cannot make out yet it keeps.
        if self._fed - max(self._expat.CurrentByteIndex, 0) > MAX_TOKEN + len(chunk):
            raise _Broken("ROW_TOO_LONG", "A tag has no end.", self._expat.CurrentLineNumber)

    def finish(self) -> None:
        """Say that this was all; raises ExpatError."""
        self._expat.Parse(b"", True)

    def broke(self, error: Exception) -> tuple[int, tuple[str, str]]:
        """Return at which byte the error is, and its code and message."""
        if isinstance(error, _Broken):
            return max(self._expat.CurrentByteIndex, 0), (error.code, str(error))
        message = f"Not well-formed: {expat.ErrorString(self._expat.ErrorCode)}."
        return max(self._expat.ErrorByteIndex, 0), ("BAD_XML", message)

    def lines_of(self, error: Exception) -> int:
        """Return the line of the error within this run."""
        return error.line if isinstance(error, _Broken) else self._expat.ErrorLineNumber

    def _refuse_doctype(self, *_: object) -> None:
        raise DoctypeRefused

    def _start(self, name: str, _: object) -> None:
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise _Broken("TOO_DEEP", f"Nested more than {MAX_DEPTH} deep.", self._expat.CurrentLineNumber)
        if self._said is None:
            if name in ("item", f"{ATOM} item") or name == f"{ATOM} entry":
                self.tag = b"<entry" if name.endswith("entry") else b"<item"
                self._said, self._depth = {}, len(self._path)
                self._line = self._lines_before + self._expat.CurrentLineNumber
                self._chars = self._count = 0
            self.began = True
        elif len(self._path) == self._depth + 1:
            self._text = []
            self._count += 1
            if self._count > MAX_FIELDS:
                message = f"An item has at most {MAX_FIELDS} elements."
                raise _Broken("TOO_MANY_CELLS", message, self._expat.CurrentLineNumber)

    def _characters(self, text: str) -> None:
        if self._said is None:
            return
        self._chars += len(text)
        if self._chars > MAX_ITEM_CHARS:
            message = f"The item is longer than {MAX_ITEM_CHARS} characters."
            raise _Broken("ROW_TOO_LONG", message, self._expat.CurrentLineNumber)
        if len(self._path) == self._depth + 1:
            self._text.append(text)

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._said is None:
            return
        if len(self._path) == self._depth:
            space, _, local = name.rpartition(" ")
            local = "description" if space == ATOM and local in ("summary", "content") else local
            values = self._said.setdefault(f"c:{local}" if space == CUSTOM else local, [])
            # Google's own element stands before that of RSS or Atom with the same name.
            first = space == GOOGLE and local != "additional_image_link"
            values.insert(0 if first else len(values), "".join(self._text).strip())
        elif len(self._path) < self._depth:
            self.done.append((self._line, self._said))
            self._said = None
