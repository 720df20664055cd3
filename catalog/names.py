"""The brands and tags of a merchant with their counts, page by page.

Names are read by jumps through an index: one entry per name, however many products have it; only those of the
page are counted.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

_PAGE: Final = """
WITH RECURSIVE names AS (
    (SELECT {name} AS name FROM {table} WHERE merchant_id = %(merchant)s AND {name} > %(after)s
      ORDER BY {name} LIMIT 1)
    UNION ALL
    SELECT (SELECT {name} FROM {table} WHERE merchant_id = %(merchant)s AND {name} > names.name
             ORDER BY {name} LIMIT 1)
      FROM names WHERE names.name IS NOT NULL
), page AS MATERIALIZED (
    SELECT name FROM names WHERE name IS NOT NULL AND strpos(upper(name), upper(%(text)s)) > 0 LIMIT %(most)s
)
SELECT name, {shown}, (SELECT count(*) FROM {table} WHERE merchant_id = %(merchant)s AND {name} = page.name)
  FROM page ORDER BY name
"""
BRANDS: Final = _PAGE.format(
    table="catalog_product",
    name="upper(vendor)",
    # As it is written in the newest product.
    shown="(SELECT vendor FROM catalog_product WHERE merchant_id = %(merchant)s AND upper(vendor) = page.name"
    " ORDER BY id DESC LIMIT 1)",
)
TAGS: Final = _PAGE.format(table="catalog_producttag", name="tag", shown="name")


@dataclass(frozen=True, slots=True)
class Name:
    """A brand or tag, what it is sorted by, and how many products have it."""

    key: str
    name: str
    products: int


def page(kind: str, *, merchant_id: UUID, after: str, text: str, most: int) -> list[Name]:
    """Return the next names behind one, those that contain a text in any case; `kind` is BRANDS or TAGS."""
    with connection.cursor() as cursor:
        cursor.execute(kind, {"merchant": merchant_id, "after": after, "text": text, "most": most})
        return [Name(*row) for row in cursor.fetchall()]
