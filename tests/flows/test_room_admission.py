"""Letting people in: a burst is asked to wait, one address has its limit, and nobody else feels either."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from streams import client
from streams.models import Stream
from tests.live_server import LiveRoom, aside
from tests.streams import make


async def knock(live: LiveRoom, stream: Stream) -> ClientConnection | InvalidStatus:
    try:
        return await connect(live.url(stream.slug), subprotocols=["livecommerce.v1"], proxy=None)  # type: ignore[list-item]
    except InvalidStatus as refused:
        return refused


async def test_a_storm_is_spread_by_503_and_everybody_gets_in(own_process: Callable[..., LiveRoom]) -> None:
    live = await aside(lambda: own_process(ROOM_UPGRADES_PER_SECOND="20"))
    stream = await aside(make.show)

    answers = await asyncio.gather(*(knock(live, stream) for _ in range(80)))
    refused = [answer for answer in answers if isinstance(answer, InvalidStatus)]
    for answer in answers:
        if isinstance(answer, ClientConnection):
            await answer.close()

    assert 20 <= len(refused) < 80
    assert {each.response.status_code for each in refused} == {503}
    assert all(1 <= int(each.response.headers["Retry-After"]) <= 5 for each in refused)
    rooms = [live.room(stream, stay=True, backoff=(0.2, 1.0)) for _ in range(60)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(room.__aenter__() for room in rooms))
    await asyncio.gather(*(room.close() for room in rooms))


async def test_one_address_may_have_so_many_sockets(own_process: Callable[..., LiveRoom]) -> None:
    live = await aside(lambda: own_process(ROOM_SOCKETS_PER_ADDRESS="3"))
    stream = await aside(make.show)

    async with live.room(stream), live.room(stream):
        async with live.room(stream):
            refused = await knock(live, stream)
        assert isinstance(refused, InvalidStatus)
        assert refused.response.status_code == 429
        async with asyncio.timeout(5):
            while isinstance(again := await knock(live, stream), InvalidStatus):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await again.close()


async def test_half_open_handshakes_hinder_nobody(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    half = f"GET /ws/v1/live/{stream.slug} HTTP/1.1\r\nHost: x\r\nUpgrade: webso".encode()

    slow = []
    for _ in range(200):
        _, writer = await asyncio.open_connection("127.0.0.1", live_room.port)
        writer.write(half)
        slow.append(writer)
    started = time.perf_counter()
    async with live_room.room(stream) as viewer:
        await viewer.command("time.sync", {"c": 1})
    took = time.perf_counter() - started
    for writer in slow:
        writer.close()

    assert took < 2


def end(stream: Stream, status: str, hours: float) -> None:
    at = timezone.now() - timedelta(hours=hours)
    Stream.objects.filter(pk=stream.pk).update(status=status, live_at=at, ended_at=at)


@pytest.mark.parametrize(
    ("status", "hours", "code"),
    [("ended", 1, None), ("ended", 25, 4410), ("cancelled", 0, 4410)],
)
async def test_a_show_that_is_long_over_is_said_so(
    live_room: LiveRoom, status: str, hours: float, code: int | None
) -> None:
    stream = await aside(lambda: make.show(live=False))
    await aside(end, stream, status, hours)
    viewer = live_room.room(stream)

    if code is None:
        async with viewer:
            assert viewer.snapshot is not None
            assert viewer.snapshot["stream"]["status"] == status
        return
    with pytest.raises(client.RefusedByServer) as refused:
        await viewer.connect()
    assert refused.value.code == "SHOW_OVER"
    assert await viewer.wait_closed() == code
