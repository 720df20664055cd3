"""Whatever a client sends: an error frame or a close code, no harm to others, and no ghost left behind."""

import asyncio
import contextlib
import json
import socket
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from streams import chat, client, presence
from streams.frames import wire
from streams.models import ChatMessage, Stream
from tests.live_server import LiveRoom, aside, cookie_of, eventually
from tests.streams import make

HELLO = json.dumps({"v": 1, "t": "hello", "id": 1, "d": {}})
PONG = json.dumps({"v": 1, "t": "pong"})


def slow(stream: Stream, seconds: int) -> None:
    chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=seconds)
    LiveRoom.relay()


async def watches(stream: Stream, n: int) -> None:
    """Wait until so many are counted as viewers."""
    await eventually(lambda: presence.count(stream_id=stream.id) == n)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"v":1,"t":"no.such.thing","id":9}', "BAD_REQUEST"),
        ('{"v":1,"t":"welcome","id":9}', "BAD_REQUEST"),
        ('{"v":1,"t":"chat.send","id":9,"d":{"text":"a"}}', "BAD_IDEMPOTENCY_KEY"),  # no key
        ('{"v":1,"t":"time.sync","d":{"c":1}}', "BAD_REQUEST"),  # no number
        ('{"v":2,"t":"time.sync","id":9,"d":{"c":1}}', "VERSION_UNSUPPORTED"),
        ("not json", "BAD_REQUEST"),
        ("", "BAD_REQUEST"),
        (b"\x00\x01\x02", "BAD_REQUEST"),
        ('{"v":1,"t":"x","id":9,"d":' + "[" * 4000 + "]" * 4000 + "}", "BAD_REQUEST"),
        ('{"v":1,"t":"x","id":9,"d":' + '{"a":' * 1000, "BAD_REQUEST"),
    ],
)
async def test_a_senseless_frame_is_answered_and_the_room_goes_on(
    live_room: LiveRoom, frame: str | bytes, code: str
) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as viewer:
        await viewer.send_raw(frame)
        told = await viewer.wait("error")
        await aside(slow, stream, 1)
        await viewer.wait("chat.mode")

    assert told["d"]["code"] == code
    assert told["d"]["temporary"] is False


async def test_a_refused_command_is_answered_by_its_number(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as viewer:
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.command("chat.send", {"text": "x" * 201}, key=uuid4())

    assert refused.value.code == "BAD_REQUEST"
    assert list(refused.value.fields) == ["text"]


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        ({"key": "nope"}, "BAD_IDEMPOTENCY_KEY"),
        ({"colour": "red"}, "BAD_REQUEST"),
        ({"v": 2}, "VERSION_UNSUPPORTED"),
    ],
)
async def test_whatever_is_wrong_beside_it_the_number_is_answered(
    live_room: LiveRoom, envelope: dict[str, Any], code: str
) -> None:
    stream, noa = await aside(make.show), await aside(make.user)
    frame = {"v": 1, "t": "chat.send", "id": 41, "key": str(uuid4()), "d": {"text": "a"}}

    async with await aside(live_room.visitor, stream, noa) as viewer:
        await viewer.send_raw(json.dumps({**frame, **envelope}))
        told = await viewer.wait("error")

    assert (told["re"], told["d"]["code"]) == (41, code)


