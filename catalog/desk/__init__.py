"""The catalog's screens of the merchant admin: feeds that come in, files that go out, goods."""

from catalog.desk import exports, imports

__all__ = ["exports", "imports"]  # Hung up by being imported.
