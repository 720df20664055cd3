"""A room that a client stays in: it comes back as the protocol asks."""

import asyncio
import random
from contextlib import suppress
from typing import Any, Self

from websockets.exceptions import InvalidHandshake, InvalidStatus

from streams.client.comeback import Comeback
from streams.client.connection import DEADLINE, Connection
from streams.client.errors import Disconnected, RefusedByServer
from streams.client.heard import Frame

SILENCE = 10.0  # Seconds beyond the server's heartbeat after which the connection counts as lost.
GOING = 1001
FAREWELL = 2.0  # Seconds that a server gets to close what it has refused.


class Room(Connection):
    """One show. As a context it is connected; with `stay` it comes back by itself until it is over."""

    def __init__(
        self, url: str, *, stay: bool = False, backoff: tuple[float, float] = (0.5, 30.0), **more: Any
    ) -> None:
        """`backoff` is the first and the longest wait in seconds; `more` as for Connection."""
        super().__init__(url, **more)
        self.stay = stay
        self.over: int | None = None  # The close code after which it stays away.
        self.comings = 0  # How often it was let in.
        self._comeback = Comeback(*backoff)
        self._keeper: asyncio.Task[None] | None = None
        self._leave_at: float | None = None  # When to move on from a process that is going.

    async def __aenter__(self) -> Self:
        if not self.stay:
            await self.connect()
            return self
        self._keeper = asyncio.create_task(self._keep())
        try:
            await self.wait_online()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye and stay away."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await super().close()

    async def wait_online(self, deadline: float = DEADLINE) -> None:
        """Return once it is connected and lane s is whole; raises TimeoutError, Disconnected."""
        async with asyncio.timeout(deadline):
            await self._until(lambda: self.online)

    async def wait_over(self, deadline: float = DEADLINE) -> int:
        """Return the close code once it stays away for good; raises TimeoutError."""
        assert self._keeper is not None
        async with asyncio.timeout(deadline):
            await asyncio.wait([self._keeper])
        assert self.over is not None
        return self.over

    @property
    def _ended(self) -> bool:
        if not self.stay:
            return super()._ended
        return self.over is not None or self.failure is not None

    async def _take(self, frame: Frame) -> None:
        await super()._take(frame)
        if self.stay and frame["t"] == "auth.expiring":
            self._run(self._refresh())
        elif self.stay and frame["t"] == "reconnect":
            self._run(self._leave(random.uniform(0, frame["d"]["spread_ms"] / 1000)))

    async def _refresh(self) -> None:
        with suppress(RefusedByServer, Disconnected, TimeoutError):
            if callable(self.ticket):
                await self.command("auth.refresh", {"ticket": await self.ticket()})

    async def _leave(self, after: float) -> None:
        """Move on from a process that is going; it finishes what was asked of it."""
        loop, socket = asyncio.get_running_loop(), self._socket
        self._leave_at = loop.time() + after
        await asyncio.sleep(after)
        while self._replies and self.open and self._socket is socket:
            await asyncio.wait(list(self._replies.values()))
        if self._socket is socket and socket is not None:
            await socket.close(GOING)

    async def _keep(self) -> None:
        wait: float | None = 0.0
        while wait is not None:
            await asyncio.sleep(wait)
            self._leave_at = None
            began, asked = asyncio.get_running_loop().time(), None
            try:
                await self.connect()
                self.comings += 1
                self._comeback.welcomed()
                await self._watch()
            except RefusedByServer as refusal:
                asked = refusal.retry_ms / 1000 if refusal.retry_ms else None
                if self._reader is not None:
                    await asyncio.wait([self._reader], timeout=FAREWELL)
            except InvalidStatus as refused:
                asked = _retry_after(refused)
            except (Disconnected, TimeoutError, InvalidHandshake, OSError):
                pass
            except Exception as error:
                self.failure = error
            if self.open:
                await self.cut()
            wait = None if self.failure else self._wait(began, asked)
        self.over = self.close_code
        async with self._news:
            self._news.notify_all()

    def _wait(self, began: float, asked: float | None) -> float | None:
        now = asyncio.get_running_loop().time()
        return self._comeback.after(
            self.close_code,
            lasted=now - began,
            tickets=callable(self.ticket),
            named=None if self._leave_at is None else self._leave_at - now,
            asked=asked,
        )

    async def _watch(self) -> None:
        """Return when the connection has ended, or has been silent for too long."""
        assert self._reader is not None
        assert self.welcome is not None
        now = asyncio.get_running_loop().time
        longest = self.welcome["heartbeat_ms"] / 1000 + SILENCE
        while not self._reader.done() and (left := self.heard_at + longest - now()) > 0:
            await asyncio.wait([self._reader], timeout=left)


def _retry_after(refused: InvalidStatus) -> float | None:
    given = refused.response.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else None
