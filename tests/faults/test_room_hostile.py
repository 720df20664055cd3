"""A thousand senseless frames, slow hellos, half-open handshakes: no harm, no growth and no ghost."""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from statistics import median
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Subprotocol

from streams import client
from streams.client.connection import PROTOCOL
from streams.models import Stream
from tests import scraping
from tests.faults import room
from tests.live_server import LiveRoom, aside, eventually
from tests.streams import make

pytestmark = pytest.mark.faults

HELLO = json.dumps({"v": 1, "t": "hello", "id": 1, "d": {}})
MASK = b"\x00\x00\x00\x00"
KEEPS_MB = 8  # What a process may hold on to after a storm; allocators do not give back everything.
GOODBYES = {1000, 1002, 1003, 1006, 1007, 1009, 4400, 4401, 4406, 4429}


def text(data: str) -> bytes:
    """Return a masked text frame as a browser would send it."""
    return raw(0x81, data.encode())


def raw(first: int, data: bytes) -> bytes:
    """Return a masked frame with that first byte."""
    size = len(data)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2, "big")
    return head + MASK + data


def command(t: str, d: Any = None, **more: Any) -> bytes:
    """Return a command's frame."""
    return text(json.dumps({"v": 1, "t": t, "id": random.randrange(1, 9999), "d": d or {}, **more}))


# Name -> whether hello is said first, and the frames, one by one, until the server has had enough.
ATTACKS: dict[str, tuple[bool, Callable[[], bytes]]] = {
    "malformed": (True, lambda: text("{" + "x" * random.randrange(200))),
    "no frame": (
        True,
        lambda: text(random.choice(("null", "[]", "7", '"v"', '{"v":1}', '{"v":9,"t":"a"}'))),
    ),
    "binary": (True, lambda: raw(0x82, random.randbytes(64))),
    "oversized": (True, lambda: text('{"v":1,"t":"chat.send","id":1,"d":{"text":"' + "x" * 9000 + '"}}')),
    "large": (True, lambda: text('{"v":1,"t":"chat.send","id":1,"d":{"text":"' + "x" * 8000 + '"}}')),
    "deep": (True, lambda: text('{"v":1,"t":"x","id":9,"d":' + "[" * 4000)),
    "too early": (False, lambda: command("chat.send", {"text": "Hi"}, key=str(uuid4()))),
    "too many": (True, lambda: command("time.sync", {"c": 1})),
    "resyncs": (True, lambda: command("resync")),
    "unknown": (True, lambda: command(f"no.such.{random.randrange(99)}")),
    "not allowed": (True, lambda: command("chat.send", {"text": "Hi"}, key=str(uuid4()))),
    "hello again": (True, lambda: text(HELLO)),
    "made-up ticket": (False, lambda: command("hello", {"ticket": "x" * 40})),
    "bad utf-8": (True, lambda: raw(0x81, b"\xff\xfe\xfd")),
    "reserved bits": (True, lambda: raw(0xF1, b"{}")),
    "unmasked": (True, lambda: b"\x81\x02{}"),
    "never ending": (True, lambda: raw(0x01, b"[" * 100)),
    "pieces": (True, lambda: raw(0x00, b"[" * 100)),
    "pings": (True, lambda: raw(0x89, b"x" * 125)),
    "controls too long": (True, lambda: raw(0x89, b"x" * 200)),
}


async def attack(live: LiveRoom, stream: Stream, name: str, frames: int) -> int:
    """Send so many frames, or until the server has had enough; returns the close code."""
    greet, frame = ATTACKS[name]
    async with connect(
        live.url(stream.slug),
        subprotocols=[Subprotocol(PROTOCOL)],
        compression=None,
        proxy=None,
        open_timeout=20,
    ) as end:
        listening = asyncio.create_task(_hear(end))
        if greet:
            await end.send(HELLO)
        for n in range(frames):
            if end.state is not State.OPEN:
                break
            end.transport.write(frame())
            if n % 3 == 2:
                await asyncio.sleep(0.01)  # So that a goodbye is read before the reset that follows it.
        await end.close()
        await listening
        return end.close_code or 1006


