"""Units that nobody holds any more go back on sale."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from catalog import stock
from streams import announce


def give_back(*, units: Mapping[UUID, int], now: datetime) -> None:
    """Put units that were taken back into the stock, inside the caller's transaction, and have it told."""
    stock.give_back(units=units, now=now)
    announce.stock_moved(variants=units)
