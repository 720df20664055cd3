"""Brings the rows of a product together, wherever in a file they are. What waits for its last row is on disk.

A product is told where its last row is, so that the ends of what is told only grow: how far a file was read
is one number, from which another worker goes on.
"""

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Generic, Protocol, TypeVar, cast

import msgspec

MAX_RUN = 2_500  # rows of one product that are held in memory at a time
_SIZE_BYTES = 4


class Numbered(Protocol):
    """A row of a file, the first being 1."""

    @property
    def number(self) -> int:
        """Return which one it is."""
        ...


Entry = TypeVar("Entry", bound=Numbered)


def grouped(
    read: Callable[[], Iterable[Entry]], *, handle_of: Callable[[Entry], str], kind: type[Entry]
) -> Iterator[tuple[str, Iterable[Entry]]]:
    """Yield each handle once with its rows in their order, and each row without one ("") for itself.

    `read` reads the file from its start, and is called twice; `kind` is what msgspec makes of a row that was
    put away. The rows of one handle can be gone through several times, until the next one is asked for.
    """
    ends = _ends(read(), handle_of)
    run: list[Entry] = []
    current = ""
    with tempfile.TemporaryFile() as file:
        kept = _Kept(cast(BinaryIO, file), kind)
        for entry in read():
            handle = handle_of(entry)
            if run and handle != current:
                yield current, run
                run = []
            current = handle
            if not handle:
                yield handle, [entry]
            elif (end := ends.get(handle)) is None:
                run.append(entry)
            else:
                kept.put(handle, entry)
                if entry.number == end:
                    yield handle, kept.take(handle)
        if run:
            yield current, run


def _ends(entries: Iterable[Entry], handle_of: Callable[[Entry], str]) -> dict[str, int]:
    """Return the last row of each handle whose rows are not together, or are more than can be held.

    The others are known by fingerprints only, so that memory stays small; two of one fingerprint are put away
    for nothing.
    """
    ends: dict[str, int] = {}
    seen: set[int] = set()
    current, length = "", 0
    for entry in entries:
        handle = handle_of(entry)
        length = length + 1 if handle == current else 1
        again = length == 1 and hash(handle) in seen
        if handle and (again or length > MAX_RUN or handle in ends):
            ends[handle] = entry.number
        elif handle and length == 1:
            seen.add(hash(handle))
        current = handle
    return ends


class _Kept(Generic[Entry]):
    """Rows in a file, of which only the places are in memory."""

    def __init__(self, file: BinaryIO, kind: type[Entry]) -> None:
        self._file = file
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._places: dict[str, array[int]] = {}

    def put(self, handle: str, entry: Entry) -> None:
        body = self._encode(entry)
        place = self._file.seek(0, 2)
        self._file.write(len(body).to_bytes(_SIZE_BYTES) + body)
        self._places.setdefault(handle, array("q")).append(place)

    def take(self, handle: str) -> "_Rows[Entry]":
        return _Rows(self._file, self._decode, self._places.pop(handle))


class _Rows(Generic[Entry]):
    """The rows at some places of a file."""

    def __init__(self, file: BinaryIO, decode: Callable[[bytes], Entry], places: "array[int]") -> None:
        self._file, self._decode, self._places = file, decode, places

    def __iter__(self) -> Iterator[Entry]:
        for place in self._places:
            self._file.seek(place)
            size = int.from_bytes(self._file.read(_SIZE_BYTES))
            yield self._decode(self._file.read(size))
