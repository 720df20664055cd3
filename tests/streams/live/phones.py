"""Both ways out of a viewer with a far end that reads when it is let.

`Queue` is an ASGI server that awaits what it sends; `Wire` is a real uvicorn server with our protocol class
and a bare socket whose buffers are small.
"""

import asyncio
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import uvicorn

from streams.frames import wire
from streams.live import packing
from streams.live.uvicorn_protocol import EXTENSION, RoomProtocol
from streams.live.viewer import Viewer
from streams.live.ways import Queued, Way
from streams.live.wheel import Wheel

Message = dict[str, Any]
T = TypeVar("T")
DEADLINE = 10.0


def now() -> float:
    return asyncio.get_running_loop().time()


def must(n: int, padding: int = 0) -> str:
    return wire.event("chat.mode", {"slow_s": n, "pad": "x" * padding})


def chat(n: int) -> bytes:
    return packing.pack(wire.event("chat.message", {"id": f"line-{n}", "n": n}))


def state(key: str, n: int) -> bytes:
    return packing.pack(wire.state("stock.changed", key, n, {"left": n}))


class Phone(ABC):
    """The far end of a connection."""

    viewer: Viewer
    wheel: Wheel[Viewer]

    def __init__(self) -> None:
        self.wheel = Wheel(now())
        self.renewed: list[str] = []

    def watch(self, way: Way) -> None:
        """Put a viewer on that way."""
        self.viewer = Viewer(way, wheel=self.wheel, renew=self.renewed.append)

    async def jam(self) -> None:
        """Stop reading, and fill what is on the way until the viewer has to hold back."""
        self.stop()
        while self.viewer.flows:
            self.viewer.must(wire.event("chat.mode", {"slow_s": -1, "pad": "x" * 5000}))
            await asyncio.sleep(0)

    async def events(self, n: int) -> list[Message]:
        """Return the first so many events that were not for filling."""
        return await self.until(lambda: found if len(found := self.got()) >= n else None)

    async def closed(self) -> int:
        """Return the close code, once it is here."""
        return await self.until(lambda: self.code)

    async def until(self, true: Callable[[], T | None]) -> T:
        async with asyncio.timeout(DEADLINE):
            while (value := true()) is None:  # noqa: ASYNC110  # what is waited for has no event
                await asyncio.sleep(0.005)
            return value

    def got(self) -> list[Message]:
        events = [json.loads(line) for payload in self.payloads() for line in payload.split(b"\n")]
        return [event for event in events if event["d"].get("slow_s") != -1]

    # --- what differs ---

    code: int | None = None

    @abstractmethod
    def stop(self) -> None:
        """Read nothing more."""

    @abstractmethod
    def go(self) -> None:
        """Read again."""

    @abstractmethod
    def payloads(self) -> list[bytes]:
        """Return what has come so far."""

    @abstractmethod
    def has_ended(self) -> bool:
        """Say whether the connection is no more."""

    @abstractmethod
    async def end(self) -> None:
        """Let go of everything."""


class Queue(Phone):
    """A server that offers nothing but `send`."""

    def __init__(self) -> None:
        super().__init__()
        self._reads = asyncio.Event()
        self._reads.set()
        self._texts: list[str] = []
        self._over = False
        self.way = Queued(self._send, cut=self._cut)
        self.watch(self.way)

    async def _send(self, message: Message) -> None:
        await self._reads.wait()
        if message["type"] == "websocket.close":
            self.code = message["code"]
        else:
            assert self.code is None, "a frame after the close frame"
            self._texts.append(message["text"])

    def _cut(self) -> None:
        self._over = True

    def stop(self) -> None:
        self._reads.clear()

    def go(self) -> None:
        self._reads.set()

    def payloads(self) -> list[bytes]:
        return [text.encode() for text in self._texts]

    def has_ended(self) -> bool:
        return self._over

    async def end(self) -> None:
        self.way.end()


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Wire(Phone):
    """A socket to a uvicorn server."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = b""
        self._reads = asyncio.Event()
        self._reads.set()
        self.over = self.reset = False
        self.ended = asyncio.Event()  # The application has ended.

    async def start(self) -> "Wire":
        config = uvicorn.Config(
            self._application,
            interface="asgi3",
            ws=RoomProtocol,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            lifespan="off",
            log_config=None,
            host="127.0.0.1",
            port=0,
        )
        self.server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self.server.serve())
        await self.until(lambda: self.server.started or None)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        self.socket.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, self.server.servers[0].sockets[0].getsockname())
        await loop.sock_sendall(self.socket, HANDSHAKE)
        self._reader = asyncio.create_task(self._read())
        await self.until(lambda: True if b"\r\n\r\n" in self._bytes and hasattr(self, "viewer") else None)
        self._bytes = self._bytes.partition(b"\r\n\r\n")[2]
        return self

    async def _application(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        await send({"type": "websocket.accept"})
        self.protocol: RoomProtocol = scope["extensions"][EXTENSION]
        self.watch(self.protocol)
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.ended.set()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._reads.wait()
            try:
                data = await loop.sock_recv(self.socket, 65_536)
            except ConnectionError:
                data, self.reset = b"", True
            self._bytes += data
            if not data:
                self.over = True
                return

    def stop(self) -> None:
        self._reads.clear()

    def go(self) -> None:
        self._reads.set()

    def payloads(self) -> list[bytes]:
        return [payload for opcode, payload in self._frames() if opcode == 1]

    @property
    def code(self) -> int | None:  # type: ignore[override]
        closes = [payload for opcode, payload in self._frames() if opcode == 8]
        assert len(closes) <= 1, "two close frames"
        return int.from_bytes(closes[0][:2], "big") if closes else None

    def has_ended(self) -> bool:
        return self.over

    def say(self, opcode: int, payload: bytes = b"") -> None:
        """Send a frame as a client does, with a mask of zeros."""
        self.socket.send(bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def _frames(self) -> list[tuple[int, bytes]]:
        frames: list[tuple[int, bytes]] = []
        rest = self._bytes
        while len(rest) >= 2:
            size, head = rest[1], 2
            if size == 126:
                size, head = int.from_bytes(rest[2:4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(rest[2:10], "big"), 10
            if len(rest) < head + size:
                break
            assert rest[0] in (0x81, 0x88, 0x8A), "no whole frame begins here"
            assert not frames or frames[-1][0] != 8, "a frame after the close frame"
            frames.append((rest[0] & 15, rest[head : head + size]))
            rest = rest[head + size :]
        return frames

    async def end(self) -> None:
        self._reader.cancel()
        self.socket.close()
        self.server.should_exit = True
        await self._serving


async def phone(kind: str) -> Phone:
    """Return a phone of a kind: "queued" or "direct"."""
    return Queue() if kind == "queued" else await Wire().start()
