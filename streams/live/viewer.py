"""One connection as the hub sees it: what it is told goes out at once, or waits by its class.

While the way out is free, telling is one write. When too much waits in the way (a phone in a tunnel), it is
held here. Of must frames up to HELD_BYTES are held; beyond that the viewer is closed and comes back to
resume. Of a state only the newest is held. Of chat only the last frames are held, and how many lines were
lost is told. When the way is free again, what was held leaves in the order must, state, chat. A viewer to
whose network nothing could be given for STUCK_SECONDS is closed too.
"""

import asyncio
from array import array
from collections.abc import Callable
from uuid import UUID

import structlog
from django.conf import settings

from streams.live import packing, tally
from streams.live.held import HELD_BYTES, Held
from streams.live.ways import HIGH_WATER, Way
from streams.live.wheel import Wheel

log = structlog.get_logger(__name__)

STUCK_SECONDS = 10.0
LOOK_SECONDS = 2.5  # How often one to whom nothing can be given is looked at.
LIFE_SECONDS = float(settings.ROOM_LIFE_SECONDS)  # Of a connection, unless it is extended.
WARN_SECONDS = 60.0  # Before a connection expires.
HEARTBEAT_SECONDS = 25.0
CUT_SECONDS = 3.0  # For a close frame to be taken.

TOO_SLOW = 4508


class Place:
    """How far a room has told its viewers, and when it last told them anything; they share one."""

    __slots__ = ("epoch", "offset", "told_at")

    def __init__(self, epoch: str, offset: int, told_at: float) -> None:
        self.epoch, self.offset, self.told_at = epoch, offset, told_at


Write = Callable[[bytes], None]


class Seat:
    """Where a viewer sits in a row of those who are told the same (`fanout`)."""

    __slots__ = ("fds", "missed", "number", "row")

    def __init__(self, row: list[Write], fds: "array[int]", number: int, missed: "list[Viewer]") -> None:
        self.row, self.fds, self.number, self.missed = row, fds, number, missed


