"""What a page of products shows of each: its variants and pictures, read as rows.

Objects take longer to make than rows to read, and the ORM longer to write these statements than PostgreSQL to
answer them. So the ORM writes each of them once; what changes is whose they are and of which products.
"""

from collections import namedtuple
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import F, FilteredRelation, Lookup, Q, QuerySet

from catalog.models import ProductImage, Variant
from catalog.queries import units_left

_OF_VARIANT = (
    "id",
    "product_id",
    "title",
    "options",
    "sku",
    "barcode",
    "weight_grams",
    "position",
    "is_active",
    "release_at",
    "version",
    "created_at",
    "updated_at",
)
_OF_PICTURE = ("id", "product_id", "url", "alt", "position", "state", "code", "reason")

_NOBODY = UUID(int=0)
_PRODUCTS = object()


class _OfProducts(Lookup):
    """A product's id is one of those that are named when the statement is run."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, given = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s::uuid[])", (*given, _PRODUCTS)


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    given: tuple[Any, ...]
    row: Callable[..., Any]
    json: tuple[int, ...]

    def rows(self, merchant_id: UUID, product_ids: Collection[UUID]) -> dict[UUID, list[Any]]:
        """Return a merchant's rows by their products."""
        ids = list(product_ids)
        given = [ids if one is _PRODUCTS else merchant_id if one == _NOBODY else one for one in self.given]
        found: dict[UUID, list[Any]] = {}
        with connection.cursor() as cursor:
            cursor.execute(self.sql, given)
            for values in cursor.fetchall():
                read = list(values)
                for at in self.json:
                    read[at] = orjson.loads(read[at]) if read[at] is not None else None
                row = self.row(*read)
                found.setdefault(row.product_id, []).append(row)
        return found


def variants(
    product_ids: Collection[UUID], *, merchant_id: UUID, prices: bool = True, units: bool = True
) -> dict[UUID, list[Any]]:
    """Return the variants of a merchant's products in one query, by the products' ids.

    A row has a variant's names. The current price is `price_amount`, `price_compare_at`, `price_currency`,
    `price_from`; what can be promised is `units_left`. What is not wanted is not read.
    """
    return _variants(prices, units).rows(merchant_id, product_ids)


def pictures(product_ids: Collection[UUID], *, merchant_id: UUID) -> dict[UUID, list[Any]]:
    """Return the pictures of a merchant's products in one query, by the products' ids.

    A row has a picture's names; of what we keep it has `sha256` and `renditions`, None where that is nothing.
    """
    return _pictures().rows(merchant_id, product_ids)


@cache
def _variants(prices: bool, units: bool) -> _Statement:
    rows: QuerySet[Any] = Variant.objects.filter(merchant_id=_NOBODY)
    names = list(_OF_VARIANT)
    if prices:
        rows = rows.annotate(
            current=FilteredRelation("prices", condition=Q(prices__valid_to=None)),
            price_amount=F("current__amount"),
            price_compare_at=F("current__compare_at"),
            price_currency=F("current__currency"),
            price_from=F("current__valid_from"),
        )
        names += ["price_amount", "price_compare_at", "price_currency", "price_from"]
    if units:
        rows, names = rows.annotate(units_left=units_left()), [*names, "units_left"]
    return _written(rows, names, json=["options"])


@cache
def _pictures() -> _Statement:
    rows = ProductImage.objects.filter(merchant_id=_NOBODY)
    kept = {"sha256": F("picture__sha256"), "renditions": F("picture__renditions")}
    return _written(rows.annotate(**kept), ["merchant_id", *_OF_PICTURE, *kept], json=["renditions"])


def _written(rows: QuerySet[Any], names: list[str], *, json: list[str]) -> _Statement:
    asked = rows.filter(_OfProducts(F("product_id"), None)).order_by("position", "id").values_list(*names)
    sql, given = asked.query.sql_with_params()
    return _Statement(sql, tuple(given), namedtuple("Row", names), tuple(names.index(name) for name in json))
