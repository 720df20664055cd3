"""The direct way out: a viewer's frames straight to the transport of uvicorn's websocket protocol.

The protocol puts itself into the scope's extensions, where middleware cannot be in the way. It leans on
names of uvicorn's class that are not documented, so uvicorn's version is pinned (docs/decisions/0013). What
uvicorn itself sends (the handshake, pongs, close frames) goes the way it always does, to the same transport,
in whole frames; once the closing has begun in either direction, the listener is told and writes no more.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from streams.live.limits import Bucket
from streams.live.ways import Listener

EXTENSION = "livecommerce.direct"

SEND_BUFFER = 65_536  # Bytes the kernel holds for one peer; left alone it grows to megabytes.
# What was sent and not acknowledged for so long has no peer any more. The kernel alone knows, as long as what
# is sent fits into its buffer.
UNACKNOWLEDGED_MS = 30_000
_RESET = struct.pack("ii", 1, 0)

# Frames of any kind that come in: pings and parts of messages, too, of which nobody else keeps count. Whoever
# sends more is cut off before more than PIECE bytes of it were looked at.
FRAMES_PER_SECOND, FRAMES_AT_ONCE = 100, 500
PIECE = 4096


# What still comes behind nonsense, such as the rest of a frame that is too large, is read and thrown away for
# a moment: a socket that is closed with unread bytes is reset, and a reset overtakes the close frame.
LINGER_SECONDS, LINGER_BYTES = 1.0, 1 << 20

Message = dict[str, Any]


class Inbox:
    """What uvicorn uses a queue for: one reader, and nobody waits to write. asyncio's takes 3 KB more."""

    __slots__ = ("_messages", "_news")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._news: asyncio.Future[None] | None = None

    def put_nowait(self, message: Message) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def get(self) -> Message:
        """Take the oldest message, once there is one."""
        while not self._messages:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        return self._messages.pop(0)

    def empty(self) -> bool:
        """Say whether there is no message."""
        return not self._messages


class RoomProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket protocol as a `Way`."""

    listener: Listener | None = None
    _hanging_up: "asyncio.Task[None] | None" = None
    _thrown_away: int | None = None  # Bytes that came behind nonsense; None before there was any.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment]  # what is used of a queue
        self._allowed = Bucket(rate=FRAMES_PER_SECOND, burst=FRAMES_AT_ONCE, now=self.loop.time())

    # --- the way ---

    @property
    def write(self) -> Any:
        """Send whole packed frames: the transport's own method, to be kept by who writes often."""
        return self.transport.write

    @property
    def fd(self) -> int:
        """The socket's, unless what is written has to be encrypted first.

        It is open, and nobody else's, as long as the connection is not lost: transports call
        `connection_lost` before they close it.
        """
        connection = self.transport.get_extra_info("socket")
        encrypted = self.transport.get_extra_info("ssl_object") is not None
        return -1 if connection is None or encrypted else int(connection.fileno())

    def waits(self) -> int:
        """Return how many bytes the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def hang_up(self, code: int) -> None:
        """Send a close frame, as uvicorn does it for an application."""
        self._hanging_up = self.loop.create_task(self._hang_up(code))

    def cut(self) -> None:
        """End the connection below the protocol, and let the kernel drop what it holds for it."""
        if (connection := self.transport.get_extra_info("socket")) is not None:
            # Otherwise it would hold on to what a peer that never reads has not taken, for minutes.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    async def _hang_up(self, code: int) -> None:
        # Lost, or closed by the other end meanwhile.
        with suppress(OSError, RuntimeError):
            await self.send({"type": "websocket.close", "code": code})

    async def send(self, message: Any) -> None:
        """Called by the application to accept and to close; the handshake is not needed after it."""
        await super().send(message)
        if self.handshake_complete:
            self.request = self.response = None  # type: ignore[assignment]  # read before that only

    # --- what the server calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the protocol that has read the handshake, which is not needed any more then."""
        super().connection_made(transport)
        http = self.transport.get_protocol()
        if http is not self and hasattr(http, "parser"):
            # The two hold each other.
            self.loop.call_soon(setattr, http, "parser", None)

    def handle_connect(self, event: Request) -> None:
        """Prepare the connection for the application that is about to start."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is None:
            return
        cast(dict[str, Any], scope["extensions"])[EXTENSION] = self
        # Whoever is not told to pause may count on nothing waiting in the transport; the kernel's buffer is
        # buffer enough.
        self.transport.set_write_buffer_limits(high=0, low=0)
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if hasattr(socket, "TCP_USER_TIMEOUT") and connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a close frame among them, or nonsense, is answered by one and ends all writing."""
        if self._thrown_away is not None:
            self._throw_away(len(data))
            return
        for start in range(0, len(data), PIECE):
            super().data_received(data[start : start + PIECE])
            if self.transport.is_closing() or self._thrown_away is not None:
                break
        if self.listener is not None and self.conn.state is not State.OPEN:
            self.listener.over()
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # Such as one with a body or a long field. uvicorn would keep it for ever, and nobody counts it.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_parser_exception(self) -> None:
        """Called when nonsense has come: says so, and lets the other end finish so that it can hear it."""
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent, self._thrown_away = True, 0
        if self.transport.can_write_eof():
            # Who has read it closes her end, and then it is over at once.
            self.transport.write_eof()
        # As long as it runs uvicorn does not close the transport.
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _throw_away(self, size: int) -> None:
        self._thrown_away = (self._thrown_away or 0) + size
        if self._thrown_away > LINGER_BYTES:
            self.transport.close()

    def handle_events(self) -> None:
        """Called when frames have come."""
        if self._allowed.take(self.loop.time(), len(self.conn.events)):
            super().handle_events()
        else:
            self.cut()

    def send_receive_event_to_app(self) -> None:
        """Called with a whole message; one that came behind nonsense in the same piece is left out."""
        if self.conn.state is State.OPEN:
            super().send_receive_event_to_app()
        else:
            self.frames = []

    def pause_writing(self) -> None:
        """Called by the transport when the kernel does not take all of what was written."""
        super().pause_writing()
        if self.listener is not None:
            self.listener.pause()

    def resume_writing(self) -> None:
        """Called by the transport when it holds nothing any more."""
        super().resume_writing()
        if self.listener is not None:
            self.listener.resume()

    def eof_received(self) -> None:
        """Called by the transport when the other end sends nothing any more; it then closes."""
        super().eof_received()
        if self.listener is not None:
            self.listener.over()

    def shutdown(self) -> None:
        """Called by the server when it ends: sends a close frame."""
        if self.listener is not None:
            self.listener.over()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport at the very end; nothing of the connection is to wait for the collector."""
        super().connection_lost(exc)
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.lost()
        if scope := getattr(self, "scope", None):
            scope["extensions"].pop(EXTENSION, None)
        self.conn.parser.close()
