"""The direct way out: nothing follows a close frame, whoever closes, and little is buffered."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvloop

from streams.live import uvicorn_protocol
from streams.live.limits import Bucket
from tests.streams.live.phones import Wire, must

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


@pytest.fixture
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that the live process runs on."""
    policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
    return policy


@pytest.fixture
async def phone() -> AsyncIterator[Wire]:
    made = await Wire().start()
    yield made
    await made.end()


async def rounds_of_telling(phone: Wire, seconds: float = 0.1) -> None:
    """Tell it all the time, as a room does."""
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        if phone.viewer.flows:
            phone.viewer.write(b"\x81\x02{}")
        await asyncio.sleep(0)


async def test_nothing_follows_the_answer_to_a_close_frame(phone: Wire) -> None:
    phone.say(CLOSE, struct.pack("!H", 1000))
    await rounds_of_telling(phone)

    assert phone.code == 1000  # The helper fails at a frame behind it.
    await phone.until(lambda: phone.viewer.gone or None)


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"\x83\x80\x00\x00\x00\x00", 1002), (b"\x81\x02{}", 1002), (b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007)],
)
async def test_nothing_follows_the_answer_to_nonsense(phone: Wire, frame: bytes, code: int) -> None:
    phone.socket.send(frame)
    await rounds_of_telling(phone)

    assert phone.code == code
    await phone.until(lambda: phone.viewer.gone or None)


async def test_nothing_follows_the_close_frame_of_a_server_that_ends(phone: Wire) -> None:
    phone.protocol.shutdown()
    await rounds_of_telling(phone)

    assert phone.code == 1012


async def test_a_connection_that_only_its_other_end_has_ended_is_ended(phone: Wire) -> None:
    phone.socket.shutdown(socket.SHUT_WR)
    await rounds_of_telling(phone)

    await phone.until(lambda: phone.viewer.gone or None)
    async with asyncio.timeout(1):
        await phone.ended.wait()


async def test_a_ping_between_frames_is_answered(phone: Wire) -> None:
    phone.viewer.must(must(1))
    phone.say(PING, b"hi")
    phone.viewer.must(must(2))
    await phone.events(2)

    await phone.until(lambda: (PONG, b"hi") in phone._frames() or None)


FLOODS = {
    "messages": b"\x81\x80\x00\x00\x00\x00",
    "pings": b"\x89\x80\x00\x00\x00\x00",
    "pieces": b"\x00\x80\x00\x00\x00\x00",
}


async def flood(phone: Wire, frames: bytes) -> None:
    with suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(phone.socket, frames)


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_frames_is_cut_off(phone: Wire, kind: str) -> None:
    if kind == "pieces":
        phone.socket.send(b"\x01\x80\x00\x00\x00\x00")  # Of this message.
    await flood(phone, FLOODS[kind] * 20_000)

    await phone.until(lambda: phone.viewer.gone or None)
    assert len(phone._frames()) <= uvicorn_protocol.FRAMES_AT_ONCE


async def test_without_the_limit_all_of_a_flood_is_answered(
    phone: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone.protocol, "_allowed", Bucket(rate=0, burst=10**9, now=0))
    await flood(phone, FLOODS["pings"] * 5_000)

    await phone.until(lambda: len(phone._frames()) == 5_000 or None)


async def test_of_a_reader_that_stopped_little_is_buffered(phone: Wire) -> None:
    await phone.jam()

    assert phone.viewer.held == 0
    assert phone.protocol.waits() < 10_000


async def test_a_connection_that_is_cut_leaves_nothing_to_the_kernel(phone: Wire) -> None:
    await phone.jam()
    phone.viewer.cut()
    phone.go()

    # A reset, not an end that waits behind what was never read.
    await phone.until(lambda: phone.has_ended() or None)
    assert phone.reset


async def test_without_the_kernel_noticing_a_silent_peer_would_stay(phone: Wire) -> None:
    server_side = phone.protocol.transport.get_extra_info("socket")

    timeout = server_side.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert timeout == uvicorn_protocol.UNACKNOWLEDGED_MS


async def test_an_inbox_gives_everything_in_order_and_waits_for_what_is_not_there() -> None:
    inbox = uvicorn_protocol.Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    assert not reading.done()

    for n in range(3):
        inbox.put_nowait({"n": n})

    assert await reading == {"n": 0}
    assert [await inbox.get(), await inbox.get()] == [{"n": 1}, {"n": 2}]
    assert inbox.empty()


async def test_an_inbox_whose_reader_gave_up_loses_nothing() -> None:
    inbox = uvicorn_protocol.Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    inbox.put_nowait({"n": 1})

    assert await inbox.get() == {"n": 1}


async def too_large(phone: Wire, size: int) -> None:
    """Send a frame of so many bytes, more than is taken, at once."""
    phone.protocol.conn.parser_exc = None
    phone.protocol.conn.max_message_size = 8192
    await flood(phone, b"\x81\xff" + size.to_bytes(8, "big") + bytes(4 + size))


async def test_the_answer_to_a_frame_that_is_too_large_is_no_reset(phone: Wire) -> None:
    await too_large(phone, 900_000)

    await phone.until(lambda: phone.has_ended() or None)
    assert (phone.code, phone.reset) == (1009, False)
    phone.socket.close()
    await phone.until(lambda: phone.viewer.gone or None)


async def test_who_stays_after_a_frame_that_is_too_large_is_left_in_a_moment(
    phone: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_protocol, "LINGER_SECONDS", 0.1)
    await too_large(phone, 10_000)

    await phone.until(lambda: phone.viewer.gone or None)
    assert phone.code == 1009


async def test_what_follows_a_frame_that_is_too_large_is_read_up_to_a_bound(
    phone: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_protocol, "LINGER_SECONDS", 60)
    await too_large(phone, 2 * uvicorn_protocol.LINGER_BYTES)

    await phone.until(lambda: phone.viewer.gone or None)
