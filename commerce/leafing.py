"""Lists of screens, newest first, leaf by leaf: each costs the same, however long the list is."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
PER_LEAF = 25


@dataclass(frozen=True)
class Leaf(Generic[Row]):
    """Some rows of a list, and the query strings of the leaves beside it; "" where there is none."""

    rows: list[Row]
    older: str
    newest: str


def leaf(request: HttpRequest, rows: QuerySet[Row], *, size: int = PER_LEAF, at: str = "") -> Leaf[Row]:
    """Return the rows that the address asks for, by their keys, which grow with time.

    With `at`, a field, by the moment there and then by the key, where an index has them so. An address that
    cannot be read is the first leaf.
    """
    before = _key(rows, request.GET.get("before", ""))
    behind = rows
    if before is not None and at:
        moment = rows.filter(pk=before).values_list(at, flat=True).first()
        before = None if moment is None else before
        if moment is not None:
            # The bound that the index can use, besides.
            same = Q(**{at: moment}, pk__lt=before) | Q(**{f"{at}__lt": moment})
            behind = rows.filter(same, **{f"{at}__lte": moment})
    elif before is not None:
        behind = rows.filter(pk__lt=before)
    found = list(behind.order_by(*([f"-{at}"] if at else []), "-pk")[: size + 1])
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
