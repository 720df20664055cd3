"""The kernel's screens of the merchant admin: the overview, members, keys, webhooks."""

from commerce.desk import hooks, joining, keys, overview, people

__all__ = ["hooks", "joining", "keys", "overview", "people"]  # Hung up by being imported.
