"""How a benchmark is run: how many times, within which time, and what it says when it cannot."""

import os
import time
from collections.abc import Iterator

DEFAULT = 3


class CannotRun(Exception):
    """A benchmark could not be carried out; the message says why. Slowness is no reason."""


def count() -> int:
    """Return how many runs the medians are of: RUNS, at least 1."""
    return max(1, int(os.environ.get("RUNS") or DEFAULT))


def paced(per_second: float, seconds: float) -> Iterator[int]:
    """Yield 0, 1, 2 ... at an even pace for so many seconds; one that is late is followed at once."""
    begun = time.monotonic()
    for number in range(round(per_second * seconds)):
        wait = begun + number / per_second - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield number


def note(text: str) -> None:
    """Print a line under the benchmark that is running."""
    print(f"    {text}", flush=True)
