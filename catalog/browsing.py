"""What shoppers browse by: the categories with goods on sale, and what these goods say of themselves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from catalog import storefront, taxonomy
from catalog.models import Category, CategoryAttribute, Product
from commerce import errors

LOOKED_AT: Final = 1_000  # Products that facets are counted among: the newest.
MOST_VALUES: Final = 50
MAX_FILTER: Final = 255  # Characters of a code, a colon and a value.
# One jump through `product_in_category` for each category that has approved goods, however many these are;
# LATERAL with LIMIT stops at the first that is on sale, and is never turned into a join of all that are.
_IN_USE: Final = """
WITH RECURSIVE used AS (
    (SELECT category_id FROM catalog_product
      WHERE category_id IS NOT NULL AND status = 'approved' ORDER BY category_id LIMIT 1)
    UNION ALL
    SELECT (SELECT p.category_id FROM catalog_product p
             WHERE p.category_id > used.category_id AND p.status = 'approved' ORDER BY p.category_id LIMIT 1)
      FROM used WHERE used.category_id IS NOT NULL
)
SELECT c.path FROM used JOIN catalog_category c ON c.id = used.category_id
CROSS JOIN LATERAL (
    SELECT 1 FROM catalog_product p JOIN commerce_merchant m ON m.id = p.merchant_id
     CROSS JOIN LATERAL (
        SELECT 1 FROM catalog_variant v JOIN catalog_price a ON a.variant_id = v.id
         WHERE v.product_id = p.id AND v.is_active AND a.valid_to IS NULL LIMIT 1
     ) AS sellable
     WHERE p.category_id = used.category_id AND p.status = 'approved' AND m.is_active LIMIT 1
) AS sold
"""


class NothingThere(errors.NotFound):
    """Nothing that is on sale is in a category with this code."""

    message = "There is no such category."


@dataclass(frozen=True, slots=True)
class Facet:
    """What goods of a category say about one thing: values as lists take them, and how many say so."""

    definition: CategoryAttribute
    values: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category, those above it from the top, those right below it, and what its goods say of themselves."""

    category: Category
    above: list[Category]
    below: list[Category]
    looked_at: int
    facets: list[Facet]


def categories() -> QuerySet[Category]:
    """Return the categories that have something on sale, there or below, each before what is below it."""
    return taxonomy.categories().filter(path__in=_open())


def shelf(code: str) -> Shelf:
    """Return a category with its neighbours and facets, in six statements; raises NothingThere."""
    there = _open()
    path = next((each for each in there if each.rpartition("/")[2] == code), None)
    if path is None:
        raise NothingThere
    below = {each for each in there if each.rpartition("/")[0] == path}
    rows = list(taxonomy.categories().filter(path__in=[*taxonomy.chain(path), *below]))
    level = path.count("/")
    category, said = rows[level], _said(code)
    known = taxonomy.definitions([category])[category.pk]
    return Shelf(category, rows[:level], rows[level + 1 :], len(said), facets(said, known))


def facets(said: Iterable[taxonomy.Values], known: taxonomy.Definitions) -> list[Facet]:
    """Return what is said of goods, of what their category defines.

    Values that most say come first, MOST_VALUES of each.
    """
    counted: dict[str, Counter[str]] = {code: Counter() for code in known}
    spelt: dict[str, Counter[str]] = {}
    for values in said:
        for code in values.keys() & counted.keys():
            word = text(values[code])
            key = taxonomy.small(f"{code}:{word}")
            counted[code][key] += 1
            spelt.setdefault(key, Counter())[word] += 1
    return [
        Facet(known[code], [(_spelling(spelt[key]), count) for key, count in _most(counts)])
        for code, counts in counted.items()
        if counts
    ]


def text(value: Any) -> str:
    """Return a value of an attribute as the lists' filter takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(str(value)).normalize(), "f")
    return str(value)


def _open() -> set[str]:
    """Return the paths of the categories with something on sale, there or below."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_USE)
        return {part for (path,) in cursor.fetchall() for part in taxonomy.chain(path)}


def _said(code: str) -> list[taxonomy.Values]:
    """Return what the newest LOOKED_AT approved products of a category, and below, say that are on sale."""
    approved = Product.objects.filter(status=Product.Status.APPROVED, merchant__is_active=True)
    newest = storefront.of_category(approved, code).order_by("-id").values("pk")[:LOOKED_AT]
    return list(storefront.on_sale().filter(pk__in=newest).values_list("attributes", flat=True))


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    fitting = [each for each in counts.items() if len(each[0]) <= MAX_FILTER]
    return sorted(fitting, key=lambda each: (-each[1], each[0]))[:MOST_VALUES]


def _spelling(words: Counter[str]) -> str:
    return min(words, key=lambda word: (-words[word], word))
