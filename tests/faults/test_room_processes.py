"""Live processes killed or frozen under load: nobody loses an event, nobody is a ghost."""

import asyncio
import os
import signal
from typing import Any

import pytest
import redis

from streams import client, showlog
from streams.models import Stream
from tests.faults import room
from tests.live_server import LiveRoom, aside
from tests.streams import make

pytestmark = pytest.mark.faults


class Forgetful(client.Room):
    """A client that comes back late and never says where it was."""

    async def connect(self, deadline: float = 10.0) -> dict[str, Any]:
        if self.told:
            await asyncio.sleep(0.5)
        self.heard.whole = False
        return await super().connect(deadline)


def counting(redis_server: redis.Redis, stream: Stream) -> int:
    """Return how many processes are known to have viewers of the show."""
    return int(redis_server.hlen(f"{showlog.base(stream.id)}:p"))


async def test_a_process_killed_under_load_costs_no_viewer_an_event(
    live_room: LiveRoom, live_process: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(make.show)

    with room.keeper() as start:
        async with room.crowd(live_room, live_process, stream=stream) as people:
            await people.for_seconds(1)
            assert counting(redis_server, stream) == 2
            live_process.kill()
            await people.for_seconds(1, at=live_room)
            await start(live_process.again)
            print(f"all back after {await people.all_back(within=15):.1f} s")
            await people.for_seconds(1)
            await people.settle()
            assert people.lost() == []
            assert people.told_anew() == 0
            await room.counted(stream, len(people.everybody))
            assert counting(redis_server, stream) == 2  # the dead one has gone
        await room.counted(stream, 0)
        assert counting(redis_server, stream) == 0
        for live in (live_room, live_process):
            await room.deserted(live)
        await aside(live_process.stop)


async def test_the_viewers_of_a_killed_process_are_counted_out_soon(
    live_room: LiveRoom, live_process: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as stays:
        for _ in range(20):
            await live_process.room(stream).connect()
        await room.counted(stream, 21)
        live_process.kill()
        await room.counted(stream, 1, within=10)
        await stays.wait("viewers.count", lambda d: d["n"] == 1, since=len(stays.events))
        assert counting(redis_server, stream) == 1


async def test_a_process_frozen_for_three_seconds_loses_nothing_and_delays_no_other(
    live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream = await aside(make.show)

    async with room.crowd(live_room, live_process, stream=stream) as people:
        await people.for_seconds(1)
        os.kill(live_process.pid, signal.SIGSTOP)
        try:
            frozen = [each.told for each in people.at(live_process)]
            await people.for_seconds(3, at=live_room)
            assert [each.told for each in people.at(live_process)] == frozen
        finally:
            os.kill(live_process.pid, signal.SIGCONT)
        await people.for_seconds(1)
        await people.settle()
        assert people.lost() == []
        assert people.told_anew() == 0
        await room.counted(stream, len(people.everybody))
    await room.counted(stream, 0)
    await room.deserted(live_process)


async def test_who_does_not_resume_has_lost_something(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    async with room.crowd(live_room, stream=stream, watchers=6, talkers=0, room=Forgetful) as people:
        await people.for_seconds(1)
        await asyncio.gather(*(viewer.cut() for viewer in people.viewers))
        await people.for_seconds(1)
        await people.settle()

    assert [room.missed(each, people.log) == [] for each in people.viewers] == [True] * 2 + [False] * 4
    assert people.lost()
