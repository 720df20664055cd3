"""How a process goes: it asks its viewers to come back elsewhere, spread over time, finishes what it was
asked, and closes those who stayed."""

MS_PER_VIEWER = 5  # Two hundred come back in a second.
GRACE_SECONDS = 2.0  # For those who leave last.
FINISH_SECONDS = 5.0  # For commands that run when the time is over.


def spread_ms(viewers: int, *, most_seconds: float) -> int:
    """Return over how many milliseconds so many viewers are asked to spread, within what the process has."""
    return min(int(most_seconds * 1000), MS_PER_VIEWER * viewers)
