"""The kernel's screens of the merchant admin: the overview, the switch between merchants."""

from commerce.desk import overview

__all__ = ["overview"]  # Hung up by being imported.
