"""Redis killed, emptied, cut off or deaf under load: every viewer is whole again within thirty seconds."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from commerce import redis_client
from config import servers
from tests.faults import room
from tests.live_server import LiveRoom, aside
from tests.streams import make

pytestmark = pytest.mark.faults


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[Callable[[], None]]:
    """This test works on a Redis of its own; returns what kills it and starts it again, empty."""
    running = [servers.start(servers.redis(tmp_path, fast=True))]
    settings.REDIS_URL = servers.redis_url(tmp_path)
    redis_client.sync.cache_clear()

    def kill() -> None:
        running[-1].tell(signal.SIGKILL)
        running[-1].finish(time.monotonic() + 5)

    def restart() -> None:
        kill()
        time.sleep(2)
        running.append(servers.start(servers.redis(tmp_path, fast=True)))

    yield restart
    running[-1].stop()
    redis_client.sync.cache_clear()


def epochs(people: room.Crowd) -> set[str]:
    """Return the epochs of the show's log."""
    return {epoch for (epoch, _), _ in people.log}


async def test_a_restarted_redis_begins_a_new_epoch_and_everybody_is_whole(
    own_redis: Callable[[], None], own_process: Callable[..., LiveRoom]
) -> None:
    stream = await aside(make.show)
    one, two = own_process(), own_process()

    with room.keeper() as start:
        async with room.crowd(one, two, stream=stream) as people:
            await people.for_seconds(1)
            await start(own_redis)
            await people.for_seconds(1)
            await people.settle(deadline=30)
            assert people.lost() == []
            assert len(epochs(people)) == 2
            await room.counted(stream, len(people.everybody))
        await room.counted(stream, 0)
        for live in (one, two):
            await room.deserted(live)
            assert "Traceback" not in live.log
            await aside(live.stop)


async def test_an_emptied_redis_begins_a_new_epoch_and_everybody_is_whole(
    live_room: LiveRoom, live_process: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(make.show)

    async with room.crowd(live_room, live_process, stream=stream) as people:
        await people.for_seconds(1)
        redis_server.flushall()
        await people.for_seconds(1)
        await people.settle(deadline=30)
        assert people.lost() == []
        assert len(epochs(people)) == 2
        await room.counted(stream, len(people.everybody))
    await room.counted(stream, 0)
    await room.deserted(live_room)


async def test_cut_connections_to_redis_lose_nothing(
    live_room: LiveRoom, live_process: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(make.show)

    async with room.crowd(live_room, live_process, stream=stream) as people:
        for kind in ("pubsub", "normal", "pubsub"):
            await people.for_seconds(0.5)
            assert redis_server.client_kill_filter(_type=kind, skipme=True) >= 1
        await people.for_seconds(1)
        await people.settle()
        assert people.lost() == []
        assert people.told_anew() == 0
        assert len(epochs(people)) == 1
        await room.counted(stream, len(people.everybody))
    await room.counted(stream, 0)


async def test_an_unheard_event_in_a_silent_show_is_found_within_thirty_seconds(
    live_room: LiveRoom,
) -> None:
    stream = await aside(make.show)
    # The control never compares the end of its lanes.
    careless = LiveRoom(live_room.env, before="from streams.live import hub; hub.CHECK_SECONDS = 3600")
    careless.start()

    async with live_room.room(stream) as viewer, careless.room(stream) as control:
        await aside(room.unheard, stream)
        started = time.monotonic()
        await viewer.wait("stock.sold_out", deadline=30)
        print(f"found after {time.monotonic() - started:.1f} s")
        await asyncio.sleep(1)
        assert control.of("stock.sold_out") == []
        await control.cut()
    await aside(careless.stop)
