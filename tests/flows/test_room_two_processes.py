"""One show on two live processes, and viewers who move between them."""

import asyncio
from uuid import uuid4

from streams import showlog
from streams.models import Stream
from tests.flows.test_room_events import a_show, paces, slow
from tests.live_server import LiveRoom, aside
from tests.streams import make


async def test_two_processes_tell_the_same_show(live_room: LiveRoom, live_process: LiveRoom) -> None:
    stream, noa = await aside(a_show), await aside(make.user, "Noa")

    async with (
        await aside(live_room.visitor, stream, noa) as here,
        live_process.room(stream) as there,
    ):
        await aside(slow, stream, 1)
        seen = [await viewer.wait("chat.mode") for viewer in (here, there)]
        await here.command("chat.send", {"text": "Hello over there"}, key=uuid4())
        await there.wait("chat.message", lambda d: d["text"] == "Hello over there")
        await there.wait("viewers.count", lambda d: d["n"] == 2)

    assert seen[0] == seen[1]


async def test_a_process_that_opens_a_show_in_the_middle_has_no_hole(
    live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream = await aside(a_show)
    in_the_room = asyncio.Event()

    async def go_on() -> int:
        n = 0
        # However long they take to come in: a place that the lane keeps no longer is rightly not recovered.
        while n < showlog.RING // 2 and not in_the_room.is_set():
            n += 1
            await aside(tell_one, stream, n)
        await in_the_room.wait()
        for _ in range(100):
            n += 1
            await aside(tell_one, stream, n)
        return n

    telling = asyncio.create_task(go_on())
    async with live_room.room(stream) as first:
        await first.wait("chat.mode", lambda d: d["slow_s"] >= 20)
        # The other process opens the show while events go past.
        others = [live_process.room(stream, resume=first.position) for _ in range(3)]
        await asyncio.gather(*(other.connect() for other in others))
        in_the_room.set()
        last = await telling
        for viewer in (first, *others):
            await viewer.wait("chat.mode", lambda d: d["slow_s"] == last)
        for other in others:
            told = paces(other)
            assert paces(first)[-len(told) :] == told
            assert other.welcome is not None
            assert other.welcome["recovered"]["s"] is True
            assert told == list(range(told[0], last + 1))
            assert not other.of("resync")
            await other.close()


def tell_one(stream: Stream, n: int) -> None:
    showlog.append(stream_id=stream.id, t="chat.mode", d={"slow_s": n}, key=f"one:{n}", ts=n)


async def test_a_viewer_moves_to_another_process_and_misses_nothing(
    live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream = await aside(a_show)

    async with live_process.room(stream) as viewer:
        await aside(slow, stream, 1)
        await viewer.wait("chat.mode")
        live_process.kill()
        await viewer.wait_closed()
        await aside(slow, stream, 2)
        viewer.url = live_room.url(stream.slug)
        welcome = await viewer.reconnect()
        await viewer.wait("chat.mode", lambda d: d["slow_s"] == 2)

    assert welcome["recovered"]["s"] is True
    assert paces(viewer) == [1, 2]


async def test_a_process_that_goes_asks_its_viewers_to_come_back(live_process: LiveRoom) -> None:
    stream, noa = await aside(a_show), await aside(make.user)

    async with (
        live_process.room(stream) as stays,
        await aside(live_process.visitor, stream, noa) as leaves,
    ):
        stopping = asyncio.create_task(aside(live_process.stop))
        told = await stays.wait("reconnect")
        await leaves.wait("reconnect")
        await leaves.close()
        code = await stays.wait_closed()
        await stopping

    assert told["d"]["resume"] is True
    assert 0 <= told["d"]["spread_ms"] <= 15_000
    assert code == 4503
