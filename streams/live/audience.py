"""What this process says of its rooms to all the others: how many watch here, and how they reacted."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from streams import presence, reactions
from streams.live.room import Room

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.2  # Comings and goings within it are reported together.


class Audience:
    """Counts of one process."""

    def __init__(
        self,
        *,
        client: "redis.asyncio.Redis",
        process: str,
        rooms: Callable[[], list[Room]],
        clock: Callable[[], float],
    ) -> None:
        self._client, self._process, self._rooms, self._clock = client, process, rooms, clock
        self._counted: dict[UUID, int] = {}
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Note that somebody came, went or reacted; it is told soon."""
        self._changed.set()

    async def run(self) -> None:
        """Report until cancelled: what changed soon, everything every few seconds."""
        everything = 0.0
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), presence.EVERY_SECONDS)
            self._changed.clear()
            again = self._clock() - everything >= presence.EVERY_SECONDS
            try:
                await self._report(self._rooms(), again=again)
            except (RedisError, OSError) as error:
                log.warning("presence.unreported", error=str(error))
            if again:
                everything = self._clock()
            await asyncio.sleep(GATHER_SECONDS)

    async def leave(self) -> None:
        """Say that nobody watches here any more."""
        for stream in self._counted:
            try:
                await presence.report(self._client, stream_id=stream, process=self._process, viewers=0)
            except (RedisError, OSError):
                break  # What was said fades by itself.

    async def _report(self, rooms: list[Room], *, again: bool) -> None:
        counts = {room.show.id: room.audience() for room in rooms}
        for stream in self._counted.keys() | counts.keys():
            n, before = counts.get(stream, 0), self._counted.get(stream, 0)
            if n != before or (n and again):
                await presence.report(self._client, stream_id=stream, process=self._process, viewers=n)
                self._counted[stream] = n
        self._counted = {stream: n for stream, n in self._counted.items() if n or stream in counts}
        for room in rooms:
            if room.reactions:
                counted, room.reactions = room.reactions, {}
                await reactions.add(self._client, stream_id=room.show.id, counts=counted)
