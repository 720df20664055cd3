"""Nothing of a viewer is left however it ended, and none of it waits for the garbage collector.

Our whole application runs on a server in this process, so that what is left can be counted.
"""

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from config import asgi
from streams import client
from streams.consumers import RoomConsumer
from streams.live import hub, tally
from streams.live.connection import Connection
from streams.live.uvicorn_protocol import RoomProtocol
from streams.live.viewer import Viewer
from tests.live_server import aside, eventually
from tests.streams import make


@pytest.fixture
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that the live process runs on."""
    policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
    return policy


OURS = ("arrival", "streams", "orders")  # Threads of the hub.


class House:
    """Our ASGI application on a server in this process."""

    def __init__(self) -> None:
        config = uvicorn.Config(
            asgi.application,
            ws=RoomProtocol,
            http="httptools",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            ws_max_size=8192,
            lifespan="off",
            log_config=None,
            host="127.0.0.1",
            port=0,
        )
        self.server = uvicorn.Server(config)
        self.task = asyncio.create_task(self.server.serve())

    async def address(self, slug: str) -> str:
        while not self.server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"ws://127.0.0.1:{port}/ws/v1/live/{slug}"

    async def end(self) -> None:
        await hub.finish()
        self.server.should_exit = True
        await self.task
        # They hold connections to the database of this test.
        await eventually(lambda: not [each for each in threading.enumerate() if each.name.startswith(OURS)])
        gc.collect()


@pytest.fixture
async def house(transactional_db: None) -> AsyncIterator[House]:
    made = House()
    yield made
    await made.end()


KINDS = (Viewer, Connection, RoomConsumer, RoomProtocol)


def there() -> list[object]:
    """Return what there is of viewers in this process, also of other tests."""
    return [each for each in gc.get_objects() if type(each) in KINDS]


def left(of: list[object]) -> "Counter[str]":
    """Count what there is besides `of`."""
    known = {id(each) for each in of}
    return Counter(type(each).__name__ for each in there() if id(each) not in known)


async def come_and_go(address: str, how: str) -> None:
    end = await connect(
        address,
        subprotocols=[Subprotocol(client.PROTOCOL)],
        compression=None,
        proxy=None,
        open_timeout=10,
        max_queue=None,  # Nobody reads here what is refused, and the goodbye comes after it.
    )
    if how != "no hello":
        await end.send('{"v":1,"t":"hello","id":1,"d":{}}')
        while '"snapshot"' not in str(await end.recv()):
            pass
    match how:
        case "close":
            await end.close()
        case "malformed":
            end.transport.write(b"\x83\x80\x00\x00\x00\x00")
        case "too large":
            await end.send("x" * 9000)
        case "refused":
            with suppress(ConnectionClosed):
                for _ in range(60):
                    await end.send("{")
        case "half-open":
            end.transport.write_eof()
        case _:
            end.transport.abort()
    await end.wait_closed()


@pytest.mark.parametrize(
    "how", ["close", "abort", "no hello", "malformed", "too large", "refused", "half-open"]
)
async def test_nothing_of_a_viewer_is_left_or_waits_for_the_collector(house: House, how: str) -> None:
    stream = await aside(make.show)
    address = await house.address(stream.slug)
    await come_and_go(address, "close")  # What is made once is made.
    gc.collect()
    before = there()
    gc.disable()
    try:
        await asyncio.gather(*(come_and_go(address, how) for _ in range(10)))
        await eventually(lambda: not left(before))
    finally:
        gc.enable()
    assert tally.here.held == 0
    assert len(hub.current().wheel) == 0
