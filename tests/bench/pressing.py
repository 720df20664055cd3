"""Buyers of the load client: each presses, waits for the answer, and presses again, so many times."""

import os
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.bench import frames
from tests.bench.viewing import Viewer

REPLY, ERROR = b'{"v":1,"t":"reply","re":', b'{"v":1,"t":"error","re":'
FIRST = 1000  # Numbers of purchases begin here; below are the room's.


@dataclass(slots=True)
class Rush:
    """One run: what is bought by everybody of a group, how often, and what came of it."""

    bodies: list[str]  # JSON of the command's `d`, each for one viewer after the other.
    times: int
    n: int
    within: float = 0.0  # Seconds over which the first presses are spread; 0: all at once.
    left: dict[int, int] = field(default_factory=dict)  # Presses left, by viewer.
    pressed: dict[int, int] = field(default_factory=dict)  # When the last one was, in nanoseconds.
    latencies: list[int] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    done: int = 0
    begun: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0

    def begin(self) -> None:
        """Start the clocks."""
        self.begun, self.cpu = time.monotonic(), time.process_time()

    def press(self, viewer: Viewer) -> None:
        """Press buy for a viewer, with a new key."""
        left = self.left.setdefault(viewer.index, self.times)
        key = uuid.UUID(bytes=os.urandom(16), version=4)
        number = FIRST + self.times - left
        body = self.bodies[viewer.index % len(self.bodies)]
        text = f'{{"v":1,"t":"purchase.create","id":{number},"key":"{key}","d":{body}}}'
        self.pressed[viewer.index] = time.monotonic_ns()
        viewer.send_bytes(frames.masked(text.encode()))

    def hear(self, viewer: Viewer, data: bytes, now: int) -> bytes:
        """Take the answers to presses out of what came; returns the other frames and the unfinished rest."""
        found, used = frames.split(data)
        others = bytearray()
        at = 0
        for opcode, payload in found:
            end = at + (2 if len(payload) < 126 else 4 if len(payload) < 65_536 else 10) + len(payload)
            if opcode == frames.TEXT and payload.startswith(REPLY):
                self._answered(viewer, "accepted", now)
            elif opcode == frames.TEXT and payload.startswith(ERROR):
                code = payload.split(b'"code":"', 1)[1].split(b'"', 1)[0].decode()
                self._answered(viewer, code, now)
            else:
                others += data[at:end]
            at = end
        return bytes(others) + data[used:]

    def _answered(self, viewer: Viewer, outcome: str, now: int) -> None:
        self.latencies.append(now - self.pressed[viewer.index])
        self.outcomes[outcome] += 1
        self.left[viewer.index] -= 1
        if self.left[viewer.index]:
            self.press(viewer)
        else:
            self.done += 1
            self.ended = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether everybody has all answers."""
        return self.done == self.n

    def stats(self) -> dict[str, Any]:
        """Return what came of it."""
        return {
            "outcomes": dict(self.outcomes),
            "begun": self.begun,
            "ended": self.ended,
            "waits_ms": [each / 1e6 for each in self.latencies],
            "cpu_seconds": time.process_time() - self.cpu,
        }
