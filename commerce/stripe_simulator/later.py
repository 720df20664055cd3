"""What happens by itself some time after the request that began it: refunds end, disputes are decided.

The step and its time stand in the row (`_later`), so that they survive a restart with it.
"""

import heapq
from collections.abc import Callable, Iterable

from commerce.stripe_simulator import disputes, refunds
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Row
from commerce.stripe_simulator.store import Store

STEPS: dict[str, Callable[[Call, Row], Row]] = {
    "dispute.won": disputes.win,
    "dispute.lost": disputes.lose,
    "dispute.escalated": disputes.escalate,
    "dispute.overdue": disputes.expire,
    "refund.succeeded": refunds.succeed,
    "refund.failed": refunds.fail,
}


class Later:
    """The steps to come, soonest first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heap: list[tuple[float, str]] = []

    def note(self, rows: Iterable[Row]) -> bool:
        """Take in rows that were written; say whether a step is to come."""
        found = False
        for row in rows:
            if "_later" in row:
                heapq.heappush(self._heap, (row["_later"]["at"], row["id"]))
                found = True
        return found

    def next_at(self) -> float | None:
        """Return when the soonest step is due."""
        return self._heap[0][0] if self._heap else None

    def take(self, until: float) -> tuple[Row, str] | None:
        """Return the soonest row that is due, and its step, which is thereby taken off it."""
        while self._heap and self._heap[0][0] <= until:
            at, ident = heapq.heappop(self._heap)
            row = self._store.rows[ident]
            if row.get("_later", {}).get("at") == at:
                return row, str(row.pop("_later")["step"])
        return None
