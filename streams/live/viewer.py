"""One connection's way out: a bounded queue and the task that empties it, so that nobody waits for a slow
viewer.

What may wait here follows the class of a frame. Must frames wait, up to QUEUE_BYTES; beyond that the viewer
is closed and comes back to resume. Of a state only the newest waits. Of chat only the last lines wait, and
how many were lost is told. A viewer to whom nothing could be sent for STUCK_SECONDS is closed too.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from streams.frames import wire

if TYPE_CHECKING:
    from streams.live.room import Room

QUEUE_BYTES = 262_144
CHAT_FRAMES = 50
STUCK_SECONDS = 10.0
LIFE_SECONDS = 3600.0  # Of a connection, unless it is extended.

TOO_SLOW = 4508

Send = Callable[[str], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]


class Viewer:
    """A connection as the hub sees it. Only `run` ever awaits the network."""

    __slots__ = (
        "_abort",
        "_chat",
        "_close",
        "_lost",
        "_must",
        "_must_bytes",
        "_send",
        "_states",
        "_wake",
        "answer_by",
        "closing",
        "cut_at",
        "expires_at",
        "position",
        "pressed_at",
        "renew",
        "room",
        "since",
        "snapshot_waits",
        "told_at",
        "user_id",
        "warned",
        "watches",
    )

    def __init__(
        self,
        *,
        send: Send,
        close: Close,
        abort: Callable[[], None],
        renew: Callable[[str], None],
        now: float,
    ) -> None:
        self._send, self._close, self._abort = send, close, abort
        self.renew = renew  # Tell it a lane anew: "s" by a snapshot, "u" by what is the shopper's own.
        self._must: deque[str] = deque()
        self._must_bytes = 0
        self._states: dict[str, str] = {}
        self._chat: deque[tuple[int, str]] = deque()
        self._lost = 0
        self._wake = asyncio.Event()
        self.since = now
        self.user_id: UUID | None = None
        self.room: Room | None = None
        self.watches = True  # Counts as a viewer; the host at her own show does not.
        self.position: tuple[str, int] | None = None  # The last place in lane s that was handed over.
        self.snapshot_waits = False
        self.told_at = now  # When something was last sent.
        self.pressed_at: float | None = None  # Since when a send has been waiting for the network.
        self.answer_by: float | None = None  # When a hello or a pong is overdue.
        self.expires_at = now + LIFE_SECONDS
        self.warned = False
        self.closing: int | None = None
        self.cut_at: float | None = None

    def must(self, frame: str) -> None:
        """Hand over a frame that must arrive; closes the viewer when too much waits already."""
        if self.closing is not None:
            return
        self._must_bytes += len(frame)
        self._must.append(frame)
        if self._must_bytes > QUEUE_BYTES:
            self.close(TOO_SLOW)
        self._wake.set()

    def snapshot(self, frame: str) -> None:
        """Hand over a snapshot. Its size is not the viewer's fault and does not count as backlog."""
        if self.closing is not None:
            return
        self._must.append(frame)
        self.snapshot_waits = True
        self._wake.set()

    def state(self, key: str, frame: str) -> None:
        """Hand over the newest value of a key, replacing one that still waits."""
        if self.closing is not None:
            return
        self._states[key] = frame
        self._wake.set()

    def chat(self, lines: int, frame: str) -> None:
        """Hand over so many lines of chat in one frame; the oldest that wait give way."""
        if self.closing is not None:
            return
        self._chat.append((lines, frame))
        if len(self._chat) > CHAT_FRAMES:
            self._lost += self._chat.popleft()[0]
        self._wake.set()

    def close(self, code: int) -> None:
        """Close the connection with this code, after what waits unless the viewer is too slow."""
        if self.closing is None:
            self.closing = code
            if code == TOO_SLOW:
                self._drop()
            self._wake.set()

    @property
    def backlog(self) -> int:
        """Bytes of must frames that wait."""
        return self._must_bytes

    def stuck(self, now: float) -> bool:
        """Say whether nothing could be sent for too long."""
        return self.pressed_at is not None and now - self.pressed_at > STUCK_SECONDS

    def cut(self) -> None:
        """End the connection below the protocol, where the peer takes not even a close frame."""
        self._drop()
        self._abort()

    async def run(self, clock: Callable[[], float]) -> None:
        """Send what is handed over, in the order must, state, chat, until the connection is closed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            text = self._take()
            if text:
                self.pressed_at = clock()
                await self._send(text)
                self.pressed_at = None
                self.told_at = clock()
            if self.closing is not None and not self._must:
                await self._close(self.closing)
                return

    def _take(self) -> str:
        parts: list[str] = []
        if self._must:
            parts.extend(self._must)
            self._must.clear()
            self._must_bytes = 0
            self.snapshot_waits = False
        if self._states:
            parts.extend(self._states.values())
            self._states.clear()
        if self._chat:
            parts.extend(frame for _, frame in self._chat)
            self._chat.clear()
        if self._lost:
            parts.append(wire.event("chat.gap", {"dropped": self._lost}))
            self._lost = 0
        return parts[0] if len(parts) == 1 else "\n".join(parts)

    def _drop(self) -> None:
        self._must.clear()
        self._must_bytes = 0
        self._states.clear()
        self._chat.clear()
