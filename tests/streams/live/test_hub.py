"""The hub's pass over its viewers: who is pinged, warned, closed and cut; and what is left when it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from streams.live import hub as hubs
from streams.live.hub import Hub
from streams.live.viewer import CUT_SECONDS, LIFE_SECONDS, STUCK_SECONDS, TOO_SLOW, WARN_SECONDS, Place
from tests.live_server import eventually
from tests.streams.live.phones import Queue


class Connection:
    """A viewer of a hub, and what it was sent."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.phone = Queue()
        self.phone.wheel = hub.wheel
        self.phone.watch(self.phone.way)
        self.viewer = self.phone.viewer
        hub.arrive(self.viewer)
        self.viewer.answer_by = None  # It has said hello.
        self.since = self.viewer.since

    @property
    def frames(self) -> list[dict[str, Any]]:
        return self.phone.got()

    @property
    def closed(self) -> int | None:
        return self.phone.code

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
    # It is told something all the time.
    connection.viewer.place = Place("aa", 1, connection.since + LIFE_SECONDS)
    await connection.after(LIFE_SECONDS - WARN_SECONDS)
    await connection.after(LIFE_SECONDS - 1)
    assert [frame["t"] for frame in connection.frames] == ["auth.expiring"]
    assert connection.closed is None

    await connection.after(LIFE_SECONDS)

    assert connection.closed == hubs.EXPIRED


async def test_a_stuck_viewer_is_closed_and_in_the_end_cut(connection: Connection) -> None:
    await connection.phone.jam()
    await connection.after(STUCK_SECONDS / 2)
    before = connection.viewer.closing
    assert before is None
    await connection.after(STUCK_SECONDS + 1)
    assert connection.viewer.closing == TOO_SLOW
    assert connection.closed is None

    await connection.after(CUT_SECONDS / 2)
    assert not connection.phone.has_ended()
    await connection.after(CUT_SECONDS + 1)

    assert connection.phone.has_ended()


async def test_one_who_never_says_hello_is_closed(hub: Hub) -> None:
    connection = Connection(hub)
    connection.viewer.answer_by = connection.since + hubs.HELLO_SECONDS
    hub.wheel.put(connection.viewer, connection.viewer.looks_at)

    async with asyncio.timeout(hubs.HELLO_SECONDS + 5):
        assert await connection.phone.until(lambda: connection.closed) == hubs.NO_ANSWER


async def test_a_thousand_viewers_are_not_looked_at_before_anything_is_due(hub: Hub) -> None:
    connections = [Connection(hub) for _ in range(1000)]
    looked = 0
    for second in range(20):
        looked += len(hub.wheel.turn(connections[0].since + second))

    assert looked <= 1000  # each once, for the hello that has come


async def test_a_viewer_that_breaks_is_ended_and_the_others_are_looked_after(hub: Hub) -> None:
    broken, whole = Connection(hub), Connection(hub)
    whole.viewer.answer_by = whole.since + 0.1
    del broken.viewer.expires_at
    for each in (broken, whole):
        hub.wheel.put(each.viewer, each.since)

    await whole.phone.until(lambda: whole.closed)
    assert broken.phone.has_ended()


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
    # Redis notices a little later; a live process of other tests may come and go there, too.
    await eventually(lambda: ours() <= before)


async def test_a_part_of_the_clockwork_that_failed_goes_on(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    async def tidy() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise RuntimeError("as a mistake of ours would")

    monkeypatch.setattr(hubs, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(hub.rooms, "tidy", tidy)

    await eventually(lambda: len(looks) > 1)
