"""Whose request it is behind a proxy (TRUST_PROXY): the address that our proxy has seen, and no other.

uvicorn's own reading takes the first entry of X-Forwarded-For where every proxy is trusted. That one is the
caller's word: most proxies put the address that they have seen behind what came.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from commerce.forwarded import seen

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Forwarded:
    """An ASGI application around another; the caller's address is the one that our proxy has seen."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        address = seen(scope["headers"])
        if address:
            scope = {**scope, "client": (address, 0)}
        await self.app(scope, receive, send)
