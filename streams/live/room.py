"""One show in one process: what was told last, who watches, and how a newcomer joins without missing
anything.

Everything here runs on the event loop and none of it awaits the network, so that replaying what a viewer
missed and admitting it are one step into which no event can fall.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog

from streams import showlog
from streams.frames import wire
from streams.live.viewer import Viewer

log = structlog.get_logger(__name__)

STATE_SECONDS = 0.2
CHAT_SECONDS = 0.1
CHAT_PER_TICK = 20
CHAT_HELD = 50

_REMOVED = '{"v":1,"t":"chat.removed"'


@dataclass(frozen=True, slots=True)
class Show:
    """What a room has to know of its stream."""

    id: UUID
    slug: str
    host_user_id: UUID


class Room:
    """The viewers of one show in this process, and the end of its lane."""

    def __init__(self, show: Show, *, on_gap: Callable[["Room"], None]) -> None:
        self.show = show
        self.members: set[Viewer] = set()  # Everybody who has said hello here.
        self.viewers: set[Viewer] = set()  # Of these, who hears lane s: all but those a snapshot is made for.
        self.epoch = ""
        self.top = 0
        self.settled = False  # The lane is known up to its end; otherwise what comes is held back.
        self.empty_since: float | None = None
        self.reactions: dict[str, int] = {}
        self._on_gap = on_gap
        self._ring: deque[tuple[int, str]] = deque(maxlen=showlog.RING)
        self._states: dict[str, tuple[int, str]] = {}
        self._lines: deque[tuple[str, str]] = deque(maxlen=CHAT_HELD)
        self._held: list[tuple[str, int, str]] = []
        self._new_states: dict[str, str] = {}
        self._new_lines: list[str] = []
        self._ticks: dict[str, asyncio.TimerHandle] = {}

    # --- what Redis says ---

    def hear(self, message: bytes) -> None:
        """Take a message of the stream's channel."""
        kind, a, b, frame = message.decode().split("|", 3)
        if kind == "m":
            if self.settled:
                self._place(a, int(b), frame)
            else:
                self._held.append((a, int(b), frame))
        elif kind == "s":
            self._state(a, int(b), frame)
        elif kind == "b":
            self._line(a, frame)

    def settle(self, lane: showlog.Lane) -> bool:
        """Go on from the lane as read; False when events were lost and all viewers need a snapshot."""
        whole = True
        if not self.epoch or lane.epoch != self.epoch or not self._continues(lane):
            whole = not self.epoch or not self.viewers
            self._ring.clear()
            self._ring.extend(lane.frames)
            self.epoch, self.top = lane.epoch, lane.top
        else:
            for offset, frame in lane.frames:
                if offset == self.top + 1:
                    self._accept(offset, frame)
        for key, (version, frame) in lane.states.items():
            self._state(key, version, frame)
        self.settled = True
        held, self._held = self._held, []
        for epoch, offset, frame in held:
            if self.settled:
                self._place(epoch, offset, frame)
            else:
                self._held.append((epoch, offset, frame))
        return whole

    def unsettle(self) -> None:
        """Hold back what comes, because something may have been missed."""
        self.settled = False

    def remember_lines(self, lines: list[tuple[str, str]]) -> None:
        """Begin the memory of chat with what was said before this process listened."""
        known = {line for line, _ in self._lines}
        merged = [each for each in lines if each[0] not in known] + list(self._lines)
        self._lines = deque(merged, maxlen=CHAT_HELD)

    # --- viewers ---

    def can_resume(self, epoch: str, offset: int) -> bool:
        """Say whether every event after that place is at hand."""
        if epoch != self.epoch or offset > self.top:
            return False
        return offset == self.top or (bool(self._ring) and self._ring[0][0] <= offset + 1)

    def join(self, viewer: Viewer, *, after: int, known_lines: frozenset[str] = frozenset()) -> None:
        """Hand over every event after that offset, states and last lines, and all that comes now."""
        for offset, frame in self._ring:
            if offset > after:
                viewer.must(frame)
        for key, (_, frame) in self._states.items():
            viewer.state(key, frame)
        missed = [frame for line, frame in self._lines if line not in known_lines]
        if missed:
            viewer.chat(len(missed), "\n".join(missed))
        viewer.position = (self.epoch, self.top)
        self.viewers.add(viewer)

    def admit(self, viewer: Viewer) -> None:
        """Count a viewer in, who will join."""
        viewer.room = self
        self.members.add(viewer)
        self.empty_since = None

    def leave(self, viewer: Viewer) -> None:
        """Hand nothing to a viewer until it joins again."""
        self.viewers.discard(viewer)

    def part(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self.viewers.discard(viewer)
        self.members.discard(viewer)

    def audience(self) -> int:
        """Return how many watch here: users once each, anonymous connections one by one."""
        known = {viewer.user_id for viewer in self.members if viewer.watches and viewer.user_id}
        return len(known) + sum(1 for viewer in self.members if viewer.watches and viewer.user_id is None)

    def react(self, kind: str, n: int) -> None:
        """Count a reaction until the hub takes the counts."""
        self.reactions[kind] = self.reactions.get(kind, 0) + n

    def close(self) -> None:
        """Stop the clockwork."""
        for tick in self._ticks.values():
            tick.cancel()
        self._ticks.clear()

    # --- inside ---

    def _continues(self, lane: showlog.Lane) -> bool:
        if lane.top <= self.top:
            return lane.top == self.top
        after = [offset for offset, _ in lane.frames if offset > self.top]
        return len(after) == lane.top - self.top

    def _place(self, epoch: str, offset: int, frame: str) -> None:
        if epoch == self.epoch and offset <= self.top:
            return
        if epoch == self.epoch and offset == self.top + 1:
            self._accept(offset, frame)
            return
        self.settled = False
        self._held.append((epoch, offset, frame))
        self._on_gap(self)

    def _accept(self, offset: int, frame: str) -> None:
        self.top = offset
        self._ring.append((offset, frame))
        if frame.startswith(_REMOVED):
            gone = orjson.loads(frame)["d"]["id"]
            self._lines = deque((each for each in self._lines if each[0] != gone), maxlen=CHAT_HELD)
        place = (self.epoch, offset)
        for viewer in self.viewers:
            viewer.must(frame)
            viewer.position = place

    def _state(self, key: str, version: int, frame: str) -> None:
        held = self._states.get(key)
        if held is not None and held[0] >= version:
            return
        self._states[key] = (version, frame)
        self._new_states[key] = frame
        self._tick("states", STATE_SECONDS, self._tell_states)

    def _line(self, line: str, frame: str) -> None:
        self._lines.append((line, frame))
        self._new_lines.append(frame)
        self._tick("chat", CHAT_SECONDS, self._tell_lines)

    def _tick(self, name: str, seconds: float, tell: Callable[[], None]) -> None:
        if name not in self._ticks:
            self._ticks[name] = asyncio.get_running_loop().call_later(seconds, tell)

    def _tell_states(self) -> None:
        self._ticks.pop("states", None)
        states, self._new_states = self._new_states, {}
        for viewer in self.viewers:
            for key, frame in states.items():
                viewer.state(key, frame)

    def _tell_lines(self) -> None:
        self._ticks.pop("chat", None)
        lines, self._new_lines = self._new_lines, []
        dropped = len(lines) - CHAT_PER_TICK
        if dropped > 0:
            lines = [*lines[dropped:], wire.event("chat.gap", {"dropped": dropped})]
        text = "\n".join(lines)
        for viewer in self.viewers:
            viewer.chat(len(lines), text)
