"""What happened, step by step, and whether it was right."""

from __future__ import annotations

import time
from collections.abc import Sequence


class Report:
    """Prints steps and checks; `bad` counts the checks that failed."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.checks = 0
        self.bad = 0

    def act(self, title: str) -> None:
        """Begin a part of the scene."""
        print(f"\n{title}", flush=True)

    def step(self, text: str) -> None:
        """Say what happened."""
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def quote(self, lines: Sequence[str]) -> None:
        """Show what a command has printed."""
        for line in lines:
            print(f"{'':10}{line}", flush=True)

    def check(self, right: bool, text: str) -> None:
        """Say what must be so, and whether it is."""
        self.checks += 1
        self.bad += not right
        print(f"{time.monotonic() - self._began:6.1f} s  {'ok ' if right else 'BAD'} {text}", flush=True)

    def equal(self, found: object, wanted: object, text: str) -> None:
        """Check that two values are the same, and show both when they are not."""
        self.check(found == wanted, text if found == wanted else f"{text}: {found!r}, not {wanted!r}")


def percentile(values: Sequence[float], portion: float) -> float:
    """The value that `portion` of the values do not exceed (nearest rank); 0 without values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(portion * len(ordered) * 1000) // 1000) - 1))]
