"""Lists of screens, newest first, leaf by leaf: each costs the same, however long the list is."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
PER_LEAF = 25


@dataclass(frozen=True)
class Leaf(Generic[Row]):
    """Some rows of a list, and the query strings of the leaves beside it; "" where there is none."""

    rows: list[Row]
    older: str
    newest: str


def leaf(request: HttpRequest, rows: QuerySet[Row], *, size: int = PER_LEAF) -> Leaf[Row]:
    """Return the rows that the address asks for, by their keys, which grow with time.

    An address that cannot be read is the first leaf.
    """
    before = _key(rows, request.GET.get("before", ""))
    found = list((rows.filter(pk__lt=before) if before is not None else rows).order_by("-pk")[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    newest = f"?{query.urlencode()}" if before is not None else ""
    older = ""
    if len(found) > size:
        query["before"] = str(found[size - 1].pk)
        older = f"?{query.urlencode()}"
    return Leaf(found[:size], older, newest)


def _key(rows: QuerySet[Row], text: str) -> Any:
    field = rows.model._meta.pk
    try:
        return field.to_python(text) if text else None
    except ValidationError:
        return None
