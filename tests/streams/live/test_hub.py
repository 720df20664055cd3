"""The hub's pass over its viewers: who is pinged, warned, closed and cut; and what is left when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from streams.live import hub as hubs
from streams.live.hub import Hub
from streams.live.viewer import LIFE_SECONDS, STUCK_SECONDS, TOO_SLOW, Viewer


class Connection:
    """A viewer of a hub, and what it was sent."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.frames: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.cut = False
        self.reads = asyncio.Event()
        self.reads.set()
        self.since = asyncio.get_running_loop().time()
        self.viewer = Viewer(
            send=self.take,
            close=self.hang_up,
            abort=lambda: setattr(self, "cut", True),
            renew=lambda lane: None,
            now=self.since,
        )
        hub.arrive(self.viewer)
        self.now = self.since
        self.task = hub.begin(self.viewer.run(lambda: self.now))

    async def take(self, text: str) -> None:
        await self.reads.wait()
        self.frames.extend(json.loads(line) for line in text.split("\n"))

    async def hang_up(self, code: int) -> None:
        await self.reads.wait()
        self.closed = code
        self.hub.depart(self.viewer)

    async def after(self, seconds: float) -> None:
        """Let the hub look so many seconds after the connection began."""
        self.hub._look_after(self.viewer, self.since + seconds)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    made = Hub()
    yield made
    await made.stop()


@pytest.fixture
async def connection(hub: Hub) -> Connection:
    return Connection(hub)


async def test_a_viewer_to_whom_nothing_was_sent_is_pinged_once(connection: Connection) -> None:
    await connection.after(hubs.HEARTBEAT_SECONDS - 1)
    assert connection.frames == []

    await connection.after(hubs.HEARTBEAT_SECONDS)
    await connection.after(hubs.HEARTBEAT_SECONDS + 1)

    assert [frame["t"] for frame in connection.frames] == ["ping"]


async def test_a_viewer_that_does_not_answer_is_closed(connection: Connection) -> None:
    await connection.after(hubs.HEARTBEAT_SECONDS)
    await connection.after(hubs.HEARTBEAT_SECONDS + hubs.ANSWER_SECONDS - 1)
    assert connection.closed is None

    await connection.after(hubs.HEARTBEAT_SECONDS + hubs.ANSWER_SECONDS)

    assert connection.closed == hubs.NO_ANSWER


async def test_a_viewer_that_answers_stays(connection: Connection) -> None:
    await connection.after(hubs.HEARTBEAT_SECONDS)
    connection.viewer.answer_by = None  # as any frame of it does

    await connection.after(hubs.HEARTBEAT_SECONDS + hubs.ANSWER_SECONDS)

    assert connection.closed is None


async def test_a_connection_is_warned_before_it_expires(connection: Connection) -> None:
    connection.viewer.told_at = connection.now = connection.since + LIFE_SECONDS  # it is told all the time
    await connection.after(LIFE_SECONDS - hubs.WARN_SECONDS)
    await connection.after(LIFE_SECONDS - 1)
    assert [frame["t"] for frame in connection.frames] == ["auth.expiring"]
    assert connection.closed is None

    await connection.after(LIFE_SECONDS)

    assert connection.closed == hubs.EXPIRED


async def test_a_stuck_viewer_is_closed_and_in_the_end_cut(connection: Connection) -> None:
    connection.reads.clear()
    connection.viewer.must("{}")
    await connection.after(0)
    await connection.after(STUCK_SECONDS + 1)
    assert connection.viewer.closing == TOO_SLOW
    assert connection.closed is None

    await connection.after(STUCK_SECONDS + 2)
    assert not connection.cut
    await connection.after(STUCK_SECONDS + 2 + hubs.CUT_SECONDS)

    assert connection.cut


async def test_viewers_asked_to_go_who_stay_are_closed(hub: Hub, connection: Connection) -> None:
    await hub.drain()

    assert [frame["t"] for frame in connection.frames] == ["reconnect"]
    assert connection.closed == hubs.GOING


async def test_a_hub_without_viewers_ends_at_once(hub: Hub) -> None:
    async with asyncio.timeout(0.5):
        await hub.drain()


async def test_a_hub_that_has_ended_leaves_no_task_and_no_connection(redis_server: redis.Redis) -> None:
    def ours() -> int:
        return len(redis_server.client_list())

    before, tasks = ours(), len(asyncio.all_tasks())
    hub = Hub()
    await hub.client.ping()

    await hub.stop()

    assert len(asyncio.all_tasks()) == tasks
    assert ours() == before
