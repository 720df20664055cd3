"""Units that nobody holds any more: for the next in line, or back on sale."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from orders import lines


def give_back(*, units: Mapping[UUID, int], now: datetime) -> None:
    """Give units that were taken from the stock to the next in line or back to it, inside the caller's
    transaction, and have it told.
    """
    lines.returned(units=units, of_offers={}, now=now)