async def _hear(end: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await end.recv()


async def storm(live: LiveRoom, stream: Stream, *, frames: int) -> dict[str, int]:
    """Attack in every way at once, with so many frames each; returns the close codes."""
    codes = await asyncio.gather(*(attack(live, stream, name, frames) for name in ATTACKS))
    return dict(zip(ATTACKS, codes, strict=True))


@contextlib.asynccontextmanager
async def bystander(live: LiveRoom, stream: Stream) -> AsyncIterator[list[float]]:
    """A viewer who is told events all the while; yields how long each took to arrive."""
    took: list[float] = []
    over = asyncio.Event()

    async def listen() -> None:
        async with live.room(stream) as viewer:
            while not over.is_set():
                told, started = viewer.told, time.monotonic()
                await aside(room.tell_one, stream)
                await viewer.wait("stock.sold_out", since=told, deadline=10)
                took.append(time.monotonic() - started)
                await asyncio.sleep(0.02)

    listening = asyncio.create_task(listen())
    await eventually(lambda: len(took) >= 10 or listening.done())
    try:
        yield took
    finally:
        over.set()
        await listening


async def test_a_thousand_senseless_frames_harm_nobody_and_leave_nothing(live_process: LiveRoom) -> None:
    stream = await aside(make.show)
    await storm(live_process, stream, frames=150)  # What is loaded on first use stays loaded.
    await room.counted(stream, 0)
    before = live_process.memory

    async with bystander(live_process, stream) as took:
        calm = len(took)
        codes = await storm(live_process, stream, frames=150)
        again = await storm(live_process, stream, frames=150)
        assert {*codes.values(), *again.values()} <= GOODBYES, (codes, again)
        await room.counted(stream, 1)
        delay = median(took[calm:]) - median(took[:calm])
    await room.counted(stream, 0)
    await room.deserted(live_process)

    print(f"{codes}; {(live_process.memory - before) / 1e6:+.1f} MB; {delay:+.3f} s")
    assert codes["too many"] == codes["malformed"] == 4429
    assert codes["oversized"] == 1009
    assert codes["too early"] == 4400
    assert delay < 0.2
    assert live_process.memory - before < KEEPS_MB * 1_000_000
    assert "Traceback" not in live_process.log


async def test_comings_and_goings_leave_memory_flat(live_process: LiveRoom) -> None:
    stream = await aside(make.show)

    async def wave(viewers: int) -> None:
        rooms = [client.Room(live_process.url(stream.slug)) for _ in range(viewers)]
        for some in range(0, viewers, 50):
            await asyncio.gather(*(each.connect() for each in rooms[some : some + 50]))
        await aside(room.tell_one, stream)
        await asyncio.gather(*(each.cut() for each in rooms))
        await room.counted(stream, 0)
        await room.deserted(live_process)

    for _ in range(3):
        await wave(300)
    before = live_process.memory
    for _ in range(4):
        await wave(300)

    print(f"{(live_process.memory - before) / 1e6:+.1f} MB")
    assert live_process.memory - before < KEEPS_MB * 1_000_000


# --- those who take their time ---


async def silent(live: LiveRoom, stream: Stream) -> int:
    """Connect and say nothing at all."""
    return await lingering(live, b"", b"")


async def half_request(live: LiveRoom, stream: Stream) -> int:
    """Send a handshake that never ends, a header at a time."""
    return await lingering(live, f"GET /ws/v1/live/{stream.slug} HTTP/1.1\r\n".encode(), b"X-Wait: 1\r\n")


async def half_body(live: LiveRoom, stream: Stream) -> int:
    """Announce a body and send it a byte at a time."""
    head = b"POST /api/v1/account/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{"
    return await lingering(live, head, b" ")


async def no_hello(live: LiveRoom, stream: Stream) -> int:
    """Complete the handshake and say nothing."""
    return await lingering(live, handshake(stream), b"")


async def slow_hello(live: LiveRoom, stream: Stream) -> int:
    """Say hello a byte at a time."""
    return await lingering(live, handshake(stream), *(bytes((byte,)) for byte in text(HELLO)))


async def pings_only(live: LiveRoom, stream: Stream) -> int:
    """Keep the connection busy, but never say hello."""
    return await lingering(live, handshake(stream), raw(0x89, b""))


LINGERERS = (silent, half_request, half_body, no_hello, slow_hello, pings_only)
PATIENCE = 20.0  # Seconds after which whoever has not come in must be out.


def handshake(stream: Stream) -> bytes:
    """Return the request for a websocket."""
    return (
        f"GET /ws/v1/live/{stream.slug} HTTP/1.1\r\nHost: localhost\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
    ).encode()


async def lingering(live: LiveRoom, first: bytes, *then: bytes) -> int:
    """Send something, then bit by bit the rest, over and over; returns after how many seconds it is over."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    with contextlib.suppress(OSError):
        writer.write(first)
        rest = itertools.cycle(then)
        while not reader.at_eof() and time.monotonic() - began < PATIENCE + 5:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(4096), 0.3)
            writer.write(next(rest))
    writer.transport.abort()
    return round(time.monotonic() - began)


async def test_who_takes_forever_to_come_in_is_shown_out_and_holds_up_nobody(live_process: LiveRoom) -> None:
    stream = await aside(make.show)
    files = live_process.scrape().value("process_open_fds")

    async with bystander(live_process, stream) as took:
        waits = await asyncio.gather(
            *(linger(live_process, stream) for linger in LINGERERS for _ in range(10))
        )
    await room.deserted(live_process)

    longest = {linger.__name__: max(waits[n * 10 : n * 10 + 10]) for n, linger in enumerate(LINGERERS)}
    print(longest, f"slowest {max(took):.3f} s")
    assert max(longest.values()) <= PATIENCE, longest
    assert median(took[10:]) - median(took[:10]) < 0.2
    # Threads and pools have opened connections of their own; sixty lingerers would be sixty files.
    await aside(
        scraping.until, live_process.metrics_port, lambda now: now.value("process_open_fds") < files + 20
    )
