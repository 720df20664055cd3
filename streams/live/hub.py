"""All viewers of this process: rooms, their own lanes, one pass a second over everybody, and the end."""

import asyncio
import random
import secrets
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from commerce import errors, redis_client
from streams.frames import wire
from streams.live.audience import Audience
from streams.live.executor import BoundedExecutor
from streams.live.room import Room
from streams.live.rooms import Rooms
from streams.live.subscriber import Subscriber
from streams.live.users import Users
from streams.live.viewer import TOO_SLOW, Viewer

log = structlog.get_logger(__name__)

GOING, NO_ANSWER, EXPIRED = 4503, 4511, 4512

HEARTBEAT_SECONDS = 25.0
ANSWER_SECONDS = 10.0  # For a pong.
WARN_SECONDS = 60.0  # Before a connection expires.
CUT_SECONDS = 3.0  # For a close frame to be taken.
CHECK_SECONDS = 15.0
SPREAD_MS_PER_VIEWER, SPREAD_MS = 5, 15_000  # Two hundred come back in a second.
RENEWALS = 8  # Viewers told anew at once, when many need it.

PING = wire.event("ping", {})


class Hub:
    """The rooms, viewers and threads of one process."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self.process = secrets.token_hex(6)
        self.client = redis_client.asynchronous()
        self.arrivals = BoundedExecutor(name="arrival", threads=4, waiting=2000)
        self.commands = BoundedExecutor(name="command", threads=12, waiting=500)
        self.renewals = asyncio.Semaphore(RENEWALS)
        self._subscriber = Subscriber(self.client, process=self.process)
        self.rooms = Rooms(
            client=self.client,
            subscriber=self._subscriber,
            arrivals=self.arrivals,
            begin=self.begin,
            clock=self._clock,
        )
        self.users = Users(subscriber=self._subscriber, clock=self._clock)
        self._audience = Audience(
            client=self.client, process=self.process, rooms=self.rooms.all, clock=self._clock
        )
        self._viewers: set[Viewer] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        for work in (self._subscriber.run(), self._pass_over(), self._audience.run(), self._compare()):
            self.begin(work)

    def begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run a task that the hub keeps, and stops when it stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def at_ms(self, moment: float) -> int:
        """Return a moment of the loop's clock in Unix milliseconds."""
        return int((time.time() + moment - self._clock()) * 1000)

    # --- viewers ---

    def arrive(self, viewer: Viewer) -> None:
        """Watch over a connection from its first moment to `depart`."""
        self._viewers.add(viewer)

    def enter(self, viewer: Viewer, room: Room) -> None:
        """Count a viewer in as one of a room's."""
        room.admit(viewer)
        self._audience.changed()

    def react(self, room: Room, kind: str, n: int) -> None:
        """Count a reaction; the totals are told soon."""
        room.react(kind, n)
        self._audience.changed()

    def depart(self, viewer: Viewer) -> None:
        """Forget a connection; nothing of it is left behind."""
        self._viewers.discard(viewer)
        self._audience.changed()
        if viewer.room is not None:
            viewer.room.part(viewer)
            if not viewer.room.members:
                self.rooms.empty(viewer.room)
        self.users.depart(viewer)

    # --- clockwork ---

    async def _pass_over(self) -> None:
        while True:
            await asyncio.sleep(1)
            now = self._clock()
            for viewer in list(self._viewers):
                self._look_after(viewer, now)
            await self.rooms.tidy()
            await self.users.tidy()

    def _look_after(self, viewer: Viewer, now: float) -> None:
        if viewer.closing is not None:
            viewer.cut_at = viewer.cut_at or now + CUT_SECONDS
            if now >= viewer.cut_at:
                viewer.cut()
        elif viewer.stuck(now):
            viewer.close(TOO_SLOW)
        elif viewer.answer_by is not None and now >= viewer.answer_by:
            viewer.close(NO_ANSWER)
        elif now >= viewer.expires_at:
            viewer.close(EXPIRED)
        elif viewer.answer_by is None and now - viewer.told_at >= HEARTBEAT_SECONDS:
            viewer.must(PING)
            viewer.answer_by = now + ANSWER_SECONDS
        if not viewer.warned and now >= viewer.expires_at - WARN_SECONDS:
            viewer.warned = True
            viewer.must(wire.event("auth.expiring", {"expires_at": self.at_ms(viewer.expires_at)}))

    async def _compare(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS * random.uniform(0.8, 1.2))
            for room in self.rooms.all():
                self.rooms.repair(room)

    # --- the end ---

    async def drain(self) -> None:
        """Ask all viewers to come back elsewhere, spread over time, and close those who stay."""
        spread_ms = min(SPREAD_MS, SPREAD_MS_PER_VIEWER * len(self._viewers))
        for viewer in self._viewers:
            viewer.must(wire.event("reconnect", {"spread_ms": spread_ms, "resume": True}))
        await self._emptied(spread_ms / 1000 + 2)
        for viewer in list(self._viewers):
            viewer.close(GOING)
        await self._emptied(CUT_SECONDS)

    async def stop(self) -> None:
        """Say that nobody watches here any more, and let go of everything."""
        await self._audience.leave()
        while tasks := list(self._tasks):
            # More than once: the Redis client swallows a cancellation that comes while it connects.
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.2)
        for room in self.rooms.all():
            room.close()
        self.arrivals.stop()
        self.commands.stop()
        await self.client.aclose()

    async def _emptied(self, seconds: float) -> None:
        until = self._clock() + seconds
        while self._viewers and self._clock() < until:  # noqa: ASYNC110  # a handful of rounds, once in a life
            await asyncio.sleep(0.02)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, errors.Refusal):
            log.error("hub.task_failed", exc_info=error)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def current() -> Hub:
    """Return the hub of the running event loop, made when the first viewer comes."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs.clear()
        _hubs[loop] = Hub()
    return _hubs[loop]


async def finish() -> None:
    """Drain and stop the hub of the running event loop, if there is one."""
    hub = _hubs.pop(asyncio.get_running_loop(), None)
    if hub is not None:
        await hub.drain()
        await hub.stop()