async def test_a_client_hears_at_once_that_its_key_is_none(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as viewer:
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.command("chat.send", {"text": "a"}, key="nope", deadline=60)

    assert (refused.value.code, list(refused.value.fields)) == ("BAD_IDEMPOTENCY_KEY", ["key"])


@pytest.mark.parametrize("size", [9_000, 70_000, 200_000, 900_000])
async def test_a_frame_that_is_too_large_ends_the_connection(live_room: LiveRoom, size: int) -> None:
    stream = await aside(make.show)

    viewer = live_room.room(stream)
    await viewer.connect()
    with contextlib.suppress(client.Disconnected):  # While it still sends.
        await viewer.send_raw('{"v":1,"t":"chat.send","id":9,"d":{"text":"' + "x" * size + '"}}')

    assert await viewer.wait_closed() == 1009
    await watches(stream, 0)


async def test_a_hundred_senseless_frames_end_the_connection_and_leave_no_ghost(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as other:
        viewer = live_room.room(stream)
        await viewer.connect()
        with contextlib.suppress(client.Disconnected):
            for _ in range(100):
                await viewer.send_raw("{")
        assert await viewer.wait_closed() == 4429
        await watches(stream, 1)
        await aside(slow, stream, 1)
        await other.wait("chat.mode")


async def test_too_many_commands_are_refused_for_a_while(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as viewer:
        answers = await asyncio.gather(
            *(viewer.command("time.sync", {"c": n}) for n in range(30)), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, client.RefusedByServer)]
        assert all(each.code == "RATE_LIMITED" and each.temporary for each in refused)
        assert 5 <= len(refused) <= 15
        await asyncio.sleep(0.3)
        await viewer.command("time.sync", {"c": 1})


async def test_a_flood_of_chat_is_refused_beyond_the_pace(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as viewer:
        codes: list[Any] = []
        for n in range(8):
            try:
                await viewer.command("chat.send", {"text": str(n)}, key=uuid4())
                codes.append(None)
            except client.RefusedByServer as refused:
                codes.append(refused.code)

    assert codes == [None] * 5 + ["RATE_LIMITED"] * 3
    assert await aside(ChatMessage.objects.filter(stream=stream).count) == 5


@pytest.mark.parametrize("how", ["abort", "close", "half hello", "bad utf-8", "reserved opcode", "unmasked"])
async def test_no_ghost_is_left_however_a_connection_ends(live_room: LiveRoom, how: str) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as other:
        await watches(stream, 1)
        async with connect(
            live_room.url(stream.slug),
            subprotocols=[Subprotocol(client.PROTOCOL)],
            compression=None,
            proxy=None,
        ) as end:
            if how != "half hello":
                await end.send(HELLO)
                await end.recv()
                await end.send(PONG)
                await watches(stream, 2)
            raw = {
                "half hello": b"\x81\xfe\x10\x00abcd{",  # a masked text frame of 4096 bytes that never ends
                "bad utf-8": b"\x81\x82\x00\x00\x00\x00\xff\xfe",
                "reserved opcode": b"\x83\x80\x00\x00\x00\x00",
                "unmasked": b"\x81\x02{}",
            }.get(how)
            if raw is not None:
                end.transport.write(raw)
            if how in ("abort", "half hello"):
                end.transport.abort()
            elif how == "close":
                await end.close()
            async with asyncio.timeout(8):
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        await end.recv()
        await watches(stream, 1)
        assert other.open


async def test_a_viewer_that_never_reads_is_closed_and_delays_nobody(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    loop = asyncio.get_running_loop()

    # A tiny window, so that little is on its way in the kernels.
    jammed = socket.socket()
    jammed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    jammed.setblocking(False)
    await loop.sock_connect(jammed, ("127.0.0.1", live_room.port))
    async with live_room.room(stream) as other:
        request = (
            f"GET /ws/v1/live/{stream.slug} HTTP/1.1\r\nHost: x\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {client.PROTOCOL}\r\n\r\n"
        )
        await loop.sock_sendall(jammed, request.encode())
        assert b"101" in await loop.sock_recv(jammed, 12)
        payload = HELLO.encode()
        await loop.sock_sendall(jammed, bytes((0x81, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        took: list[float] = []
        for n in range(60):
            started = loop.time()
            await aside(tell_much, stream, n)
            await other.wait("showcase.changed", partial(is_number, n))
            took.append(loop.time() - started)
        # Whoever answers nothing is not counted, and is let go of.
        await watches(stream, 1)
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                while await loop.sock_recv(jammed, 65_536):
                    pass
        jammed.close()

    assert sorted(took)[len(took) // 2] < 0.3


def is_number(n: int, d: dict[str, Any]) -> bool:
    return bool(d["items"][0]["position"] == n)


def tell_much(stream: Stream, n: int) -> None:
    """Tell the room a must event of some 40 KB."""
    from streams import showlog

    item = {
        "id": str(stream.id),
        "position": n,
        "product": {
            "id": str(stream.id),
            "title": "x" * 200,
            "image": None,
            "merchant": {"id": str(stream.id), "name": "m"},
            "description": "x" * 500,
        },
        "price": None,
        "variants": [],
    }
    showlog.append(stream_id=stream.id, t="showcase.changed", d={"items": [item] * 40}, key=f"much:{n}", ts=n)


async def test_a_user_who_is_banned_may_do_nothing_more(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    for by in ("cookie", "ticket"):
        await aside(lambda: type(noa).objects.filter(pk=noa.pk).update(is_active=True))
        viewer = await aside(live_room.visitor, stream, noa, by=by)
        await viewer.connect()
        await aside(lambda: type(noa).objects.filter(pk=noa.pk).update(is_active=False))
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.command("chat.send", {"text": "Still here"}, key=uuid4())
        assert refused.value.code == "UNAUTHENTICATED"
        assert await viewer.wait_closed() == 4403
    assert not await aside(ChatMessage.objects.exists)


async def test_a_user_who_signed_out_may_do_nothing_more(live_room: LiveRoom) -> None:
    from django.conf import settings
    from django.contrib.sessions.models import Session

    stream, noa = await aside(make.show), await aside(make.user)
    cookie = await aside(cookie_of, noa)

    async with live_room.room(stream, cookie=cookie, origin=settings.BASE_URL) as viewer:
        await viewer.command("chat.send", {"text": "Hi"}, key=uuid4())
        await aside(Session.objects.all().delete)
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.command("chat.send", {"text": "Still here"}, key=uuid4())
        assert await viewer.wait_closed() == 4403

    assert refused.value.code == "UNAUTHENTICATED"


async def test_a_connection_is_extended_by_a_ticket_of_the_same_user_only(live_room: LiveRoom) -> None:
    from tests.live_server import ticket_of

    stream = await aside(make.show)
    noa, ben = await aside(make.user, "Noa"), await aside(make.user, "Ben")

    async with await aside(live_room.visitor, stream, noa) as viewer:
        assert viewer.welcome is not None
        mine, his = await aside(ticket_of, noa, stream), await aside(ticket_of, ben, stream)
        await asyncio.sleep(0.05)
        extended = await viewer.command("auth.refresh", {"ticket": mine})
        assert extended["expires_at"] > viewer.welcome["expires_at"]
        for wrong in (mine, his):
            with pytest.raises(client.RefusedByServer) as refused:
                await viewer.command("auth.refresh", {"ticket": wrong})
            assert refused.value.code == "UNAUTHENTICATED"


async def test_nothing_was_logged_as_an_error(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as viewer:
        for frame in ("{", b"\x00", '{"v":1,"t":"chat.send","id":1,"key":"x"}', wire.event("hello", {})):
            await viewer.send_raw(frame)
        await viewer.cut()
    await watches(stream, 0)

    assert "Traceback" not in live_room.log
