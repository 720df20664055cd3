"""The catalog's screens of the merchant admin: feeds that come in, files that go out, goods."""

from catalog.desk import exports, imports, products

__all__ = ["exports", "imports", "products"]  # Hung up by being imported.
