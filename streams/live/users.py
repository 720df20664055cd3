"""The signed-in users of this process: their connections, and what each is told on a lane of her own."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from streams import showlog
from streams.live.subscriber import Subscriber
from streams.live.viewer import Viewer

REPLACED = 4409

SOCKETS_PER_USER = 5
LINGER_SECONDS = 10.0  # How long a user's channel is kept when she has gone.


class Users:
    """Connections by user."""

    def __init__(self, *, subscriber: Subscriber, clock: Callable[[], float]) -> None:
        self._subscriber, self._clock = subscriber, clock
        self._here: dict[UUID, set[Viewer]] = {}
        self._quiet: dict[UUID, float] = {}

    async def follow(self, viewer: Viewer, user_id: UUID) -> None:
        """Hand over what this user is told from now on; the oldest of too many connections gives way.

        Raises Unavailable when Redis is down.
        """
        viewer.user_id = user_id
        everywhere = self._here.setdefault(user_id, set())
        everywhere.add(viewer)
        self._quiet.pop(user_id, None)
        here = sorted((each for each in everywhere if each.room is viewer.room), key=lambda each: each.since)
        for oldest in here[:-SOCKETS_PER_USER]:
            oldest.close(REPLACED)
        await self._subscriber.hear(
            showlog.user_channel(user_id),
            heard=partial(self._tell, user_id),
            again=partial(self._renew, user_id),
        )

    def depart(self, viewer: Viewer) -> None:
        """Forget a connection."""
        if viewer.user_id is None:
            return
        others = self._here.get(viewer.user_id, set())
        others.discard(viewer)
        if not others:
            self._quiet[viewer.user_id] = self._clock()

    async def tidy(self) -> None:
        """Stop hearing the channels of users who have gone."""
        now = self._clock()
        for user_id, since in list(self._quiet.items()):
            if now - since > LINGER_SECONDS:
                del self._quiet[user_id]
                self._here.pop(user_id, None)
                await self._subscriber.forget(showlog.user_channel(user_id))

    def _tell(self, user_id: UUID, message: bytes) -> None:
        frame = message.decode()
        for viewer in self._here.get(user_id, ()):
            viewer.must(frame)

    def _renew(self, user_id: UUID) -> None:
        for viewer in self._here.get(user_id, ()):
            viewer.renew("u")
