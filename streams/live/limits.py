"""How much one connection may ask, counted in the process."""


class Bucket:
    """Tokens that come back at a steady rate, up to a burst."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float, n: int = 1) -> bool:
        """Take so many tokens; False when there are fewer. `now` is in seconds of any steady clock."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < n:
            return False
        self._left -= n
        return True
