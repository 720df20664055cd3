"""One connection's conversation: every frame that asks for something is answered, whenever it comes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db import connection as database

from streams.live import gate
from streams.live.connection import Connection
from streams.live.hub import Hub
from tests.live_server import aside, eventually
from tests.streams import make
from tests.streams.live.phones import Queue

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4  # Of a hub, which may each have a connection to the database.
HELLO = '{"v":1,"t":"hello","id":1,"d":{}}'
# Nobody carries it out, but it waits its turn like any other command.
COMMAND = '{"v":1,"t":"no.such.thing","id":2}'


class Visit(gate.Visit):
    """A visit that says when its connection was welcomed, which is the last thing a hello does."""

    def __init__(self, welcomed: Callable[[], object]) -> None:
        nobody: Any = None
        super().__init__(gate.Gate(nobody, per_second=1, burst=1, per_address=1, trust_proxy=False), "", "")
        self.welcomed = welcomed

    def greeted(self) -> None:
        """Note that it has said hello and was welcomed."""
        super().greeted()
        self.welcomed()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    made = Hub()
    yield made

    all_there = threading.Barrier(THREADS)

    def let_go() -> None:
        all_there.wait(5)
        database.close()

    await asyncio.gather(*(made.arrivals.run(let_go) for _ in range(THREADS)))
    await made.stop()


def connected(hub: Hub, slug: str, *, welcomed: Callable[[], object]) -> tuple[Connection, Queue]:
    """Return somebody who watches, and what she reads."""
    phone = Queue()
    gate.visit.set(Visit(welcomed))
    made = Connection(hub, slug=slug, cookie=None, origin=None, now=phone.viewer.since)
    made.viewer = phone.viewer
    hub.arrive(phone.viewer)
    return made, phone


def answers(phone: Queue) -> list[tuple[str, int]]:
    return [(frame["t"], frame["re"]) for frame in phone.got() if "re" in frame]


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_frame_that_comes_as_the_last_ones_worker_ends_is_answered(hub: Hub, after: int) -> None:
    """`after` so many rounds of the loop: in the first, the worker is done and nobody was told so yet."""
    stream = await aside(make.show)
    loop = asyncio.get_running_loop()

    def soon(rounds: int) -> None:
        loop.call_soon(soon, rounds - 1) if rounds else connection.take(COMMAND, loop.time())

    connection, phone = connected(hub, stream.slug, welcomed=lambda: loop.call_soon(soon, after))
    connection.take(HELLO, loop.time())

    await eventually(lambda: answers(phone) == [("welcome", 1), ("error", 2)], deadline=5)
    connection.end()
