"""Bodies beyond the limit end at the door, announced or not."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from commerce.bodylimit import BodyLimit


async def serve(headers: dict[bytes, bytes], chunks: list[bytes], *, most: int = 10) -> tuple[int, Any, int]:
    """Send a request in chunks; returns status, JSON body and how many chunks were asked for."""
    left: Iterator[tuple[int, bytes]] = iter(enumerate(chunks, start=1))
    asked = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked, chunk = next(left)
        return {"type": "http.request", "body": chunk, "more_body": asked < len(chunks)}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(size)})

    scope = {"type": "http", "headers": list(headers.items())}
    await BodyLimit(app, most=most)(scope, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"]), asked


@pytest.mark.parametrize("chunks", [[b""], [b"12345"], [b"12345", b"67890"]])
async def test_a_body_within_the_limit_goes_through(chunks: list[bytes]) -> None:
    size = sum(map(len, chunks))
    assert await serve({b"content-length": b"%d" % size}, chunks) == (200, size, len(chunks))
    assert (await serve({}, chunks))[0] == 200


async def test_an_announced_giant_is_refused_unread() -> None:
    status, body, asked = await serve({b"content-length": b"1073741824"}, [b"x"] * 100)
    assert (status, body["code"], body["data"], asked) == (413, "TOO_LARGE", {"limit": 10}, 0)


async def test_a_giant_that_is_not_announced_is_read_up_to_the_limit() -> None:
    status, body, asked = await serve({}, [b"xxxx"] * 100)
    assert (status, body["code"], asked) == (413, "TOO_LARGE", 3)


async def test_a_length_that_is_none_leaves_the_counting() -> None:
    assert (await serve({b"content-length": b"-5"}, [b"xxxx"] * 100))[0] == 413
    assert (await serve({b"content-length": b"9" * 5000}, [b"x"]))[0] == 413
