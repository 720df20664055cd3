"""One connection at a time to one show: talks, hears everything once and in order, and keeps it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from streams.client.comeback import LOST
from streams.client.errors import Disconnected, RefusedByServer
from streams.client.heard import Frame, Heard, Place

PROTOCOL = "livecommerce.v1"
DEADLINE = 10.0
WITHOUT_SNAPSHOT = 20.0  # Seconds after which coming anew is what helps.

Ticket = Callable[[], Awaitable[str]]


class Connection:
    """One show, seen over one connection at a time."""

    def __init__(
        self,
        url: str,
        *,
        cookie: str | None = None,
        origin: str | None = None,
        ticket: str | Ticket | None = None,
        resume: Place | None = None,
        name: str = "client.py/1",
        check: Callable[[str], object] | None = None,
        keep: int | None = None,
    ) -> None:
        """A connection to make.

        A ticket is good once, so whoever comes back gives a function that fetches one; its OSErrors count as
        a lost network. `check` is called with the text of every frame that comes, and may raise. With
        `keep` at least the last so many events are kept, and at most twice as many; without, all.
        """
        self.url, self.cookie, self.origin, self.ticket, self.name = url, cookie, origin, ticket, name
        self.check, self.keep = check, keep
        self.heard = Heard(s=resume)
        self.snapshot: dict[str, Any] | None = None
        self.welcome: dict[str, Any] | None = None
        self.events: list[Frame] = []  # What was told, in order, without duplicates.
        self.told = 0  # How many events there were, kept or not.
        self.failure: Exception | None = None
        self.heard_at = 0.0
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._news = asyncio.Condition()

    @property
    def open(self) -> bool:
        """Whether the connection stands."""
        return self._reader is not None and not self._reader.done()

    @property
    def _ended(self) -> bool:
        return not self.open

    @property
    def online(self) -> bool:
        """Whether the connection stands, is welcomed, and lane s is whole."""
        return self.open and self.welcome is not None and self.heard.whole

    @property
    def position(self) -> Place | None:
        """Epoch and offset of the last event of lane s."""
        return self.heard.s

    async def connect(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """Connect, say hello, resume if there is a place, and return the welcome.

        Raises RefusedByServer, Disconnected, TimeoutError, InvalidHandshake (no websocket there).
        """
        async with asyncio.timeout(deadline):
            self.welcome = self._socket = self._reader = None
            hello: dict[str, Any] = {"client": self.name}
            if self.ticket is not None:
                hello["ticket"] = self.ticket if isinstance(self.ticket, str) else await self.ticket()
            self._socket = await connect(
                self.url,
                subprotocols=[PROTOCOL],  # type: ignore[list-item]  # a NewType of str
                origin=self.origin,  # type: ignore[arg-type]  # a NewType of str
                additional_headers={"Cookie": self.cookie} if self.cookie else {},
                compression=None,
                max_size=None,
                ping_interval=None,
                proxy=None,
            )
            self._reader = asyncio.create_task(self._read(self._socket))
            if places := self.heard.resume():
                hello["resume"] = places
            welcome = await self._ask("hello", hello, None)
            await self._until(lambda: self.heard.whole or not self.open)
            if not self.open:
                raise self.failure or Disconnected(self.close_code)
            return welcome

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
        for errand in list(self._errands):
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
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
            raise Disconnected(LOST)
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
        """Return the first event of a type whose body matches, from the `since`-th that was told on.

        Raises TimeoutError, Disconnected.
        """
        found: Frame | None = None

        def look() -> bool:
            nonlocal found
            start = max(0, since - (self.told - len(self.events)))
            told = islice(self.events, start, None)
            found = next((each for each in told if each["t"] == t and match(each["d"])), None)
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
        """The code that the last connection ended with."""
        code: int | None = self._socket.close_code if self._socket else None
        return code or LOST

    def of(self, t: str) -> list[Frame]:
        """Return the events of a type so far."""
        return [event for event in self.events if event["t"] == t]

    # --- talking and hearing ---

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
        try:
            async for text in socket:
                assert isinstance(text, str)
                self.heard_at = asyncio.get_running_loop().time()
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
            code = socket.close_code or LOST
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(self.failure or Disconnected(code))
            async with self._news:
                self._news.notify_all()

    async def _take(self, frame: Frame) -> None:
        t, d = frame["t"], frame["d"]
        if t in ("reply", "welcome", "error"):
            if t == "welcome":
                self.welcome = d
                self.heard.welcomed(d)
            reply = self._replies.get(frame.get("re", 0))
            if reply is not None and not reply.done():
                if t == "error":
                    reply.set_exception(RefusedByServer(d))
                else:
                    reply.set_result(d)
            if t != "reply":
                self._note(frame)
        elif t == "ping":
            # Not waited for: once the other end has closed, sending waits until what came has been read.
            self._run(self._pong())
        elif self.heard.take(frame):
            if t == "snapshot":
                self.snapshot = d
            self._note(frame)
        if self.heard.missing:
            self._run(self._resync(sorted(self.heard.missing)))
            self.heard.missing.clear()

    def _note(self, frame: Frame) -> None:
        self.events.append(frame)
        self.told += 1
        if self.keep is not None and len(self.events) > 2 * self.keep:
            del self.events[: -self.keep]

    async def _until(self, true: Callable[[], bool]) -> None:
        async with self._news:
            while not true():
                if self._ended:
                    raise self.failure or Disconnected(self.close_code)
                await self._news.wait()

    async def _finished(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader])

    # --- errands ---

    def _run(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _pong(self) -> None:
        with suppress(Disconnected):
            await self.send("pong")

    async def _resync(self, lanes: list[str]) -> None:
        """Ask for lanes anew until it is granted; without a snapshot coming anew is what helps."""
        socket = self._socket
        with suppress(Disconnected, TimeoutError):
            async with asyncio.timeout(WITHOUT_SNAPSHOT):
                while True:
                    try:
                        await self._ask("resync", {"lanes": lanes}, None)
                        break
                    except RefusedByServer as refusal:
                        if not refusal.temporary:
                            break
                        await asyncio.sleep((refusal.retry_ms or 2000) / 1000)
                await self._until(lambda: self.heard.whole or self._socket is not socket)
        if not self.heard.whole and self._socket is socket and socket is not None:
            socket.transport.abort()


def _code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd else closed.sent.code if closed.sent else LOST
