"""uvicorn's HTTP protocol for an open network: a request that does not arrive ends its connection.

uvicorn itself waits for ever for a request that was begun, or for the first byte of one. A websocket's
handshake comes in here, too.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOK_SECONDS = 10.0
LEAST_BYTES = 10_000  # That many in LOOK_SECONDS, unless the request is whole before.
MOST_HEAD = 65_536  # Bytes before the body.


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection that has a clock while a request is on its way."""

    _came = 0
    _head: int | None = 0  # Bytes of the head so far; None in the body.
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Called by the transport: a request should follow."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Called by the transport with a part of a request."""
        self._came += len(data)
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > MOST_HEAD:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Called by the parser at the first byte of a request."""
        self._expect()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Called by the parser after the last header."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Called by the parser when the request is whole."""
        self._head = 0
        self._stop()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport at the end."""
        self._stop()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._stop()
        self._came = 0
        self._clock = self.loop.call_later(LOOK_SECONDS, self._look)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _look(self) -> None:
        # Where reading is paused, or a "100 Continue" is due, it is we who are slow.
        ours = self.flow.read_paused or getattr(self.cycle, "waiting_for_100_continue", False)
        if self._came < LEAST_BYTES and not ours:
            self.transport.abort()
        else:
            self._expect()
