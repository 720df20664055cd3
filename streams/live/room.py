"""One show in one process: what was told last, who watches, and how a newcomer joins without missing
anything.

Everything here runs on the event loop and none of it awaits the network, so that replaying what a viewer
missed and admitting it are one step into which no event can fall.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import orjson

from streams import showlog
from streams.live import packing, tally
from streams.live.fanout import Fanout
from streams.live.ticks import Batch, Line, Ticks
from streams.live.viewer import Place, Viewer, now

CHAT_HELD = 50
# More than this is not replayed; a snapshot is smaller.
REPLAY_BYTES = 1_048_576

_REMOVED = b'{"v":1,"t":"chat.removed"'


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
        self.viewers = Fanout()  # Of these, who hears lane s: all but those a snapshot is made for.
        self.epoch = ""
        self.top = 0
        self.settled = False  # The lane is known up to its end; otherwise what comes is held back.
        self.empty_since: float | None = None
        self.reactions: dict[str, int] = {}
        self._on_gap = on_gap
        self._place = Place("", 0, 0.0)
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=showlog.RING)
        self._states: dict[str, tuple[int, bytes]] = {}
        self._lines: deque[tuple[str, bytes]] = deque(maxlen=CHAT_HELD)
        self._held: list[tuple[str, int, bytes]] = []
        self._ticks = Ticks(self._tell_batch)

    # --- what Redis says ---

    def hear(self, message: bytes) -> None:
        """Take a message of the stream's channel."""
        kind, a, b, payload = message.split(b"|", 3)
        if kind == b"m":
            each = (a.decode(), int(b), packing.pack(payload))
            if self.settled:
                self._place_in_lane(*each)
            else:
                self._held.append(each)
        elif kind == b"s":
            self._state(a.decode(), int(b), payload)
        elif kind == b"b":
            role, _, author = b.decode().partition(":")
            self._ticks.say(Line(a.decode(), role, author, payload))

    @property
    def waiting(self) -> int:
        """How many messages are held back until the lane is known."""
        return len(self._held)

    def settle(self, lane: showlog.Lane, *, before: int = 0) -> bool:
        """Go on from the lane as read; False when events were lost and all viewers need a snapshot.

        `before` is how many messages were waiting when the lane was asked for. Those of another epoch are of
        an older one and count no more; one that came later may be of the next.
        """
        whole = True
        if not self.epoch or lane.epoch != self.epoch or not self._continues(lane):
            whole = not self.epoch or not self.viewers
            tally.here.lost += not whole
            self._ring.clear()
            if lane.epoch != self.epoch:
                self._states.clear()  # Their versions may begin anew, too; snapshots have the numbers.
            self._ring.extend((offset, packing.pack(frame)) for offset, frame in lane.frames)
            self.epoch, self.top = lane.epoch, lane.top
            self._place = Place(self.epoch, self.top, self._place.told_at)
        else:
            tally.here.repaired += lane.top > self.top
            for offset, frame in lane.frames:
                if offset == self.top + 1:
                    self._accept(offset, packing.pack(frame))
        for key, (version, state) in lane.states.items():
            self._state(key, version, state.encode())
        self.settled = True
        held, self._held = self._held, []
        for n, (epoch, offset, packed) in enumerate(held):
            if not self.settled:
                self._held.append((epoch, offset, packed))
            elif n >= before or epoch == self.epoch:
                self._place_in_lane(epoch, offset, packed)
        return whole

    def unsettle(self) -> None:
        """Hold back what comes, because something may have been missed."""
        self.settled = False

    def remember_lines(self, lines: list[tuple[str, str]]) -> None:
        """Begin the memory of chat with what was said before this process listened."""
        known = {line for line, _ in self._lines}
        earlier = [(line, payload.encode()) for line, payload in lines if line not in known]
        self._lines = deque([*earlier, *self._lines], maxlen=CHAT_HELD)

    # --- viewers ---

    def can_resume(self, epoch: str, offset: int) -> bool:
        """Say whether every event after that place is at hand, and not too much of them."""
        if epoch != self.epoch or offset > self.top:
            return False
        if offset == self.top:
            return True
        if not self._ring or self._ring[0][0] > offset + 1:
            return False
        return sum(len(frame) for at, frame in self._ring if at > offset) <= REPLAY_BYTES

    def join(self, viewer: Viewer, *, after: int, known_lines: frozenset[str] = frozenset()) -> None:
        """Hand over every event after that offset, states and last lines, and all that comes now."""
        missed = b"".join(frame for offset, frame in self._ring if offset > after)
        states = {key: packing.pack(payload) for key, (_, payload) in self._states.items()}
        lines = [payload for line, payload in self._lines if line not in known_lines]
        chat = packing.pack(b"\n".join(lines)) if lines else b""
        viewer.catch_up(missed, states=states, lines=len(lines), chat=chat)
        viewer.place = self._place
        self.viewers.add(viewer)

    def admit(self, viewer: Viewer) -> None:
        """Count a viewer in, who will join."""
        self.members.add(viewer)
        self.empty_since = None

    def leave(self, viewer: Viewer) -> None:
        """Hand nothing to a viewer until it joins again."""
        if viewer in self.viewers:
            self.viewers.discard(viewer)
            viewer.place = Place(self._place.epoch, self._place.offset, self._place.told_at)

    def part(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self.viewers.discard(viewer)
        self.members.discard(viewer)

    def react(self, kind: str, n: int) -> None:
        """Count a reaction until the hub takes the counts."""
        self.reactions[kind] = self.reactions.get(kind, 0) + n

    def close(self) -> None:
        """Stop the clockwork."""
        self._ticks.stop()
        self.viewers.stop()

    # --- inside ---

    def _continues(self, lane: showlog.Lane) -> bool:
        if lane.top <= self.top:
            return lane.top == self.top
        after = [offset for offset, _ in lane.frames if offset > self.top]
        return len(after) == lane.top - self.top

    def _place_in_lane(self, epoch: str, offset: int, frame: bytes) -> None:
        if epoch == self.epoch and offset <= self.top:
            return
        if epoch == self.epoch and offset == self.top + 1:
            self._accept(offset, frame)
            return
        self.settled = False
        self._held.append((epoch, offset, frame))
        self._on_gap(self)

    def _accept(self, offset: int, frame: bytes) -> None:
        self.top = offset
        self._ring.append((offset, frame))
        hold, overtakes = partial(_hold_must, frame), True
        if frame.find(_REMOVED, 0, 40) >= 0:
            gone = orjson.loads(next(packing.unpack(frame)))["d"]["id"]
            self._lines = deque((each for each in self._lines if each[0] != gone), maxlen=CHAT_HELD)
            self._ticks.unsay(gone)
            # Its line must have come before it.
            hold, overtakes = partial(_hold_removal, frame, f'"id":"{gone}"'.encode()), False
        self._place.told_at = now()
        self.viewers.tell(
            frame,
            kind="must",
            hold=hold,
            done=partial(self._reached, self.epoch, offset),
            overtakes=overtakes,
        )

    def _reached(self, epoch: str, offset: int) -> None:
        if self._place.epoch == epoch:
            self._place.offset = offset

    def _state(self, key: str, version: int, payload: bytes) -> None:
        held = self._states.get(key)
        if held is not None and held[0] >= version:
            return
        self._states[key] = (version, payload)
        self._ticks.show(key, payload)

    def _tell_batch(self, batch: Batch) -> None:
        self._lines.extend((line.id, line.payload) for line in batch.lines)
        self._place.told_at = now()
        self.viewers.tell(batch.frame, kind="tick", hold=batch.hold, waits=True, done=self._ticks.told)
        if batch.left_out:
            # Whoever said a line that the room is spared sees it all the same.
            for viewer in self.viewers:
                own = batch.left_out.get(str(viewer.user_id)) if viewer.user_id else None
                if own is not None:
                    viewer.chat(*own)


def _hold_must(frame: bytes, viewer: Viewer) -> None:
    viewer.hold_must(frame)


def _hold_removal(frame: bytes, line: bytes, viewer: Viewer) -> None:
    viewer.strike(line)
    viewer.hold_must(frame)
