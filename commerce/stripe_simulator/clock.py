"""The simulator's clock: the machine's, plus what a test has advanced it by."""

import time


class Clock:
    """Seconds since 1970, with an offset that can only grow."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return the simulated time."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move on by some seconds."""
        self.offset += max(seconds, 0.0)
