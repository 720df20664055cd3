"""A request has to arrive: neither silence, nor half a head, nor a body in drips holds a connection."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.live_server import LiveRoom, environment

FAST = "from config import http_protocol as h; h.LOOK_SECONDS = 0.4; h.LEAST_BYTES = 1000"
SLOW = "from config import http_protocol as h; h.LOOK_SECONDS = 3600"
HEAD = "POST /api/v1/account/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def quick(django_db_setup: None) -> Iterator[LiveRoom]:
    live = LiveRoom(environment(), before=FAST)
    live.start()
    yield live
    live.stop()


async def answer(live: LiveRoom, first: bytes, rest: bytes = b"", *, times: int = 30) -> bytes:
    """Send a beginning, then the rest bit by bit every 50 ms; returns what comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(first)
    told = b""
    for _ in range(times):
        try:
            async with asyncio.timeout(0.05):
                if not (more := await reader.read(4096)):
                    break
                told += more
        except TimeoutError:
            writer.write(rest)
        except ConnectionError:
            break
    else:
        told += b"STILL OPEN"
    writer.transport.abort()
    return told


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (HEAD.encode(), b"X: 1\r\n"),
        (f"{HEAD}Content-Length: 900\r\n\r\n{{".encode(), b" "),
    ],
)
async def test_who_does_not_send_a_whole_request_is_cut_off(
    quick: LiveRoom, first: bytes, rest: bytes
) -> None:
    began = time.monotonic()

    assert await answer(quick, first, rest) == b""
    assert time.monotonic() - began >= 0.3


async def test_without_the_clock_the_connection_stays(transactional_db: None) -> None:
    live = LiveRoom(environment(), before=SLOW)
    live.start()
    try:
        assert await answer(live, HEAD.encode(), b"X: 1\r\n") == b"STILL OPEN"
    finally:
        live.stop()


async def test_a_large_body_on_a_slow_line_arrives(quick: LiveRoom) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", quick.port)
    writer.write(f"{HEAD}Content-Length: 8000\r\n\r\n".encode())
    for _ in range(20):
        writer.write(b" " * 400)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        told = await reader.read(4096)
    writer.close()

    assert told.startswith(b"HTTP/1.1 4")  # blanks are no JSON, but they were read to the end


async def test_a_second_request_on_the_same_connection_has_its_own_time(quick: LiveRoom) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", quick.port)
    for _ in range(3):
        writer.write(request)
        assert b" 200 OK" in await reader.readline()
        await reader.readuntil(b'{"status": "alive"}')
        await asyncio.sleep(0.5)  # longer than a request may take
    writer.close()


async def test_a_head_without_end_is_cut_off(quick: LiveRoom) -> None:
    assert await answer(quick, HEAD.encode() + b"X: " + b"x" * 70_000) == b""


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("Content-Length: 10", b""),
        ("Transfer-Encoding: chunked", b""),
        ("X: " + "x" * 10_000, b"HTTP/1.1 431 "),
        ("\r\n".join(f"X-{n}: 1" for n in range(200)), b"HTTP/1.1 431 "),
        ("Sec-WebSocket-Version: 12", b"HTTP/1.1 4"),
    ],
)
async def test_a_handshake_that_cannot_be_read_ends_its_connection(
    quick: LiveRoom, field: str, told: bytes
) -> None:
    fields = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {'A' * 22}==\r\n"
    head = f"GET /ws/v1/live/any HTTP/1.1\r\nHost: localhost\r\n{fields}{field}\r\n\r\n"
    said = await answer(quick, head.encode())

    assert said.startswith(told)
    assert not said.endswith(b"STILL OPEN")
