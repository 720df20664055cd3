"""What the hub needs beyond ASGI: to end a connection whose peer takes not even a close frame.

Leans on three names of uvicorn's protocol class (`scope`, `transport`, `handle_connect`), so uvicorn's
version is pinned. Under another server the hub cancels the connection's task instead.
"""

from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request


class AbortableProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket protocol with `livecommerce.abort` in the scope's extensions."""

    def handle_connect(self, event: Request) -> None:
        """Offer the extension to the application that is about to start."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            cast(dict[str, Any], scope["extensions"])["livecommerce.abort"] = self.transport.abort
