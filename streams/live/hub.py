"""All viewers of this process: rooms, their own lanes, one clockwork over everybody, and the end."""

import asyncio
import contextvars
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from django.conf import settings

from commerce import errors, redis_client
from streams.frames import wire
from streams.live import drain, lag, packing, tally
from streams.live.audience import Audience
from streams.live.doorman import Doorman
from streams.live.entrance import Entrance
from streams.live.executor import BoundedExecutor, Crews
from streams.live.room import Room
from streams.live.rooms import Rooms
from streams.live.subscriber import Subscriber
from streams.live.users import Users
from streams.live.viewer import HEARTBEAT_SECONDS as HEARTBEAT_SECONDS
from streams.live.viewer import TOO_SLOW, WARN_SECONDS, Viewer
from streams.live.warden import Warden
from streams.live.wheel import STEP_SECONDS, Wheel

log = structlog.get_logger(__name__)

GOING, NO_ANSWER, EXPIRED = 4503, 4511, 4512

HELLO_SECONDS = 5.0
ANSWER_SECONDS = 10.0  # For a pong.
CUT_SECONDS = 3.0  # For close frames to be taken.
TIDY_SECONDS = 1.0
AGAIN_SECONDS = 1.0  # After a part of the clockwork has failed.
LOOKS = 512  # Viewers looked at in one round of the loop.
CHECK_SECONDS = 15.0
RENEWALS = 50  # Viewers told anew at once, when many need it: half a round, so that newcomers find room.

PING = packing.pack(wire.event("ping", {}))


