"""The rooms of one process: opened when somebody comes, whole again after a gap, closed when nobody stays.

What was missed shows as a gap in a lane, at every reconnection to Redis, or at the latest when the end of the
lane is compared; then the lane is read again, and where it cannot be continued all its viewers are given a
snapshot.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from uuid import UUID

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from commerce import errors
from streams import queries, showlog
from streams.frames import wire
from streams.live import admission
from streams.live.executor import BoundedExecutor
from streams.live.room import Room, Show
from streams.live.snapshots import CachedSnapshot, SnapshotCache
from streams.live.subscriber import Subscriber

log = structlog.get_logger(__name__)

LINGER_SECONDS = 10.0  # How long an empty room is kept.
SHOW_SECONDS = 2.0  # How long an address is known without asking.

Begin = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


class Rooms:
    """Rooms by show."""

    def __init__(
        self,
        *,
        client: "redis.asyncio.Redis",
        subscriber: Subscriber,
        arrivals: BoundedExecutor,
        begin: Begin,
        clock: Callable[[], float],
    ) -> None:
        self._client, self._subscriber, self._arrivals = client, subscriber, arrivals
        self._begin, self._clock = begin, clock
        self._snapshots = SnapshotCache(arrivals, clock)
        self._open: dict[UUID, Room] = {}
        self._opening: dict[UUID, asyncio.Task[Room]] = {}
        self._repairing: set[Room] = set()
        self._shows: dict[str, tuple[Show, float]] = {}
        self._finding: dict[str, asyncio.Task[Show]] = {}

    def all(self) -> list[Room]:
        """Return the rooms that are open."""
        return list(self._open.values())

    async def show(self, slug: str) -> Show:
        """Return the show of an address, known for a while once asked; raises UnknownShow, Busy.

        While its room is open it is taken as known and asked for beside, so that whoever comes back does not
        wait for the database, and can come back while that is away.
        """
        known = self._shows.get(slug)
        if known is not None and self._clock() - known[1] <= SHOW_SECONDS:
            return known[0]
        # Asked once for all who want to know at the same time.
        finding = self._finding.get(slug)
        if finding is None:
            finding = self._finding[slug] = self._begin(self._find(slug))
            finding.add_done_callback(partial(self._found, slug))
        if known is not None and known[0].id in self._open:
            return known[0]
        return await asyncio.shield(finding)

    async def enter(self, show: Show) -> Room:
        """Return the room of a show, opening it if need be; raises Unavailable when Redis is down."""
        room = self._open.get(show.id)
        if room is not None:
            return room
        opening = self._opening.get(show.id)
        if opening is None:
            opening = self._opening[show.id] = self._begin(self._open_one(show))
            opening.add_done_callback(lambda _: self._opening.pop(show.id, None))
        return await asyncio.shield(opening)

    async def shot(self, room: Room) -> CachedSnapshot:
        """Return what a newcomer is told of the show, shared by those who come in the same second."""
        return await self._snapshots.take(room)

    def repair(self, room: Room) -> None:
        """Read the lane again from where the room stands."""
        room.unsettle()
        if room not in self._repairing:
            self._repairing.add(room)
            self._begin(self._repair(room))

    def empty(self, room: Room) -> None:
        """Note that a room has no viewers left."""
        room.empty_since = self._clock()

    async def tidy(self) -> None:
        """Close the rooms that stayed empty, and forget addresses that were not asked for."""
        now = self._clock()
        for room in self.all():
            if not room.members and room.empty_since and now - room.empty_since > LINGER_SECONDS:
                del self._open[room.show.id]
                self._snapshots.forget(room)
                room.close()
                await self._subscriber.forget(showlog.channel(room.show.id))
        for slug, (show, known) in list(self._shows.items()):
            if now - known > SHOW_SECONDS and show.id not in self._open:
                del self._shows[slug]

    async def _find(self, slug: str) -> Show:
        asked = self._clock()
        show = await self._arrivals.run(admission.find, slug)
        self._shows[slug] = (show, asked)
        return show

    def _found(self, slug: str, finding: "asyncio.Task[Show]") -> None:
        del self._finding[slug]
        if finding.cancelled():
            return
        if isinstance(finding.exception(), queries.UnknownShow | queries.ShowOver):
            self._shows.pop(slug, None)

    async def _open_one(self, show: Show) -> Room:
        room = Room(show, on_gap=self.repair)
        name = showlog.channel(show.id)
        try:
            await self._subscriber.hear(name, heard=room.hear, again=partial(self.repair, room))
            room.settle(await showlog.read(self._client, stream_id=show.id, after=0))
            room.remember_lines((await self._snapshots.take(room)).chat)
        except (RedisError, OSError):
            await self._subscriber.forget(name)
            raise errors.Unavailable from None
        except BaseException:
            await self._subscriber.forget(name)
            raise
        self.empty(room)
        self._open[show.id] = room
        return room

    async def _repair(self, room: Room) -> None:
        try:
            while not room.settled:
                before = room.waiting
                try:
                    lane = await showlog.read(self._client, stream_id=room.show.id, after=room.top)
                except (RedisError, OSError):
                    await asyncio.sleep(random.uniform(0.2, 1.0))
                    continue
                if not room.settle(lane, before=before):
                    log.warning("room.lost", stream=str(room.show.id), epoch=room.epoch, top=room.top)
                    _lose(room)
        finally:
            self._repairing.discard(room)


def _lose(room: Room) -> None:
    frame = wire.event("resync", {"lane": "s", "epoch": room.epoch, "offset": room.top})
    for viewer in list(room.viewers):
        room.leave(viewer)
        viewer.must(frame)
        viewer.renew("s")
