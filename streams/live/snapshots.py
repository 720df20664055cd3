"""What newcomers are told of a show, made once for all that come in the same second.

The place in the lane is taken before the data is read, so that an event which falls between is told again
rather than missed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from streams.frames import wire
from streams.live import admission
from streams.live.executor import BoundedExecutor
from streams.live.room import Room

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """The part of a snapshot that all share, encoded, at its place in the lane."""

    epoch: str
    offset: int
    text: str
    chat: list[tuple[str, str]]
    at: float

    @property
    def lines(self) -> frozenset[str]:
        """Ids of the chat lines that it holds."""
        return frozenset(line for line, _ in self.chat)

    def frame(self, own: dict[str, Any]) -> str:
        """Return the snapshot frame of one viewer."""
        head = f'{{"v":1,"t":"snapshot","l":"s","e":"{self.epoch}","o":{self.offset},"d":'
        return f"{head}{self.text[:-1]},{wire.dumps(own)[1:]}}}"


class SnapshotCache:
    """The latest shot of every room."""

    def __init__(self, executor: BoundedExecutor, clock: Callable[[], float]) -> None:
        self._executor, self._clock = executor, clock
        self._taken: dict[UUID, CachedSnapshot] = {}
        self._taking: dict[UUID, asyncio.Task[CachedSnapshot]] = {}

    async def take(self, room: Room) -> CachedSnapshot:
        """Return a shot of this second; raises Busy, UnknownShow."""
        shot = self._taken.get(room.show.id)
        if shot and shot.epoch == room.epoch and self._clock() - shot.at < FRESH_SECONDS:
            return shot
        taking = self._taking.get(room.show.id)
        if taking is None:
            taking = asyncio.get_running_loop().create_task(self._take(room))
            self._taking[room.show.id] = taking
            taking.add_done_callback(partial(self._done, room.show.id))
        return await asyncio.shield(taking)

    def forget(self, room: Room) -> None:
        """Drop what is kept of a room."""
        self._taken.pop(room.show.id, None)

    def _done(self, stream_id: UUID, taking: "asyncio.Task[CachedSnapshot]") -> None:
        del self._taking[stream_id]
        if not taking.cancelled():
            taking.exception()  # Seen, also when whoever asked has gone.

    async def _take(self, room: Room) -> CachedSnapshot:
        epoch, offset, at = room.epoch, room.top, self._clock()
        data = await self._executor.run(admission.everybodys, room.show.id)
        chat = [(line["id"], wire.event("chat.message", line, ts=line["at"])) for line in data["chat"]]
        shot = CachedSnapshot(epoch, offset, wire.dumps(data), chat, at)
        self._taken[room.show.id] = shot
        return shot
