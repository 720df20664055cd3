"""A limit on request bodies at the door: Django writes any number of bytes to disk before a view runs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from commerce import errors

# After a refusal, for callers who read the answer only when they have noticed it.
LINGER_BYTES = 16 * 1024 * 1024
LINGER_SECONDS = 2.0

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _TooMuch(Exception):
    """More bytes came than are taken."""


class BodyLimit:
    """An ASGI application around another, which answers 413 to bodies of more than `most` bytes.

    A body that is announced as too large is not read; one that is not announced is read up to the limit.
    """

    def __init__(self, app: App, *, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > self.most:
            await self._refuse(receive, send)
            return
        taken, answered = 0, False

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most and not answered:
                raise _TooMuch
            return message

        async def noting(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, limited, noting)
        except _TooMuch:
            await self._refuse(receive, send)

    async def _refuse(self, receive: Receive, send: Send) -> None:
        refusal = errors.TooLarge(limit=self.most)
        body = orjson.dumps(
            {
                "type": "about:blank",
                "title": errors.titled(refusal.code),
                "status": refusal.status,
                "code": refusal.code,
                "detail": refusal.text,
                "temporary": False,
                "data": refusal.data,
            }
        )
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await self._linger(receive)
        await send({"type": "http.response.body", "body": b""})

    async def _linger(self, receive: Receive) -> None:
        """Take in some of what is still coming, and drop it.

        A connection that is closed over unread bytes is reset, and the caller may lose the answer (RFC 9112,
        9.6).
        """
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0:
                    message = await receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body"):
                        return
                    left -= len(message["body"])
