"""The door before the door: how many sockets may come in at once, from one address, and without a word.

Looked at before anything else is done for a connection, so that a storm costs next to nothing. Counted per
process.
"""

import asyncio
import contextvars
import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from commerce import forwarded
from streams.live import tally
from streams.live.limits import Bucket

HELLO_SECONDS = 5

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Visit:
    """A connection that was let in."""

    gate: "Gate"
    address: str  # A network address, "" where there is none.
    agent: str
    silent: bool = True

    def greeted(self) -> None:
        """Note that it has said hello and was welcomed."""
        if self.silent:
            self.silent = False
            self.gate.silent -= 1


# Of the connection whose task this is.
visit: contextvars.ContextVar[Visit | None] = contextvars.ContextVar("visit", default=None)


class Gate:
    """An ASGI application that lets a bounded number of websockets through to another."""

    def __init__(
        self, inner: Application, *, per_second: int, burst: int, per_address: int, trust_proxy: bool
    ) -> None:
        """`per_second` is how many may come in over time, `burst` at once, `per_address` be there at once."""
        self._inner, self._per_second, self._burst = inner, per_second, burst
        self._per_address, self._trust_proxy = per_address, trust_proxy
        self._bucket: Bucket | None = None
        self._there: Counter[str] = Counter()
        self.silent = 0  # How many have not been welcomed yet.
        self.refused = 0  # How many were turned away, ever.

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Let a connection in, or refuse its handshake with 503 or 429 and a time to wait."""
        address, agent = self._whence(scope)
        wait, status = self._wait(address)
        if wait:
            self.refused += 1
            tally.here.turned_away[status] += 1
            await _refuse(scope, receive, send, status=status, wait=wait)
            return
        self._there[address] += 1
        self.silent += 1
        here = Visit(self, address, agent)
        visit.set(here)
        try:
            await self._inner(scope, receive, send)
        finally:
            here.greeted()
            self._there[address] -= 1
            if not self._there[address]:
                del self._there[address]

    def _wait(self, address: str) -> tuple[int, int]:
        """Return the seconds to wait and the status to say so with; 0: come in."""
        if address and self._there[address] >= self._per_address:
            return 10, 429
        if self.silent >= self._per_second * HELLO_SECONDS:
            return HELLO_SECONDS, 503
        now = _now()
        if self._bucket is None:
            self._bucket = Bucket(rate=self._per_second, burst=self._burst, now=now)
        return (0, 0) if self._bucket.take(now) else (max(1, ceil(1 / self._per_second)), 503)

    def _whence(self, scope: dict[str, Any]) -> tuple[str, str]:
        address, agent = (scope.get("client") or ("",))[0], ""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value[:200].decode("latin-1")
            elif name == b"x-forwarded-for" and self._trust_proxy:
                # The last entry is what our proxy has seen; those before are hearsay.
                address = forwarded.seen([(name, value)])
        return network(address), agent


def network(address: str) -> str:
    """Return what stands for a caller's network: the address, of IPv6 its /64, "" when it is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


async def _refuse(scope: dict[str, Any], receive: Receive, send: Send, *, status: int, wait: int) -> None:
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"retry-after", str(wait).encode()), (b"content-length", b"0")]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close"})


def _now() -> float:
    return asyncio.get_running_loop().time()
