"""What this process says of its rooms to all the others: who watches here, and how they reacted.

A user counts once. Anonymous viewers count by connection, those of one network address and browser up to a
limit, since beyond it they are more likely one machine than a crowd. A connection counts from its first word
after the welcome on, which whoever only opens sockets never says.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from streams import presence, reactions
from streams.live.room import Room
from streams.live.viewer import Viewer

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.2  # Comings and goings within it are reported together.

Where = tuple[str, str]  # Network address and browser.


class Crowd:
    """Who watches one show here. To come and to go costs the same however many there are."""

    __slots__ = ("_limit", "_users", "_where", "anonymous", "joined", "left", "said", "sockets")

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._users: Counter[UUID] = Counter()
        self._where: Counter[Where] = Counter()
        self.anonymous = self.sockets = 0
        self.joined: set[UUID] = set()  # Since the last report.
        self.left: set[UUID] = set()
        self.said: tuple[int, int] | None = None  # The last report; None: everything is to be said.

    def add(self, who: UUID | Where) -> None:
        """Count a connection."""
        self.sockets += 1
        if isinstance(who, UUID):
            self._users[who] += 1
            if self._users[who] == 1:
                self.joined.add(who)
                self.left.discard(who)
        else:
            self._where[who] += 1
            self.anonymous += self._where[who] <= self._limit

    def remove(self, who: UUID | Where) -> None:
        """Count a connection no more."""
        self.sockets -= 1
        if isinstance(who, UUID):
            self._users[who] -= 1
            if not self._users[who]:
                del self._users[who]
                self.left.add(who)
                self.joined.discard(who)
        else:
            self.anonymous -= self._where[who] <= self._limit
            self._where[who] -= 1
            if not self._where[who]:
                del self._where[who]

    @property
    def users(self) -> list[UUID]:
        """The signed-in users."""
        return list(self._users)


class Audience:
    """The crowds of one process."""

    def __init__(
        self,
        *,
        client: "redis.asyncio.Redis",
        process: str,
        rooms: Callable[[], list[Room]],
        clock: Callable[[], float],
        limit: int,
    ) -> None:
        """`limit` is how many anonymous connections of one address and browser count."""
        self._client, self._process, self._rooms, self._clock = client, process, rooms, clock
        self._limit = limit
        self._crowds: dict[UUID, Crowd] = {}
        self._who: dict[Viewer, tuple[UUID, UUID | Where]] = {}
        self._changed = asyncio.Event()

    def came(self, viewer: Viewer, stream_id: UUID, who: UUID | Where) -> None:
        """Count a viewer of a show, a user or an anonymous one, once."""
        if viewer in self._who:
            return
        self._who[viewer] = (stream_id, who)
        crowd = self._crowds.get(stream_id)
        if crowd is None:
            crowd = self._crowds[stream_id] = Crowd(limit=self._limit)
        crowd.add(who)
        self._changed.set()

    def went(self, viewer: Viewer) -> None:
        """Count a viewer no more, if it was."""
        found = self._who.pop(viewer, None)
        if found is not None:
            self._crowds[found[0]].remove(found[1])
            self._changed.set()

    def changed(self) -> None:
        """Note that somebody reacted; it is told soon."""
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
                await self._report(again=again)
            except (RedisError, OSError) as error:
                log.warning("presence.unreported", error=str(error))
            if again:
                everything = self._clock()
            await asyncio.sleep(GATHER_SECONDS)

    async def leave(self) -> None:
        """Say that nobody watches here any more."""
        for stream_id in self._crowds:
            try:
                await self._tell(stream_id, Crowd(limit=0))
            except (RedisError, OSError):
                break  # What was said fades by itself.

    async def _report(self, *, again: bool) -> None:
        for stream_id, crowd in list(self._crowds.items()):
            now = (crowd.anonymous, crowd.sockets)
            if again or now != crowd.said or crowd.joined or crowd.left:
                await self._tell(stream_id, crowd)
            if not crowd.sockets and crowd.said == (0, 0):
                del self._crowds[stream_id]
        for room in self._rooms():
            if room.reactions:
                counted, room.reactions = room.reactions, {}
                await reactions.add(self._client, stream_id=room.show.id, counts=counted)

    async def _tell(self, stream_id: UUID, crowd: Crowd) -> None:
        now = (crowd.anonymous, crowd.sockets)
        joined, left, full = crowd.joined, crowd.left, crowd.said is None
        crowd.joined, crowd.left, crowd.said = set(), set(), None
        # Without a word from Redis nobody knows what it has heard: then all is said again.
        found = None
        if not full:
            found = await presence.report(
                self._client,
                stream_id=stream_id,
                process=self._process,
                anonymous=now[0],
                sockets=now[1],
                joined=joined,
                left=left,
            )
        if found is None:
            crowd.joined, crowd.left = set(), set()
            now = (crowd.anonymous, crowd.sockets)
            await presence.report(
                self._client,
                stream_id=stream_id,
                process=self._process,
                anonymous=now[0],
                sockets=now[1],
                joined=crowd.users,
                full=True,
            )
        crowd.said = now
