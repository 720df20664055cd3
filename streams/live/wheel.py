"""One clockwork for all viewers of a process: who has to be looked at when.

A hashed wheel of coarse slots. To put, move or drop an entry costs the same for one and for fifty thousand,
and a turn costs only those who are due. The wheel promises a look no earlier than asked and at most a step
later; for what lies beyond one turn the look comes early, and whoever looks puts it back.
"""

import math
from typing import Generic, Protocol, TypeVar

STEP_SECONDS = 0.5
SLOTS = 128


class Entry(Protocol):
    """Whatever can be put on a wheel; `slot` is the wheel's, below zero while the entry is not on it."""

    slot: int


E = TypeVar("E", bound=Entry)


class Wheel(Generic[E]):
    """Entries by the step at which they are due."""

    __slots__ = ("_at", "_slots", "_start")

    def __init__(self, now: float) -> None:
        self._start = now
        self._at = 0  # The step up to which everybody has been looked at.
        self._slots: list[set[E]] = [set() for _ in range(SLOTS)]

    def put(self, entry: E, at: float) -> None:
        """Let the entry come up at that time (the loop's clock, seconds), and not when it was to before."""
        self._place(entry, self._steps(at))

    def sooner(self, entry: E, at: float) -> None:
        """Like `put`, unless the entry comes up earlier anyhow."""
        steps = self._steps(at)
        if entry.slot < 0 or steps < (entry.slot - self._at - 1) % SLOTS + 1:
            self._place(entry, steps)

    def drop(self, entry: E) -> None:
        """Take the entry off the wheel, if it is on it."""
        if entry.slot >= 0:
            self._slots[entry.slot].discard(entry)
            entry.slot = -1

    def turn(self, now: float) -> list[E]:
        """Go on to that time and return who is due, taken off the wheel."""
        due: list[E] = []
        until = math.floor((now - self._start) / STEP_SECONDS)
        for step in range(self._at + 1, min(until, self._at + SLOTS) + 1):
            slot = self._slots[step % SLOTS]
            for entry in slot:
                entry.slot = -1
            due.extend(slot)
            slot.clear()
        self._at = max(self._at, until)
        return due

    def __len__(self) -> int:
        """Return how many are on the wheel."""
        return sum(map(len, self._slots))

    def _steps(self, at: float) -> int:
        step = math.ceil((at - self._start) / STEP_SECONDS)
        return min(max(step - self._at, 1), SLOTS)

    def _place(self, entry: E, steps: int) -> None:
        self.drop(entry)
        entry.slot = (self._at + steps) % SLOTS
        self._slots[entry.slot].add(entry)
