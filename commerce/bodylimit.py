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

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Too large</title>
<body style="font: 1rem/1.5 sans-serif; max-width: 30rem; margin: 15vh auto; padding: 0 1rem">
<h1 style="font-size: 1.4rem">This file is too large</h1>
<p>At most {mb} MB are taken. Nothing was done.
Go back in your browser, and choose a smaller file or send it in parts.</p>
</body></html>
"""

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
        headers = dict(scope["headers"])
        announced = headers.get(b"content-length", b"0")
        # As browsers do when they send a form.
        by_person = b"text/html" in headers.get(b"accept", b"") and not scope["path"].startswith("/api/")
        if announced.isdigit() and int(announced[:20]) > self.most:
            await self._refuse(receive, send, by_person=by_person)
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
            await self._refuse(receive, send, by_person=by_person)

    async def _refuse(self, receive: Receive, send: Send, *, by_person: bool) -> None:
        kind, body = self._page() if by_person else self._problem()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": errors.TooLarge.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await self._linger(receive)
        await send({"type": "http.response.body", "body": b""})

    def _page(self) -> tuple[bytes, bytes]:
        """Return what people read who have sent a form."""
        return b"text/html; charset=utf-8", _PAGE.format(mb=self.most // 1_000_000).encode()

    def _problem(self) -> tuple[bytes, bytes]:
        """Return what systems read."""
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
        return b"application/problem+json", body

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
