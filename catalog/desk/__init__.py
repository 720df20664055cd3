"""The catalog's screens of the merchant admin: goods, prices, stock, feeds in, files out."""

from catalog.desk import (
    announced,
    exports,
    imports,
    pictures,
    places,
    products,
    sorting,
    sources,
    stocked,
)

__all__ = [  # Hung up by being imported.
    "announced",
    "exports",
    "imports",
    "pictures",
    "places",
    "products",
    "sorting",
    "sources",
    "stocked",
]
