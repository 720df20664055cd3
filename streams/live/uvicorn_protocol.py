"""What the hub needs of the server beyond ASGI: little buffered for a peer that does not read, and a way to
end a connection whose peer takes not even a close frame.

Leans on three names of uvicorn's protocol class (`scope`, `transport`, `handle_connect`), so uvicorn's
version is pinned. Under another server the hub cancels the connection's task instead.
"""

import socket
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

SEND_BUFFER = 65_536  # Bytes the kernel holds for one peer; left alone it grows to megabytes.
WRITE_BUFFER = 32_768  # Bytes the transport holds before a send has to wait.


class RoomProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket protocol with small buffers, and `livecommerce.abort` in the scope's extensions."""

    def handle_connect(self, event: Request) -> None:
        """Prepare the connection for the application that is about to start."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is None:
            return
        cast(dict[str, Any], scope["extensions"])["livecommerce.abort"] = self.transport.abort
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
