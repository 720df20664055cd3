"""Bodies beyond the limit end at the door, announced or not."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import orjson
import pytest

from commerce import bodylimit
from commerce.bodylimit import BodyLimit


class Exchange:
    """One request sent in chunks: what came of it, and how many chunks had been asked for by then."""

    def __init__(self, chunks: Iterable[bytes], *, ends: bool = True) -> None:
        self._left: Iterator[bytes] = iter(chunks)
        self._next = next(self._left, None)
        self._ends = ends
        self.asked = self.asked_before_answer = self.app_heard = 0
        self.status = 0
        self.body = b""
        self.done = False

    async def receive(self) -> dict[str, Any]:
        if self._next is None:
            await asyncio.Event().wait()
        chunk, self._next = self._next, next(self._left, None)
        self.asked += 1
        return {"type": "http.request", "body": chunk, "more_body": not self._ends or self._next is not None}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if message["body"]:
            self.asked_before_answer = self.asked
        self.body += message["body"]
        self.done = not message.get("more_body", False)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            self.app_heard, more = self.app_heard + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(self.app_heard)})

    async def run(
        self, *headers: tuple[bytes, bytes], most: int = 10, path: str = "/merchant/imports/"
    ) -> "Exchange":
        async with asyncio.timeout(10):
            await BodyLimit(self.app, most=most)(
                {"type": "http", "path": path, "headers": list(headers)}, self.receive, self.send
            )
        assert self.done
        return self

    @property
    def answer(self) -> Any:
        return orjson.loads(self.body)


def announced(size: int | bytes) -> tuple[bytes, bytes]:
    return b"content-length", size if isinstance(size, bytes) else b"%d" % size


@pytest.mark.parametrize("chunks", [[b""], [b"12345"], [b"12345", b"67890"]])
async def test_a_body_within_the_limit_goes_through(chunks: list[bytes]) -> None:
    size = sum(map(len, chunks))

    known, unknown = await Exchange(chunks).run(announced(size)), await Exchange(chunks).run()

    assert (known.status, known.answer, known.asked) == (200, size, len(chunks))
    assert (unknown.status, unknown.answer) == (200, size)


async def test_an_announced_giant_is_refused_unread() -> None:
    giant = await Exchange([b"x"] * 100).run(announced(1 << 30))

    assert (giant.status, giant.answer["code"], giant.answer["data"]) == (413, "TOO_LARGE", {"limit": 10})
    assert (giant.asked_before_answer, giant.app_heard) == (0, 0)


@pytest.mark.parametrize("headers", [[announced(1 << 30)], []])
async def test_people_are_told_in_a_page(headers: list[tuple[bytes, bytes]]) -> None:
    accept = (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    giant = await Exchange([b"x" * 1_000_000] * 100).run(*headers, accept, most=20_065_536)

    assert (giant.status, b"At most 20 MB are taken" in giant.body) == (413, True)
    to_api = await Exchange([b"x"] * 100).run(announced(1 << 30), accept, path="/api/v1/catalog/imports")
    assert to_api.answer["code"] == "TOO_LARGE"


async def test_a_giant_that_is_not_announced_is_read_up_to_the_limit() -> None:
    giant = await Exchange([b"xxxx"] * 100).run()

    assert (giant.status, giant.answer["code"]) == (413, "TOO_LARGE")
    assert (giant.asked_before_answer, giant.app_heard) == (3, 8)


async def test_a_length_that_is_none_leaves_the_counting() -> None:
    assert (await Exchange([b"xxxx"] * 100).run(announced(b"-5"))).status == 413
    assert (await Exchange([b"x"]).run(announced(b"9" * 5000))).status == 413


# --- what still comes after the refusal ---


async def test_what_still_comes_is_dropped_to_its_end() -> None:
    """A connection closed over unread bytes is reset, and the answer may be lost with it."""
    assert (await Exchange([b"x"] * 100).run(announced(100))).asked == 100


async def test_of_what_comes_without_end_only_so_much_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodylimit, "LINGER_BYTES", 1000)

    assert (await Exchange(repeat(b"x" * 100)).run(announced(1 << 30))).asked == 10


async def test_who_says_nothing_more_is_waited_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodylimit, "LINGER_SECONDS", 0.05)

    assert (await Exchange([b"x"] * 3, ends=False).run(announced(1 << 30))).asked == 3
