"""Rows of a batch: products as in JSON Lines, prices and stock by SKU; each is read for itself. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from catalog.feeds import cells
from catalog.feeds.drafts import Piece, Problem
from catalog.feeds.formats.fields import shorten
from catalog.feeds.formats.jsonl import Reader
from catalog.feeds.formats.strictjson import Wrong, convert
from catalog.limits import MAX_TEXT

MAX_ROWS = 1_000

Sku = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]


class _Level(Struct, forbid_unknown_fields=True):
    sku: Sku
    available: Annotated[int, Meta(ge=0, le=cells.MAX_UNITS)]
    location: Annotated[str, Meta(max_length=50)] | None = None


class _Quote(Struct, forbid_unknown_fields=True):
    sku: Sku
    amount: int
    compare_at: int | None = None
    currency: str | UnsetType = UNSET
    starts_at: str | None = None
    ends_at: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its merchant's own id, and why it is not taken, if it is not."""

    number: int
    key: str
    trouble: Problem | None = None
    location: str = ""


@dataclass(frozen=True, slots=True)
class Level(Row):
    """Units of a SKU that can be promised, or that lie at the location."""

    available: int = 0


@dataclass(frozen=True, slots=True)
class Price(Row):
    """What a SKU shall cost, in minor units; "": in the merchant's currency."""

    amount: int = 0
    compare_at: int | None = None
    currency: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def products(sent: Sequence[Any], *, currency: str) -> Iterator[tuple[str, Piece]]:
    """Yield each row's handle as it was sent, "" where it has none, and what the row says."""
    reader = Reader(currency, unit="Row")
    for number, row in enumerate(sent, start=1):
        handle = row.get("handle") if isinstance(row, dict) else None
        key = shorten(handle).replace("\0", "") if isinstance(handle, str) else ""
        if _has_nul(row):
            problem = Problem(number, "", "NUL_BYTE", "", "The row has a NUL character.")
            yield key, Piece(number, None, [problem])
        else:
            yield key, reader.piece(number, number, row)


def versions(sent: Sequence[Any]) -> tuple[list[Any], dict[int, int]]:
    """Return the rows without `version` where it is a whole number, and these by the rows' numbers."""
    plain: list[Any] = []
    named: dict[int, int] = {}
    for number, row in enumerate(sent, start=1):
        if isinstance(row, dict) and type(row.get("version")) is int:
            named[number] = row["version"]
            row = {name: value for name, value in row.items() if name != "version"}
        plain.append(row)
    return plain, named


def levels(sent: Sequence[Any]) -> Iterator[Level]:
    """Yield each row of units by SKU."""
    for row, said in _by_sku(sent, _Level):
        yield Level(row.number, row.key, row.trouble, row.location, said.available if said else 0)


def prices(sent: Sequence[Any]) -> Iterator[Price]:
    """Yield each row of prices by SKU."""
    for row, said in _by_sku(sent, _Quote):
        if said is None:
            yield Price(row.number, row.key, row.trouble)
            continue
        currency = said.currency if said.currency is not UNSET else ""
        try:
            starts, ends = (_moment(name, getattr(said, name)) for name in ("starts_at", "ends_at"))
        except Wrong as wrong:
            problem = Problem(row.number, wrong.column, wrong.code, shorten(wrong.value), str(wrong))
            yield Price(row.number, row.key, problem)
        else:
            yield Price(row.number, row.key, None, "", said.amount, said.compare_at, currency, starts, ends)


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else cells.moment(text)
    except cells.Unreadable as error:
        raise Wrong(name, error.code, text or "", str(error)) from error


def _by_sku(sent: Sequence[Any], shape: Any) -> Iterator[tuple[Row, Any]]:
    seen: dict[tuple[str, str], int] = {}
    split: dict[str, bool] = {}
    for number, row in enumerate(sent, start=1):
        sku = row.get("sku") if isinstance(row, dict) else None
        key = shorten(sku).replace("\0", "") if isinstance(sku, str) else ""
        try:
            if _has_nul(row):
                raise Wrong("", "NUL_BYTE", "", "The row has a NUL character.")
            said = convert(row, shape, "")
            location = getattr(said, "location", None) or ""
            if earlier := seen.get((said.sku, location)):
                raise Wrong("sku", "DUPLICATE_SKU", said.sku, f"Row {earlier} has it already.")
            if split.setdefault(said.sku, bool(location)) != bool(location):
                message = "Other rows have it at locations: either all do or none."
                raise Wrong("location", "DUPLICATE_SKU", said.sku, message)
        except Wrong as wrong:
            problem = Problem(number, wrong.column, wrong.code, shorten(wrong.value), str(wrong)[:300])
            yield Row(number, key, problem), None
        else:
            seen[said.sku, location] = number
            yield Row(number, said.sku, None, location), said


def _has_nul(node: Any) -> bool:
    match node:
        case str():
            return "\0" in node
        case dict():
            return any(_has_nul(part) for pair in node.items() for part in pair)
        case list():
            return any(_has_nul(part) for part in node)
    return False
