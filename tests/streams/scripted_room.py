"""A websocket server that says exactly what a test tells it to: what a real room will not do on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Frame = dict[str, Any]
EPOCH = "9f31c2aa"
SNAPSHOT: Frame = {"chat": [], "items": []}


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.heard: list[Frame] = []

    async def hear(self, t: str) -> Frame:
        """Return the next frame, which has to be of this type; pings and time are not answered."""
        frame: Frame = json.loads(await self.socket.recv())
        assert frame["t"] == t, frame
        self.heard.append(frame)
        return frame

    async def say(self, *frames: Frame) -> None:
        """Send frames as one."""
        await self.socket.send("\n".join(json.dumps({"v": 1, **frame}) for frame in frames))

    async def welcome(
        self, *, recovered: bool = False, u: int | None = None, top: int = 0, **d: Any
    ) -> Frame:
        """Hear hello, answer it and, where nothing was recovered, send the snapshot. Returns hello's body."""
        hello = await self.hear("hello")
        place = {"s": {"epoch": EPOCH, "offset": top}}
        if u is not None:
            place["u"] = {"epoch": EPOCH, "offset": u}
        body = {
            "conn": "c_1",
            "recovered": {"s": recovered, "u": recovered},
            "position": place,
            "heartbeat_ms": 25_000,
            "expires_at": 0,
            "server_ms": 0,
            "limits": {"chat_per_10s": 5, "max_frame": 8192},
        }
        await self.say({"t": "welcome", "re": hello["id"], "d": body | d})
        if not recovered:
            await self.snapshot(top)
        return dict(hello["d"])

    async def snapshot(self, top: int, **d: Any) -> None:
        """Send a snapshot at that offset."""
        await self.say({"t": "snapshot", "e": EPOCH, "o": top, "d": SNAPSHOT | d})

    async def event(self, *offsets: int, t: str = "chat.mode", epoch: str = EPOCH) -> None:
        """Send must events of lane s, each with its offset as slow mode."""
        await self.say(
            *({"t": t, "l": "s", "e": epoch, "o": o, "ts": o, "d": {"slow_s": o}} for o in offsets)
        )

    async def reply(self, to: Frame, **d: Any) -> None:
        """Answer a command."""
        await self.say({"t": "reply", "re": to["id"], "d": d})

    async def refuse(self, to: Frame, code: str, **more: Any) -> None:
        """Refuse a command."""
        await self.say(
            {"t": "error", "re": to["id"], "d": {"code": code, "message": "", "temporary": False} | more}
        )

    async def close(self, code: int) -> None:
        """End the connection with a code."""
        await self.socket.close(code)

    def burst(self, *frames: Frame, code: int) -> None:
        """Send frames and a close frame in one piece, so that they arrive together."""
        protocol = self.socket.protocol
        for frame in frames:
            protocol.send_text(json.dumps({"v": 1, **frame}).encode())
        protocol.send_close(code)
        self.socket.transport.write(b"".join(protocol.data_to_send()))

    async def stay(self) -> None:
        """Wait until the other side goes."""
        await self.socket.wait_closed()


Act = Callable[[Peer], Awaitable[object]]


class ScriptedRoom:
    """What came in, and how each connection was played; the last act is played again and again."""

    def __init__(self, *acts: Act | int) -> None:
        self.acts = list(acts)
        self.url = ""
        self.comings: list[float] = []
        self.failures: list[BaseException] = []

    async def play(self, socket: ServerConnection) -> None:
        """Play one connection."""
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        assert not isinstance(act, int)
        try:
            await act(Peer(socket))
        except ConnectionClosed:
            pass
        except BaseException as error:
            self.failures.append(error)
            raise

    def refuse(self, socket: ServerConnection, request: Request) -> Response | None:
        """Answer 503 with Retry-After where the script has a number of seconds."""
        self.comings.append(asyncio.get_running_loop().time())
        if not isinstance(self.acts[0], int):
            return None
        seconds = self.acts.pop(0)
        headers = Headers({"Retry-After": str(seconds), "Content-Length": "0", "Connection": "close"})
        return Response(503, "Service Unavailable", headers)


@asynccontextmanager
async def scripted(*acts: Act | int) -> AsyncIterator[ScriptedRoom]:
    """Run a scripted room; what failed on its side fails the test."""
    room = ScriptedRoom(*acts)
    async with serve(
        room.play,
        "127.0.0.1",
        0,
        subprotocols=["livecommerce.v1"],  # type: ignore[list-item]  # a NewType of str
        process_request=room.refuse,
        ping_interval=None,
    ) as server:
        room.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"
        yield room
    if room.failures:
        raise room.failures[0]
