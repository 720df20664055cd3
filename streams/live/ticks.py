"""What may wait a moment before it is told: chat and states, gathered into one frame for everybody.

What comes after silence goes at once. Then chat is told every CHAT_SECONDS at most and states every
STATE_SECONDS, each with its newest value; some states are not worth even that. Whatever falls into the same
moment goes as one frame.

A large room, or a process that is busy with a rush, takes long to tell everybody. Then ticks come less often,
so that they take a fifth of the time at most: what cannot wait goes between them, as do answers to buyers.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from streams.frames import wire
from streams.live import packing, tally
from streams.live.viewer import Viewer

CHAT_SECONDS = 0.1
CHAT_PER_TICK = 20
STATE_SECONDS = 0.2
# States of which nobody needs every change.
SELDOM = {"viewers": 2.0, "reactions": 1.0}
REST = 4  # Times as long as a telling took, until the next one.
MOST_REST_SECONDS = 1.0
KEPT_ROLES = ("host", "mod")

_EARLY = 1e-6  # Sums of intervals are not exact.


@dataclass(frozen=True, slots=True)
class Line:
    """A line of chat, and by whom it is; role and author are empty where the publisher did not say."""

    id: str
    role: str
    author: str
    payload: bytes


class Batch:
    """What is told in one tick."""

    def __init__(self, states: dict[str, bytes], lines: list[Line], *, most: int = CHAT_PER_TICK) -> None:
        self.states, self.lines = states, lines
        self._told = _thinned(lines, most)
        self._payloads = [line.payload for line in self._told]
        if dropped := len(lines) - len(self._told):
            self._payloads.append(wire.event("chat.gap", {"dropped": dropped}).encode())
            tally.here.thinned += dropped

    @cached_property
    def frame(self) -> bytes:
        """All of it as one packed frame."""
        return packing.pack(b"\n".join((*self.states.values(), *self._payloads)))

    @cached_property
    def left_out(self) -> dict[str, tuple[int, bytes]]:
        """The lines that the room is spared, by author: how many, and packed."""
        if len(self._told) == len(self.lines):
            return {}
        told = {line.id for line in self._told}
        by: dict[str, list[bytes]] = {}
        for line in self.lines:
            if line.id not in told and line.author:
                by.setdefault(line.author, []).append(line.payload)
        return {author: (len(own), packing.pack(b"\n".join(own))) for author, own in by.items()}

    def hold(self, viewer: Viewer) -> None:
        """Hold it back for a viewer who is behind, by class."""
        for key, frame in self._packed_states.items():
            viewer.hold_state(key, frame)
        if self.lines:
            viewer.hold_chat(len(self.lines), self._packed_chat)

    @cached_property
    def _packed_states(self) -> dict[str, bytes]:
        return {key: packing.pack(payload) for key, payload in self.states.items()}

    @cached_property
    def _packed_chat(self) -> bytes:
        return packing.pack(b"\n".join(self._payloads))


class Ticks:
    """The clockwork of one room."""

    __slots__ = ("_began", "_fires_at", "_last", "_lines", "_rests_until", "_states", "_tell", "_timer")

    def __init__(self, tell: Callable[[Batch], None]) -> None:
        self._tell = tell
        self._began = self._rests_until = 0.0
        self._lines: list[Line] = []
        self._states: dict[str, dict[str, bytes]] = {}  # By how often they may be told.
        self._last: dict[str, float] = {}
        self._timer: asyncio.Handle | None = None  # Under uvloop one of now has no time of its own.
        self._fires_at = 0.0

    def say(self, line: Line) -> None:
        """Tell a line of chat."""
        self._lines.append(line)
        self._set()

    def unsay(self, line_id: str) -> None:
        """Do not tell a line that still waits."""
        self._lines = [line for line in self._lines if line.id != line_id]

    def show(self, key: str, payload: bytes) -> None:
        """Tell the newest value of a key."""
        self._states.setdefault(key if key in SELDOM else "", {})[key] = payload
        self._set()

    def told(self) -> None:
        """Note that everybody has been told the last batch."""
        now = asyncio.get_running_loop().time()
        self._rests_until = now + min(MOST_REST_SECONDS, REST * (now - self._began))
        if self._waiting():
            self._set()

    def stop(self) -> None:
        """Tell nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, what: str) -> float:
        every = CHAT_SECONDS if what == "chat" else SELDOM.get(what, STATE_SECONDS)
        return max(self._last.get(what, float("-inf")) + every, self._rests_until)

    def _waiting(self) -> list[str]:
        return [*self._states, "chat"] if self._lines else [*self._states]

    def _set(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = max(now, min(map(self._due, self._waiting())))
        if self._timer is not None:
            # A tick that is near takes along what comes until then.
            if self._fires_at <= max(due, now + CHAT_SECONDS):
                return
            self._timer.cancel()
        # Also at once is not before the next round of the loop: what comes together is told together.
        self._timer, self._fires_at = loop.call_at(due, self._fire, due), due

    def _fire(self, at: float) -> None:
        self._timer = None
        states: dict[str, bytes] = {}
        lines: list[Line] = []
        most = CHAT_PER_TICK
        for what in self._waiting():
            if self._due(what) <= at + _EARLY:
                if what == "chat":
                    lines, self._lines = self._lines, []
                    most = self._most()
                else:
                    states |= self._states.pop(what)
                self._last[what] = at
        if states or lines:
            # Until it is known when all have been told; should nobody say so, it goes on all the same.
            self._began, self._rests_until = asyncio.get_running_loop().time(), at + MOST_REST_SECONDS
            self._tell(Batch(states, lines, most=most))
        if self._waiting():
            self._set()

    def _most(self) -> int:
        """Return how many lines may be told: those of all the ticks that a rest has left out."""
        rested = self._rests_until - self._last.get("chat", self._rests_until)
        return max(CHAT_PER_TICK, round(CHAT_PER_TICK * rested / CHAT_SECONDS))


def _thinned(lines: list[Line], most: int) -> list[Line]:
    over = len(lines) - most
    if over <= 0:
        return lines
    others = [n for n, line in enumerate(lines) if line.role not in KEPT_ROLES]
    spared = set(random.sample(others, min(over, len(others))))
    return [line for n, line in enumerate(lines) if n not in spared]
