"""A client of `livecommerce.v1` for Python: one show, one connection that can be cut and resumed.

    async with client.Room(url, cookie="sessionid=...", origin="http://localhost:8000") as room:
        await room.wait("product.pinned")
        reply = await room.command("chat.send", {"text": "Hi"}, key=uuid4())

It lets every event of lane s through once and in order, asks for a snapshot when one is missing, answers
pings, and keeps what it was told in `events`. It needs `websockets` and no Django. Benches have a leaner
one of their own.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "livecommerce.v1"
DEADLINE = 10.0

Frame = dict[str, Any]
Ticket = Callable[[], Awaitable[str]]


class RefusedByServer(Exception):
    """The server said no; `code` says why."""

    def __init__(self, d: dict[str, Any]) -> None:
        super().__init__(f"{d['code']}: {d.get('message', '')}")
        self.code: str = d["code"]
        self.temporary: bool = d.get("temporary", False)
        self.retry_ms: int | None = d.get("retry_ms")
        self.fields: dict[str, str] = d.get("fields", {})
        self.data: dict[str, Any] = d.get("data", {})


class Disconnected(Exception):
    """The connection ended; `code` is the close code, 1006 where there was none."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Room:
    """One show, seen over one connection at a time."""

    def __init__(
        self,
        url: str,
        *,
        cookie: str | None = None,
        origin: str | None = None,
        ticket: str | Ticket | None = None,
        resume: tuple[str, int] | None = None,
        name: str = "client.py/1",
        check: Callable[[str], object] | None = None,
    ) -> None:
        """`check` is called with the text of every frame that comes, and may raise."""
        self.url, self.cookie, self.origin, self.ticket, self.name = url, cookie, origin, ticket, name
        self.check = check
        self.position = resume  # Epoch and offset of the last event of lane s.
        self.snapshot: dict[str, Any] | None = None
        self.welcome: dict[str, Any] | None = None
        self.events: list[Frame] = []  # What was told, in order, without duplicates.
        self.failure: Exception | None = None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._lost = resume is None
        self._versions: dict[str, int] = {}
        self._lines: set[str] = set()
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def open(self) -> bool:
        """Whether the connection stands."""
        return self._reader is not None and not self._reader.done()

    async def connect(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """Connect, say hello, resume if there is a position, and return the welcome.

        Raises RefusedByServer, Disconnected, TimeoutError.
        """
        async with asyncio.timeout(deadline):
            headers = {"Cookie": self.cookie} if self.cookie else {}
            self._socket = await connect(
                self.url,
                subprotocols=[PROTOCOL],  # type: ignore[list-item]  # a NewType of str
                origin=self.origin,  # type: ignore[arg-type]  # a NewType of str
                additional_headers=headers,
                compression=None,
                max_size=None,
                ping_interval=None,
                proxy=None,
            )
            self._reader = asyncio.create_task(self._read(self._socket))
            hello: dict[str, Any] = {"client": self.name}
            if self.ticket is not None:
                hello["ticket"] = self.ticket if isinstance(self.ticket, str) else await self.ticket()
            if self.position is not None and not self._lost:
                hello["resume"] = {"s": {"epoch": self.position[0], "offset": self.position[1]}}
            self.welcome = await self._ask("hello", hello, None)
            if not self.welcome["recovered"]["s"]:
                await self._until(lambda: self.snapshot is not None and not self._lost)
            return self.welcome

    async def reconnect(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """Cut what stands of the connection, connect anew and resume."""
        await self.cut()
        return await self.connect(deadline)

    async def cut(self) -> None:
        """End the connection without a close frame, as a lost network does."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self._finished()

    async def close(self) -> None:
        """Say goodbye."""
        if self._socket is not None:
            await self._socket.close()
        await self._finished()

    async def command(
        self,
        t: str,
        d: dict[str, Any] | None = None,
        *,
        key: UUID | str | None = None,
        deadline: float = DEADLINE,
    ) -> dict[str, Any]:
        """Send a command and return the reply's body; raises RefusedByServer, Disconnected, TimeoutError."""
        async with asyncio.timeout(deadline):
            return await self._ask(t, d or {}, key)

    async def send(self, t: str, d: dict[str, Any] | None = None) -> None:
        """Send a frame that has no reply."""
        await self.send_raw(json.dumps({"v": 1, "t": t, "d": d or {}}))

    async def send_raw(self, data: str | bytes) -> None:
        """Send anything as one frame; bytes go as a binary one. Raises Disconnected."""
        if self._socket is None:
            raise Disconnected(1006)
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            raise Disconnected(_code(closed)) from None

    async def wait(
        self,
        t: str,
        match: Callable[[dict[str, Any]], bool] = lambda d: True,
        *,
        since: int = 0,
        deadline: float = DEADLINE,
    ) -> Frame:
        """Return the first event of a type whose body matches, from place `since` of `events` on.

        Raises TimeoutError, Disconnected.
        """
        found: Frame | None = None

        def look() -> bool:
            nonlocal found
            found = next((e for e in self.events[since:] if e["t"] == t and match(e["d"])), None)
            return found is not None

        async with asyncio.timeout(deadline):
            await self._until(look)
        assert found is not None
        return found

    async def wait_closed(self, deadline: float = DEADLINE) -> int:
        """Return the close code once the connection has ended; raises TimeoutError."""
        assert self._reader is not None
        async with asyncio.timeout(deadline):
            await asyncio.wait([self._reader])
        return self.close_code

    @property
    def close_code(self) -> int:
        """The code that the connection ended with."""
        code: int | None = self._socket.close_code if self._socket else None
        return code or 1006

    def of(self, t: str) -> list[Frame]:
        """Return the events of a type so far."""
        return [event for event in self.events if event["t"] == t]

    async def _ask(self, t: str, d: dict[str, Any], key: UUID | str | None) -> dict[str, Any]:
        self._number += 1
        number = self._number
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        named = {} if key is None else {"key": str(key)}
        try:
            await self.send_raw(json.dumps({"v": 1, "t": t, "id": number, **named, "d": d}))
            return await reply
        finally:
            self._replies.pop(number, None)

    async def _read(self, socket: ClientConnection) -> None:
        code = 1006
        try:
            async for text in socket:
                assert isinstance(text, str)
                if self.check is not None:
                    self.check(text)
                for line in text.split("\n"):
                    await self._take(json.loads(line))
                async with self._news:
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        except Exception as error:
            self.failure = error
            socket.transport.abort()
        finally:
            code = socket.close_code or 1006
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(self.failure or Disconnected(code))
            async with self._news:
                self._news.notify_all()

    async def _take(self, frame: Frame) -> None:
        t, d = frame["t"], frame["d"]
        if t in ("reply", "welcome", "error"):
            reply = self._replies.get(frame.get("re", 0))
            if reply is not None and not reply.done():
                if t == "error":
                    reply.set_exception(RefusedByServer(d))
                else:
                    reply.set_result(d)
            if t == "welcome" and not d["recovered"]["s"]:
                self._lost = True
            if t != "reply":
                self.events.append(frame)
        elif t == "ping":
            await self.send("pong")
        elif self._is_news(frame):
            self.events.append(frame)

    def _is_news(self, frame: Frame) -> bool:
        t, d = frame["t"], frame["d"]
        if t == "snapshot":
            self.position, self.snapshot, self._lost = (frame["e"], frame["o"]), d, False
        elif t == "resync":
            self._lost = True
        elif frame.get("l") == "s":
            return self._in_order(frame["e"], frame["o"])
        elif "k" in frame:
            if self._versions.get(frame["k"], -1) >= frame["n"]:
                return False
            self._versions[frame["k"]] = frame["n"]
        elif t == "chat.message":
            if d["id"] in self._lines:
                return False
            self._lines.add(d["id"])
        return True

    def _in_order(self, epoch: str, offset: int) -> bool:
        if self._lost or self.position is None:
            return False
        if epoch == self.position[0] and offset <= self.position[1]:
            return False
        if (epoch, offset - 1) != self.position:
            self._lost = True
            self._resyncing = asyncio.create_task(self._resync())
            return False
        self.position = (epoch, offset)
        return True

    async def _resync(self) -> None:
        with suppress(RefusedByServer, Disconnected, TimeoutError):
            await self.command("resync")

    async def _until(self, true: Callable[[], bool]) -> None:
        async with self._news:
            while not true():
                if not self.open:
                    raise self.failure or Disconnected(self.close_code)
                await self._news.wait()

    async def _finished(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader])


def _code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd else closed.sent.code if closed.sent else 1006
