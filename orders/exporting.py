"""Orders as a file: a row per order line, part by part, so that a million take no more memory than a few."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import QuerySet

from catalog.feeds.formats import formulas
from commerce import money
from orders import queries
from orders.models import Order, OrderLine, parcels_of

PART = 200  # Orders that are read at a time.

Row = dict[str, Any]
COLUMNS = (
    *("order", "reference", "status", "created_at", "updated_at", "acknowledged_at", "purchase", "stream"),
    *("line", "variant", "sku", "title", "quantity", "shipped_quantity", "to_ship", "refunded_quantity"),
    *("unit_price", "discount", "amount", "tax", "tax_name", "tax_on_top", "refunded", "currency"),
    *("order_shipping", "order_total", "tracking_numbers"),
    *("name", "line1", "line2", "postal_code", "city", "country", "phone", "email"),
)
CONTACT = COLUMNS[-8:]


class Part(NamedTuple):
    """A part of the file, and the last order in it; None after the end."""

    text: bytes
    last: UUID | None


class Kind(ABC):
    """A kind of file."""

    media_type: str
    suffix: str

    @abstractmethod
    def head(self) -> bytes:
        """Return what stands before the rows."""

    @abstractmethod
    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return rows as they are written."""


class Csv(Kind):
    """CSV with a heading, in UTF-8."""

    media_type = "text/csv; charset=utf-8"
    suffix = "csv"

    def head(self) -> bytes:
        return self._written([COLUMNS])

    def rows(self, rows: Sequence[Row]) -> bytes:
        return self._written([formulas.escape(_text(row[name])) for name in COLUMNS] for row in rows)

    def _written(self, rows: Any) -> bytes:
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator="\r\n").writerows(rows)
        return file.getvalue().encode()


class JsonLines(Kind):
    """A JSON object per line."""

    media_type = "application/jsonl"
    suffix = "jsonl"

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


KINDS: dict[str, Kind] = {"csv": Csv(), "jsonl": JsonLines()}


def part(orders: QuerySet[Order], kind: Kind, *, after: UUID | None) -> Part:
    """Return the next part of the file, newest orders first, behind the order that ended the one before."""
    rows = orders if after is None else orders.filter(pk__lt=after)
    found = list(rows.order_by("-id")[:PART])
    if not found:
        return Part(b"", None)
    return Part(kind.rows([_row(order, line) for order in found for line in order.lines.all()]), found[-1].pk)


def _row(order: Order, line: OrderLine) -> Row:
    stream, to = order.purchase.stream, queries.contact_of(order) or {}
    parcels = [each.shipment for each in parcels_of(order) if line.id in {one.line_id for one in each.lines}]

    def amount(minor: int) -> str:
        exponent = money.exponent_of(line.currency)
        return f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"

    return {
        "order": str(order.id),
        "reference": order.reference,
        "status": order.status,
        "created_at": order.created_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
        "acknowledged_at": order.acknowledged_at.isoformat() if order.acknowledged_at else None,
        "purchase": str(order.purchase_id),
        "stream": stream.slug if stream else None,
        "line": str(line.id),
        "variant": str(line.variant_id),
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "shipped_quantity": line.shipped_quantity,
        "to_ship": line.to_ship,
        "refunded_quantity": line.refunded_quantity,
        "unit_price": amount(line.unit_amount),
        "discount": amount(line.discount_amount),
        "amount": amount(line.amount),
        "tax": amount(line.tax_amount),
        "tax_name": line.tax_name,
        "tax_on_top": line.tax_on_top,
        "refunded": amount(line.refunded_amount),
        "currency": line.currency,
        "order_shipping": amount(order.shipping_amount),
        "order_total": amount(order.amount),
        "tracking_numbers": [each.tracking_number for each in parcels if each.tracking_number],
        **{part: to.get(part, "") for part in CONTACT},
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return formulas.join(value) if isinstance(value, list) else str(value)
