"""Categories and what is said of the goods in them: reads, and the checks of what merchants write.

A product's values are checked against what its category and those above it define; what nobody defines is
free.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from catalog.limits import MAX_ATTRIBUTES
from catalog.models import Category, CategoryAttribute, Product
from commerce import errors

Kind = CategoryAttribute.Kind
Values = Mapping[str, Any]
Definitions = dict[str, CategoryAttribute]

MAX_VALUE: Final = 255
MAX_NUMBER: Final = 1e15
_CODE = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


class UnknownCategory(errors.Invalid):
    """There is no category with this code."""

    code = "UNKNOWN_CATEGORY"
    message = "There is no category with this code."


class BadAttributes(errors.Invalid):
    """Attributes have values that they cannot have."""

    code = "BAD_ATTRIBUTES"
    message = "Some attributes cannot be so."


class MissingAttributes(errors.Conflict):
    """The category asks for attributes that the product has not."""

    code = "MISSING_ATTRIBUTES"
    message = "Its category asks for attributes that it has not."


def lock() -> None:
    """Keep others from moving categories until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('catalog_category', 7))")


def categories() -> QuerySet[Category]:
    """Return all categories, each before what is below it."""
    return Category.objects.select_related("parent").order_by("path")


def named(code: str | None) -> Category | None:
    """Return a category by its code, None for none; raises UnknownCategory."""
    if code is None:
        return None
    found = Category.objects.filter(code=code).first()
    if found is None:
        raise UnknownCategory(category=code[:MAX_VALUE])
    return found


def by_name(*, codes: Collection[str], paths: Collection[str]) -> dict[str, Category]:
    """Return categories by their codes and paths, those of these that there are."""
    if not codes and not paths:
        return {}
    rows = Category.objects.filter(Q(code__in=codes) | Q(path__in=paths))
    return {name: row for row in rows for name in (row.code, row.path)}


def below(code: str) -> QuerySet[Category]:
    """Return a category and all that are below it; none where nothing has the code."""
    top = Category.objects.filter(code=code).values_list("path", flat=True).first()
    if top is None:
        return Category.objects.none()
    return Category.objects.filter(Q(path=top) | Q(path__startswith=f"{top}/"))


def definitions(rows: Iterable[Category]) -> dict[UUID, Definitions]:
    """Return what is said of the goods of each category: by code, its own and what it inherits."""
    chains = {row.pk: chain(row.path) for row in rows}
    if not chains:
        return {}
    wanted = {path for above in chains.values() for path in above}
    said: dict[str, list[CategoryAttribute]] = {}
    for one in (
        CategoryAttribute.objects.filter(category__path__in=wanted)
        .select_related("category")
        .order_by("code")
    ):
        said.setdefault(one.category.path, []).append(one)
    # From the root down, so that the nearest definition of a code is the one that counts.
    return {
        pk: {one.code: one for path in above for one in said.get(path, ())} for pk, above in chains.items()
    }


def wrong(values: Values, known: Definitions) -> dict[str, str]:
    """Return which attributes cannot be so, and why; `known` are the definitions of the category."""
    return {
        code[:MAX_VALUE]: trouble
        for code, value in values.items()
        if (trouble := _wrong(code, value, known.get(code)))
    }


def missing(values: Values, known: Definitions) -> list[str]:
    """Return which required attributes have no value."""
    return sorted(code for code, one in known.items() if one.required and values.get(code) in (None, ""))


def check(values: Values, category: Category | None) -> None:
    """Refuse values that cannot be; raises BadAttributes."""
    if len(values) > MAX_ATTRIBUTES:
        raise BadAttributes(f"A product has at most {MAX_ATTRIBUTES} attributes.")
    known = definitions([category])[category.pk] if category and values else {}
    if troubles := wrong(values, known):
        raise BadAttributes(attributes=troubles)


def check_ready(product: Product) -> None:
    """Refuse the sale of what its category asks more of; raises MissingAttributes."""
    if names := lacking([product]).get(product.pk):
        raise MissingAttributes(f"Its category asks for: {', '.join(names)}.", attributes=names)


def lacking(products: Iterable[Product]) -> dict[UUID, list[str]]:
    """Return the required attributes that products have not, of those that lack any."""
    placed = [one for one in products if one.category_id is not None]
    if not placed:
        return {}
    rows = Category.objects.filter(pk__in={one.category_id for one in placed})
    known = definitions(rows)
    found = {
        one.pk: missing(one.attributes, known.get(one.category_id, {})) for one in placed if one.category_id
    }
    return {pk: names for pk, names in found.items() if names}


def chain(path: str) -> list[str]:
    """Return the paths from the top down to this one."""
    codes = path.split("/")
    return ["/".join(codes[: n + 1]) for n in range(len(codes))]


def facets(merchant_id: UUID, code: str, value: str) -> list[str]:
    """Return how the index of merchants' attributes may write a value."""
    return [f"{merchant_id}:{each}" for each in traits(code, value)]


def traits(code: str, value: str) -> list[str]:
    """Return how the index of the shop's attributes may write a value: as a text, and as a number."""
    word = small(value)
    number = word.rstrip("0").rstrip(".") if re.fullmatch(r"-?[0-9]+\.[0-9]*0+", word) else word
    return [f"{code}={each}" for each in dict.fromkeys((word, number))]


def small(text: str) -> str:
    """Return a text in small letters as the indexes of attributes have it: each letter by itself.

    Python's own way looks around: of a word that ends in Σ it makes another one.
    """
    return "".join(letter.lower()[0] for letter in text)


def _wrong(code: str, value: Any, one: CategoryAttribute | None) -> str:
    if not _CODE.fullmatch(code):
        return "A code has small letters, digits and _, and at most 40 of them."
    truth, text = isinstance(value, bool), isinstance(value, str)
    number = isinstance(value, int | float) and not truth
    if not (truth or text or number):
        return "It is a text, a number, or true or false."
    if text and (not value.strip() or len(value) > MAX_VALUE or "\x00" in value):
        return f"A text has 1 to {MAX_VALUE} characters."
    if number and not -MAX_NUMBER <= value <= MAX_NUMBER:
        return "The number is too large."
    if one is None:
        return ""
    if one.kind == Kind.CHOICE:
        return "" if value in one.choices else "It is one of: " + ", ".join(one.choices) + "."
    if one.kind == Kind.NUMBER:
        return "" if number else "It is a number" + (f", in {one.unit}." if one.unit else ".")
    if one.kind == Kind.BOOLEAN:
        return "" if truth else "It is true or false."
    return "" if text else "It is a text."