class Hub:
    """The rooms, viewers and threads of one process."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self.process = secrets.token_hex(6)
        self.client = redis_client.asynchronous()
        self.arrivals = BoundedExecutor(name="arrival", threads=4, waiting=2000)
        self.entrance = Entrance(arrivals=self.arrivals, begin=self.begin)
        self.crews = Crews(threads=8, waiting=500)
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
        self.audience = Audience(
            client=self.client,
            process=self.process,
            rooms=self.rooms.all,
            clock=self._clock,
            limit=settings.ROOM_ANONYMOUS_PER_ADDRESS,
        )
        self._warden = Warden(
            users=self.users, subscriber=self._subscriber, arrivals=self.arrivals, begin=self.begin
        )
        self.going = False  # No command is begun any more.
        self.wheel: Wheel[Viewer] = Wheel(self._clock())
        self._viewers: dict[Viewer, Room | None] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        for run in (
            self._subscriber.run,
            self._look,
            self._tidy,
            self.audience.run,
            self._warden.run,
            Doorman(self.client).run,
            self._compare,
            lag.watch,
        ):
            # Not in the context of the viewer who happened to be first.
            self.begin(self._run_on(run), context=contextvars.Context())

    def begin(
        self, work: Coroutine[Any, Any, Any], *, context: contextvars.Context | None = None
    ) -> "asyncio.Task[Any]":
        """Run a task that the hub keeps, and stops when it stops."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def at_ms(self, moment: float) -> int:
        """Return a moment of the loop's clock in Unix milliseconds."""
        return int((time.time() + moment - self._clock()) * 1000)

    # --- viewers ---

    def arrive(self, viewer: Viewer) -> None:
        """Watch over a connection from its first moment to `depart`."""
        self._viewers[viewer] = None
        tally.here.open += 1
        tally.here.opened += 1
        viewer.answer_by = self._clock() + HELLO_SECONDS
        self.wheel.put(viewer, viewer.looks_at)

    def viewers(self) -> list[Viewer]:
        """Return every connection there is now; for any thread."""
        return list(self._viewers)

    def enter(self, viewer: Viewer, room: Room) -> None:
        """Count a viewer in as one of a room's."""
        self._viewers[viewer] = room
        room.admit(viewer)

    def react(self, room: Room, kind: str, n: int) -> None:
        """Count a reaction; the totals are told soon."""
        room.react(kind, n)
        self.audience.changed()

    def depart(self, viewer: Viewer, code: int) -> None:
        """Forget a connection that ended with this code; nothing of it is left behind."""
        if viewer not in self._viewers:
            return
        room = self._viewers.pop(viewer)
        tally.here.open -= 1
        tally.here.closed[viewer.closing or code] += 1
        self.audience.went(viewer)
        if room is not None:
            room.part(viewer)
            if not room.members:
                self.rooms.empty(room)
        self.users.depart(viewer)

    # --- clockwork ---

    async def _run_on(self, run: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Keep a part of the clockwork going: without it, the process would only seem to live."""
        while True:
            try:
                await run()
            except Exception:
                log.exception("hub.task_failed")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            due = self.wheel.turn(self._clock())
            while due:
                self._look_at(due)
                await asyncio.sleep(0)

    def _look_at(self, due: list[Viewer]) -> None:
        # Not in the loop above, whose variables would keep the last one alive.
        for viewer in due[-LOOKS:]:
            try:
                self._look_after(viewer, self._clock())
            except Exception:
                viewer.failed()
        del due[-LOOKS:]

    def _look_after(self, viewer: Viewer, now: float) -> None:
        if viewer.gone:
            return
        if viewer.closing is not None:
            if viewer.cut_at is not None and now >= viewer.cut_at:
                viewer.cut()
                return
        elif viewer.stuck(now):
            viewer.close(TOO_SLOW)
        elif viewer.answer_by is not None and now >= viewer.answer_by:
            viewer.close(NO_ANSWER)
        elif now >= viewer.expires_at:
            viewer.close(EXPIRED)
        else:
            if viewer.answer_by is None and now - viewer.told_at >= HEARTBEAT_SECONDS:
                viewer.must(PING)
                viewer.answer_by = now + ANSWER_SECONDS
            if not viewer.warned and now >= viewer.expires_at - WARN_SECONDS:
                viewer.warned = True
                viewer.must(wire.event("auth.expiring", {"expires_at": self.at_ms(viewer.expires_at)}))
        self.wheel.put(viewer, viewer.looks_at)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            await self.rooms.tidy()
            await self.users.tidy()

    async def _compare(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS * random.uniform(0.8, 1.2))
            for room in self.rooms.all():
                self.rooms.repair(room)

    # --- the end ---

    async def drain(self) -> None:
        """Ask all viewers to come back elsewhere, spread over time, and close those who stay."""
        spread_ms = drain.spread_ms(len(self._viewers), most_seconds=settings.LIVE_DRAIN_SECONDS)
        reconnect = packing.pack(wire.event("reconnect", {"spread_ms": spread_ms, "resume": True}))
        for viewer in list(self._viewers):
            viewer.must(reconnect)
        await self._until(lambda: not self._viewers, spread_ms / 1000 + drain.GRACE_SECONDS)
        self.going = True
        await self._until(lambda: not self.crews.busy and not tally.here.handed_over, drain.FINISH_SECONDS)
        for viewer in list(self._viewers):
            viewer.close(GOING)
        await self._until(lambda: not self._viewers, CUT_SECONDS)

    async def stop(self) -> None:
        """Say that nobody watches here any more, and let go of everything."""
        await self.audience.leave()
        while tasks := list(self._tasks):
            # More than once: the Redis client swallows a cancellation that comes while it connects.
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.2)
        for room in self.rooms.all():
            room.close()
        self.arrivals.stop()
        self.entrance.stop()
        self.crews.stop()
        await self.client.aclose()

    async def _until(self, true: Callable[[], bool], seconds: float) -> None:
        until = self._clock() + seconds
        while not true() and self._clock() < until:  # noqa: ASYNC110  # a handful of rounds, once in a life
            await asyncio.sleep(0.02)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, errors.Refusal):
            log.error("hub.task_failed", exc_info=error)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def current() -> Hub:
    """Return the hub of the running event loop, made when it is first asked for."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs.clear()
        _hubs[loop] = Hub()
    return _hubs[loop]


def running() -> list[Hub]:
    """Return the hub of this process once there is one; for any thread."""
    return list(_hubs.values())


async def finish() -> None:
    """Drain and stop the hub of the running event loop, if there is one."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is not None:
        await hub.drain()
        # Until now whoever was let in before the doors closed still comes to this one.
        _hubs.pop(loop, None)
        await hub.stop()
