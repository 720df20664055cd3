"""The socket's door: Channels gives us the connection, a Connection talks on it, a Viewer writes to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import parse_cookie

from streams.frames import PROTOCOL
from streams.live import hub
from streams.live.connection import BAD_VERSION, Connection
from streams.live.viewer import Viewer

log = structlog.get_logger(__name__)

HELLO_SECONDS = 5.0

Message = dict[str, Any]


class RoomConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """One connection to a show."""

    # No layer of that name: what a room hears goes through the hub, so no channel and no task are made per
    # viewer.
    channel_layer_alias = "none"

    task: asyncio.Task[Any] | None = None
    connection: Connection | None = None
    writer: asyncio.Task[None] | None = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Serve the connection; however it ends, nothing of it stays behind."""
        self.task = asyncio.current_task()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.end()

    async def dispatch(self, message: Message) -> None:
        """Pass a message of the server on. Channels' own hops through asgiref's shared thread every time."""
        match message["type"]:
            case "websocket.receive":
                if self.connection is not None:
                    self.connection.take(message.get("text"), self.now())
            case "websocket.connect":
                await self.connect()
            case "websocket.disconnect":
                raise StopConsumer

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
            now=self.now(),
        )
        viewer = connection.viewer = Viewer(
            send=self.write,
            close=self.hang_up,
            abort=self.scope.get("extensions", {}).get("livecommerce.abort", self.give_up),
            renew=connection.renew,
            now=self.now(),
        )
        viewer.answer_by = self.now() + HELLO_SECONDS
        connection.hub.arrive(viewer)
        structlog.contextvars.bind_contextvars(connection=connection.id)
        self.writer = asyncio.get_running_loop().create_task(self.run_writer(viewer))

    def end(self) -> None:
        """Let go of everything."""
        if self.connection is not None:
            self.connection.hub.depart(self.connection.viewer)
            self.connection.end()
        if self.writer is not None:
            self.writer.cancel()

    async def run_writer(self, viewer: Viewer) -> None:
        """Send what the viewer is told until its end."""
        try:
            await viewer.run(self.now)
        except OSError:
            pass  # The client has gone; the disconnection follows.
        except Exception:
            log.exception("viewer.failed")
            viewer.cut()

    async def write(self, text: str) -> None:
        """Send one frame."""
        await self.base_send({"type": "websocket.send", "text": text})

    async def hang_up(self, code: int) -> None:
        """Send a close frame."""
        await self.base_send({"type": "websocket.close", "code": code})

    def give_up(self) -> None:
        """End the connection's task, under a server that cannot abort a connection."""
        if self.task is not None:
            self.task.cancel()

    def now(self) -> float:
        """Return the loop's clock."""
        return asyncio.get_running_loop().time()
