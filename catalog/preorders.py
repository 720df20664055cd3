"""From when on a pre-order is taken."""

from datetime import UTC, datetime, timedelta

# A card's promise lasts seven days at Stripe; the last one is left to the merchant for shipping.
WITHIN = timedelta(days=6)
_FIRST = datetime.min.replace(tzinfo=UTC)


def opens_at(released_at: datetime | None) -> datetime | None:
    """Return the moment from which on a variant with this release can be ordered; None: at any time."""
    if released_at is None:
        return None
    # There is no moment before the first year.
    return released_at - WITHIN if released_at >= _FIRST + WITHIN else _FIRST
