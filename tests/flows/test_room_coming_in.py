"""Coming into a show's room over a real socket: who may, and what a newcomer is told."""

import asyncio
import json
from uuid import uuid4

import pytest
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from streams import chat, client, pins
from tests.live_server import LiveRoom, aside, cookie_of, eventually, ticket_of
from tests.streams import make

HELLO = json.dumps({"v": 1, "t": "hello", "id": 1, "d": {}})


async def raw_close_code(url: str, *frames: str | bytes, protocol: str | None = client.PROTOCOL, **more: str) -> int:
    """Return the code with which the server closes after these frames."""
    protocols = [protocol] if protocol else None
    async with connect(url, subprotocols=protocols, compression=None, proxy=None, **more) as socket:  # type: ignore[arg-type]
        for frame in frames:
            await socket.send(frame)
        try:
            async with asyncio.timeout(8):
                while True:
                    await socket.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code


async def test_an_anonymous_viewer_is_told_the_whole_show(live_room: LiveRoom) -> None:
    stream = await aside(make.show, products=(await aside(make.product),))
    item = await aside(make.item, stream)
    await aside(pins.pin, host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.NOW)

    async with live_room.room(stream) as viewer:
        told = viewer.snapshot

    assert told is not None
    assert told["stream"]["slug"] == stream.slug
    assert told["stream"]["status"] == "live"
    assert told["pinned"] == str(item.id)
    assert [each["id"] for each in told["items"]] == [str(item.id)]
    assert told["me"] is None
    assert viewer.welcome is not None
    assert viewer.welcome["recovered"] == {"s": False, "u": False}
    assert viewer.position == tuple(viewer.welcome["position"]["s"].values())
