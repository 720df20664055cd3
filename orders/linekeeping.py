"""What keeps the lines going without anybody's press: ends that have come, and the room's look at them."""

from collections.abc import Callable
from datetime import datetime

from orders import lines, waiting
from streams import showlog

ROUNDS = 20  # Batches of one sweep at most; the next one goes on.


def sweep(*, now: datetime) -> dict[str, int]:
    """End the turns and the waiting that are over, and tell the rooms of their lines.

    Returns how many of each. Raises Busy.
    """
    return {
        "turns": _batches(lambda: lines.lapse_due(now=now)),
        "waits": _batches(lambda: lines.end_waits(now=now)),
        "lines": tell(),
    }


def tell() -> int:
    """Tell the live rooms how long their lines are, if that has changed; returns how many have.

    One frame for a room instead of one for everybody who waits: she knows her number, and the frame says
    which one is the first. So a line of thousands moves at the cost of a line of two.
    """
    changed = 0
    for line in waiting.lines():
        d = {"variant": str(line.variant_id), "waiting": line.waiting, "first": line.first}
        changed += showlog.tell_state(
            stream_id=line.stream_id, t="waitlist.line", k=f"line:{line.variant_id}", n=line.version, d=d
        )
    return changed


def _batches(end_some: Callable[[], int]) -> int:
    ended = 0
    for _ in range(ROUNDS):
        some = end_some()
        ended += some
        if some < lines.BATCH:
            break
    return ended
