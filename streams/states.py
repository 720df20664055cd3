"""A show's life: which status may follow which, and the clock that starts when it goes live."""

from datetime import datetime, timedelta
from typing import Final

MOVES: Final[dict[str, frozenset[str]]] = {
    "scheduled": frozenset({"live", "cancelled"}),
    "live": frozenset({"ended"}),
    "ended": frozenset(),
    "cancelled": frozenset(),
}
EDITABLE: Final = frozenset({"scheduled", "live"})  # The showcase and the description may still change.


def may_move(old: str, new: str) -> bool:
    """Say whether a show of status `old` may become `new`."""
    return new in MOVES[old]


def sources_of(new: str) -> list[str]:
    """Return every status from which a show may become `new`."""
    return [old for old, following in MOVES.items() if new in following]


def clock_ms(live_at: datetime, at: datetime) -> int:
    """Return the milliseconds on the stream clock at a moment; never below zero."""
    return max(0, (at - live_at) // timedelta(milliseconds=1))
