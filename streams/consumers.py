"""The socket's door: Channels gives us the connection, a Connection talks on it, a Viewer writes to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import parse_cookie

from streams.frames import PROTOCOL
from streams.live import hub
from streams.live.connection import BAD_VERSION, Connection
from streams.live.uvicorn_protocol import EXTENSION
from streams.live.viewer import Viewer
from streams.live.ways import Queued

log = structlog.get_logger(__name__)

NO_CLOSE_FRAME = 1006

Message = dict[str, Any]


class RoomConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """One connection to a show."""

    connection: Connection | None = None
    queued: Queued | None = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Serve the connection; however it ends, nothing of it stays behind.

        There is no channel layer: what a room hears goes through the hub. So Channels' own loop, which takes
        a task per message and a hop through asgiref's shared thread, has nothing to do here.
        """
        self.scope, self.base_send = scope, send
        code = NO_CLOSE_FRAME
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] == "websocket.connect":
                    await self.connect()
                elif self.connection is not None:
                    self.connection.take(message.get("text"), asyncio.get_running_loop().time())
            code = message.get("code") or NO_CLOSE_FRAME
        finally:
            self.end(code)

    async def connect(self) -> None:
        """Accept the connection and wait for a hello."""
        if PROTOCOL not in self.scope["subprotocols"]:
            await self.accept()
            await self.close(code=BAD_VERSION)
            return
        await self.accept(subprotocol=PROTOCOL)
        headers = {name: value.decode("latin-1") for name, value in self.scope["headers"]}
        connection = self.connection = Connection(
            hub.current(),
            slug=self.scope["url_route"]["kwargs"]["slug"],
            cookie=parse_cookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME),
            origin=headers.get(b"origin"),
            now=asyncio.get_running_loop().time(),
        )
        # Routers keep copies of the scope as long as the connection lasts; all share this list.
        self.scope["headers"].clear()
        way = self.scope.get("extensions", {}).get(EXTENSION)
        if way is None:
            task = asyncio.current_task()
            assert task is not None
            way = self.queued = Queued(self.base_send, cut=task.cancel)
        connection.viewer = Viewer(way, wheel=connection.hub.wheel, renew=connection.renew)
        connection.hub.arrive(connection.viewer)
        structlog.contextvars.bind_contextvars(connection=connection.id)

    def end(self, code: int) -> None:
        """Let go of everything."""
        if self.connection is not None:
            self.connection.hub.depart(self.connection.viewer, code)
            self.connection.viewer.over()
            self.connection.end()
        if self.queued is not None:
            self.queued.end()
