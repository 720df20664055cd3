"""Addresses of the socket side."""

from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from streams.consumers import RoomConsumer


async def nowhere(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Refuse the handshake of an address that is none."""
    await send({"type": "websocket.close"})


router = URLRouter(
    [
        path("ws/v1/live/<slug:slug>", RoomConsumer.as_asgi()),
        re_path("", nowhere),  # type: ignore[arg-type]  # an ASGI application, as Channels takes them here
    ]
)