class Viewer:
    """A connection. Nothing here ever waits for the network."""

    __slots__ = (
        "__weakref__",
        "_held",
        "_pressed_at",
        "_pressed_by",
        "_snapshot_waits",
        "_told_at",
        "_way",
        "_wheel",
        "answer_by",
        "closing",
        "cut_at",
        "expires_at",
        "fd",
        "flows",
        "gone",
        "place",
        "renew",
        "seat",
        "since",
        "slot",
        "user_id",
        "warned",
        "watches",
        "write",
    )

    def __init__(self, way: Way, *, wheel: "Wheel[Viewer]", renew: Callable[[str], None]) -> None:
        self._way, self._wheel = way, wheel
        self.write: Write = way.write  # For the row it sits in, while the viewer flows.
        self.renew = renew  # Tell it a lane anew: "s" by a snapshot, "u" by what is the shopper's own.
        self.fd = way.fd  # For the row as well: `-1` there is none.
        self.seat: Seat | None = None
        self.flows = True  # Whatever comes may be written at once.
        self.slot = -1  # The wheel's.
        self._held: Held | None = None
        self._pressed_at: float | None = None  # Since when the network has taken nothing of what waits,
        self._pressed_by = 0  # and how much that is.
        self._snapshot_waits = False
        self._told_at = self.since = now()
        self.user_id: UUID | None = None
        self.watches = True  # Counts as a viewer; the host at her own show does not.
        self.place: Place | None = None  # Of the room that it hears, or where it stopped hearing it.
        self.answer_by: float | None = None  # When a hello or a pong is overdue.
        self.expires_at = self.since + LIFE_SECONDS
        self.warned = False
        self.gone = False  # The connection is no more.
        self.closing: int | None = None  # The close code; 0 when the other end was first.
        self.cut_at: float | None = None
        way.listener = self

    # --- telling ---

    def must(self, frame: str | bytes) -> None:
        """Hand over what must arrive, as text or packed; closes the viewer when too much waits already."""
        packed = packing.pack(frame) if isinstance(frame, str) else frame
        if self.flows:
            self._write(packed)
            tally.here.frames["must"] += 1
        else:
            self.hold_must(packed)

    def snapshot(self, frame: str | bytes) -> None:
        """Hand over a snapshot. Its size is not the viewer's fault and does not count as backlog."""
        packed = packing.pack(frame) if isinstance(frame, str) else frame
        self.catch_up(packed)
        self._snapshot_waits = not self.flows

    def catch_up(
        self, must: bytes, *, states: dict[str, bytes] | None = None, lines: int = 0, chat: bytes = b""
    ) -> None:
        """Hand over what a newcomer has missed, however much that is: packed frames."""
        if self.flows:
            if together := b"".join((must, *(states or {}).values(), chat)):
                self._write(together)
            return
        if self.closing is not None:
            return
        if must:
            self._hold().keep_must(must, fault=0)
        for key, frame in (states or {}).items():
            self.hold_state(key, frame)
        if chat:
            self.hold_chat(lines, chat)

    def state(self, key: str, frame: bytes) -> None:
        """Hand over the newest value of a key, packed."""
        if self.flows:
            self._write(frame)
            tally.here.frames["state"] += 1
        else:
            self.hold_state(key, frame)

    def chat(self, lines: int, frame: bytes) -> None:
        """Hand over so many lines of chat in one packed frame."""
        if self.flows:
            self._write(frame)
            tally.here.frames["chat"] += 1
        else:
            self.hold_chat(lines, frame)

    def hold_must(self, frame: bytes) -> None:
        """Hold a must frame back."""
        if self.closing is not None:
            return
        held = self._hold()
        held.keep_must(frame, fault=len(frame))
        if held.must_bytes > HELD_BYTES:
            self.close(TOO_SLOW)

    def hold_state(self, key: str, frame: bytes) -> None:
        """Hold the newest value of a key back, instead of an older one."""
        if self.closing is None:
            self._hold().keep_state(key, frame)

    def hold_chat(self, lines: int, frame: bytes) -> None:
        """Hold so many lines of chat back; the oldest that wait give way."""
        if self.closing is None:
            self._hold().keep_chat(lines, frame)

    def strike(self, line: bytes) -> None:
        """Take out of the chat that is held back every line which contains these bytes."""
        if self._held is not None:
            self._held.strike(line)

    @property
    def backlog(self) -> int:
        """Bytes of must frames that are held back."""
        return self._held.must_bytes if self._held else 0

    @property
    def held(self) -> int:
        """Bytes of all frames that are held back."""
        return self._held.size if self._held else 0

    @property
    def snapshot_waits(self) -> bool:
        """Whether the last snapshot has not been taken yet."""
        return self._snapshot_waits

    @property
    def position(self) -> tuple[str, int] | None:
        """The last place in lane s that was surely handed over."""
        return (self.place.epoch, self.place.offset) if self.place else None

    # --- in a row ---

    def sit(self, seat: Seat | None) -> None:
        """Take a seat, or leave it."""
        self.seat = seat

    def miss(self, frame: bytes) -> None:
        """Ask whoever tells the row to hold this back: the viewer is behind, or going."""
        if self.seat is not None:
            self.seat.missed.append(self)

    # --- what the way says ---

    def pause(self) -> None:
        """Hold back, because too much waits in the way."""
        self._flow(False)
        self._pressed_at, self._pressed_by = now(), self._way.waits()
        self._wheel.sooner(self, self._pressed_at + LOOK_SECONDS)

    def resume(self) -> None:
        """Go on with what was held back, as far as the way takes it."""
        self._pressed_at, self._snapshot_waits = None, False
        while self._held is not None and self._pressed_at is None:
            frames = self._held.take(HIGH_WATER)
            if frames:
                self._write(frames)
            else:
                self._held = None
        if self._pressed_at is None:
            if self.closing:
                self._way.hang_up(self.closing)
            self._flow(self.closing is None)

    def lost(self) -> None:
        """Note that the connection is no more."""
        self._flow(False)
        self.gone = True
        self.closing = self.closing or 0
        self._drop()
        self._wheel.drop(self)
        self.renew = _nobody_there  # It holds who made the viewer, who holds the viewer.

    # --- going ---

    def close(self, code: int) -> None:
        """Close the connection with this code, after what is held back unless the viewer is too slow."""
        if self.closing is not None:
            return
        self.closing = code
        self._flow(False)
        if code == TOO_SLOW:
            self._drop()
        if self._held is None:
            self._way.hang_up(code)
        self.leave_soon()

    def over(self) -> None:
        """Say nothing any more, because the other end has said goodbye or talks nonsense."""
        self._flow(False)
        self.closing = self.closing or 0
        self._drop()
        self.leave_soon()

    def leave_soon(self) -> None:
        """See to it that the connection ends, however little its other end takes part."""
        if self.cut_at is None and not self.gone:
            self.cut_at = now() + CUT_SECONDS
            self._wheel.sooner(self, self.cut_at)

    def cut(self) -> None:
        """End the connection below the protocol, where the peer takes not even a close frame."""
        self._flow(False)
        self.closing = self.closing or 0
        self._drop()
        tally.here.cut += 1
        self._way.cut()

    def failed(self) -> None:
        """End a connection whose way has thrown; others are not to feel it."""
        log.exception("viewer.failed")
        self.cut()

    # --- the hub's look ---

    @property
    def told_at(self) -> float:
        """When anything was last sent."""
        return max(self._told_at, self.place.told_at) if self.place else self._told_at

    def stuck(self, at: float) -> bool:
        """Say whether the network has taken nothing of what waits for too long."""
        if self._pressed_at is None:
            return False
        waits = self._way.waits()
        if waits < self._pressed_by:
            self._pressed_at, self._pressed_by = at, waits
        return at - self._pressed_at >= STUCK_SECONDS

    @property
    def looks_at(self) -> float:
        """When this viewer has to be looked at next."""
        if self.cut_at is not None:
            return self.cut_at
        if self._pressed_at is not None:
            return min(self._pressed_at + STUCK_SECONDS, now() + LOOK_SECONDS)
        ends = self.expires_at if self.warned else self.expires_at - WARN_SECONDS
        return min(ends, self.told_at + HEARTBEAT_SECONDS if self.answer_by is None else self.answer_by)

    # --- inside ---

    def _flow(self, flows: bool) -> None:
        self.flows = flows
        if self.seat is not None:
            self.seat.row[self.seat.number] = self.write if flows else self.miss
            self.seat.fds[self.seat.number] = self.fd if flows else -1

    def _write(self, frames: bytes) -> None:
        self._told_at = now()
        tally.here.bytes += len(frames)
        try:
            self.write(frames)
        except Exception:
            self.failed()

    def _hold(self) -> Held:
        if self._held is None:
            self._held = Held()
        return self._held

    def _drop(self) -> None:
        if self._held is not None:
            self._held.grow(-self._held.size)
            self._held = None


def _nobody_there(lane: str) -> None:
    pass


def now() -> float:
    """Return the loop's clock, in seconds."""
    return asyncio.get_running_loop().time()
