"""How many watch, over real processes: people once each, nobody of a dead process, no machine for a crowd."""

import asyncio
import time
from collections.abc import Callable

from streams import presence
from streams.models import Stream
from tests.live_server import LiveRoom, aside, eventually
from tests.streams import make


def figures(stream: Stream) -> presence.Figures:
    return presence.figures(stream_id=stream.id)


async def test_a_user_on_two_processes_is_one_viewer(live_room: LiveRoom, live_process: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with (
        await aside(live_room.visitor, stream, noa) as phone,
        await aside(live_room.visitor, stream, noa),
        await aside(live_process.visitor, stream, noa) as laptop,
        live_process.room(stream),
    ):
        await eventually(lambda: figures(stream) == presence.Figures(users=1, anonymous=1, sockets=4))
        await phone.wait("viewers.count", lambda d: d["n"] == 2)
        await laptop.wait("viewers.count", lambda d: d["n"] == 2)
    await eventually(lambda: figures(stream) == presence.Figures(0, 0, 0))


async def test_who_was_on_a_killed_process_is_gone_within_ten_seconds(
    live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream, noa, ben = await aside(make.show), await aside(make.user), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as stays:
        lost = [await aside(live_process.visitor, stream, user) for user in (noa, ben, None)]
        for viewer in lost:
            await viewer.connect()
        await stays.wait("viewers.count", lambda d: d["n"] == 3)
        seen, killed = stays.told, time.perf_counter()
        live_process.kill()
        await stays.wait("viewers.count", lambda d: d["n"] == 1, since=seen, deadline=15)
        took = time.perf_counter() - killed

    assert took <= 10


async def test_redis_forgets_and_the_number_comes_back(live_room: LiveRoom) -> None:
    from commerce import redis_client

    stream, noa = await aside(make.show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa), live_room.room(stream):
        await eventually(lambda: figures(stream).viewers == 2)
        await aside(redis_client.sync().flushall)
        await eventually(lambda: figures(stream) == presence.Figures(users=1, anonymous=1, sockets=2))


async def test_one_machine_is_no_crowd(own_process: Callable[..., LiveRoom]) -> None:
    live = await aside(lambda: own_process(ROOM_ANONYMOUS_PER_ADDRESS="3"))
    stream, noa = await aside(make.show), await aside(make.user)

    rooms = [live.room(stream) for _ in range(8)]
    await asyncio.gather(*(room.connect() for room in rooms))
    async with await aside(live.visitor, stream, noa):
        await eventually(lambda: figures(stream) == presence.Figures(users=1, anonymous=3, sockets=9))
        for room in rooms[:6]:
            await room.close()
        await eventually(lambda: figures(stream) == presence.Figures(users=1, anonymous=2, sockets=3))
    for room in rooms[6:]:
        await room.close()


async def test_who_never_answers_is_not_counted(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    class Mute(type(live_room.room(stream))):  # type: ignore[misc]
        async def send(self, t: str, d: object = None) -> None:
            assert t == "pong"

    mute = Mute(live_room.url(stream.slug))
    async with mute, live_room.room(stream):
        await eventually(lambda: figures(stream).viewers == 1)
        await asyncio.sleep(presence.EVERY_SECONDS)  # For a wrong count, of which nothing tells when.
        assert figures(stream) == presence.Figures(users=0, anonymous=1, sockets=1)
