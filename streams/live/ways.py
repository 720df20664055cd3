"""A viewer's way out to the network, as the room sees it; and the one that works under any ASGI server.

`uvicorn_protocol.RoomProtocol` is the direct one: what it is given is written at once. `Queued` is what
remains where the server offers nothing beyond `send`: a task that exists while there is something to send.
Both say when too much waits (`pause`) and when little enough does (`resume`), as transports do, so that who
may hold back what is decided in one place, the viewer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from streams.live import packing

log = structlog.get_logger(__name__)

# Bytes that may wait in a queue before the viewer has to hold back, and to which they fall before it goes on.
HIGH_WATER, LOW_WATER = 32_768, 8_192


class Listener(Protocol):
    """Who is told of the state of a way."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def over(self) -> None: ...
    def lost(self) -> None: ...


class Way(Protocol):
    """A way out. Whoever uses it puts itself in as its listener."""

    listener: Listener | None

    @property
    def fd(self) -> int:
        """What whole frames may also be written to while the listener is not told to pause; -1: nothing."""
        ...

    def write(self, frames: bytes) -> None:
        """Send whole packed frames after all that were written before. Never waits."""
        ...

    def waits(self) -> int:
        """Return how many bytes the network has not taken yet."""
        ...

    def hang_up(self, code: int) -> None:
        """Send a close frame after what was written; nothing may be written any more."""
        ...

    def cut(self) -> None:
        """End the connection below the protocol, as a lost network does."""
        ...


Message = dict[str, Any]


class Queued:
    """A queue and the task that empties it into an ASGI `send`."""

    __slots__ = ("_code", "_cut", "_paused", "_pieces", "_send", "_task", "_waits", "listener")

    def __init__(self, send: Callable[[Message], Awaitable[None]], *, cut: Callable[[], object]) -> None:
        self._send, self._cut = send, cut
        self._pieces: list[bytes] = []
        self._waits = 0
        self._paused = False
        self._code: int | None = None
        self._task: asyncio.Task[None] | None = None
        self.listener: Listener | None = None

    @property
    def fd(self) -> int:
        """There is none."""
        return -1

    def write(self, frames: bytes) -> None:
        """Send whole packed frames after all that were written before."""
        self._pieces.append(frames)
        self._waits += len(frames)
        self._begin()
        if self._waits > HIGH_WATER and not self._paused:
            self._paused = True
            if self.listener is not None:
                self.listener.pause()

    def waits(self) -> int:
        """Return how many bytes the server has not taken yet."""
        return self._waits

    def hang_up(self, code: int) -> None:
        """Send a close frame after what was written."""
        self._code = code
        self._begin()

    def cut(self) -> None:
        """End the application; the server then ends the connection."""
        self.end()
        self._cut()

    def end(self) -> None:
        """Send nothing any more; the connection is over."""
        self._pieces.clear()
        if self._task is not None:
            self._task.cancel()
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.lost()

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._ended)

    async def _run(self) -> None:
        try:
            while self._pieces:
                await self._send_pieces()
            if self._code is not None:
                await self._send({"type": "websocket.close", "code": self._code})
        finally:
            # Here and not when the loop hears of it: what is written in between would wait for ever.
            self._task = None

    async def _send_pieces(self) -> None:
        pieces, self._pieces = b"".join(self._pieces), []
        text = b"\n".join(packing.unpack(pieces)).decode()
        await self._send({"type": "websocket.send", "text": text})
        self._waits -= len(pieces)
        if self._paused and self._waits <= LOW_WATER:
            self._paused = False
            if self.listener is not None:
                self.listener.resume()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        # An OSError says that the client has gone; the disconnection follows.
        if not isinstance(error, OSError):
            log.error("viewer.failed", exc_info=error)
            self.cut()
