"""From when on a pre-order is taken."""

from datetime import datetime, timedelta

# A card's promise lasts seven days at Stripe; the last one is left to the merchant for shipping.
WITHIN = timedelta(days=6)


def opens_at(released_at: datetime | None) -> datetime | None:
    """Return the moment from which on a variant with this release can be ordered; None: at any time."""
    return released_at - WITHIN if released_at else None
