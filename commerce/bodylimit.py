"""A limit on request bodies at the door: Django writes any number of bytes to disk before a view runs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from commerce import errors

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
            await self._refuse(send)
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
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        refusal = errors.TooLarge(limit=self.most)
        body = orjson.dumps(
            {
                "type": "about:blank",
                "title": "TooLarge",
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
        await send({"type": "http.response.body", "body": body})
