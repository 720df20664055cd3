"""Bytes as text: which encoding they are in, and files that are no text. Reads in pieces and keeps none."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from commerce import errors

CHUNK = 1 << 16
START = 4096

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
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class EmptyFeed(errors.Invalid):
    """The file has no row."""

    code = "EMPTY_FEED"
    message = "The file has no row. Send one with at least one product."


class NotText(errors.Invalid):
    """The file is not text in an encoding that is read."""

    code = "NOT_TEXT"
    message = "The file is not text. Send it in UTF-8."


def opened(file: BinaryIO) -> tuple[io.TextIOWrapper, bool]:
    """Return a seekable file as text from its start, and whether it is UTF-8 with damaged places.

    Closing the text does not close the file. Raises EmptyFeed, NotText.
    """
    encoding, damaged = _encoding(file)
    file.seek(0)
    return _Text(file, encoding, errors="replace", newline=""), damaged


def start(file: BinaryIO) -> str:
    """Return the first characters of a seekable file without a byte order mark and leading blanks.

    Raises EmptyFeed, NotText.
    """
    head = _head(file)
    if (encoding := _by_mark(head) or _by_zeros(head)) is None:
        _refuse_binary(head)
        encoding = "latin-1"
    for chunk in _decoded(file, encoding, "replace"):
        if text := chunk.lstrip("\ufeff \t\r\n\v\f"):
            return text[:START]
    raise EmptyFeed


class _Text(io.TextIOWrapper):
    """Text over somebody else's file, which stays open when this is collected."""

    def __del__(self) -> None:
        try:
            self.detach()
        except ValueError:
            return


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(START)
    if not head:
        raise EmptyFeed
    return head


def _by_mark(head: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def _by_zeros(head: bytes) -> str | None:
    half = len(head) // 2 or 1
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[first::2].count(0) > half * 0.4 and head[1 - first :: 2].count(0) < half * 0.1:
            return encoding
    return None


def _refuse_binary(head: bytes) -> None:
    for magic, what in _KNOWN_BINARY.items():
        if head.startswith(magic):
            raise NotText(f"The file is {what}. Export it as CSV in UTF-8.")
    if sum(byte in _CONTROL for byte in head) > len(head) * 0.1:
        raise NotText


def _encoding(file: BinaryIO) -> tuple[str, bool]:
    """Return the encoding and whether it is UTF-8 with damaged places; raises EmptyFeed or NotText."""
    head = _head(file)
    if (encoding := _by_mark(head) or _by_zeros(head)) is not None:
        return encoding, not _fits(file, encoding)
    _refuse_binary(head)
    _refuse_blank(file)
    if _fits(file, "utf-8"):
        return "utf-8", False
    # Not UTF-8 as a whole: a damaged UTF-8 file has mostly whole characters, a Latin-1 one has hardly any.
    broken = foreign = 0
    for text in _decoded(file, "utf-8", "replace"):
        broken += text.count("\ufffd")
        foreign += len(text) - len(text.encode("ascii", "ignore"))
    if foreign > 2 * broken:
        return "utf-8", True
    return ("cp1252" if _fits(file, "cp1252") else "latin-1"), False


def _refuse_blank(file: BinaryIO) -> None:
    file.seek(0)
    while chunk := file.read(CHUNK):
        if chunk.strip():
            return
    raise EmptyFeed


def _fits(file: BinaryIO, encoding: str) -> bool:
    try:
        for _ in _decoded(file, encoding, "strict"):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _decoded(file: BinaryIO, encoding: str, on_error: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(on_error)
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
