"""The signed-in users of this process: their connections, and what each is told on a lane of her own.

A lane is subscribed to before its place is read, and its place is read before the database; what is heard in
between is kept and handed over when the connection joins, so that nothing falls between the three.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from commerce import errors
from streams import showlog
from streams.live.subscriber import Subscriber
from streams.live.viewer import Viewer
from streams.passes import Pass

REPLACED = 4409

SOCKETS_PER_USER = 5
LINGER_SECONDS = 10.0  # How long a user's channel is kept when she has gone.
KEPT = 32  # Frames kept for connections that are about to join.

Place = tuple[str, int]


@dataclass(slots=True, eq=False)
class Guest:
    """A signed-in user's connection."""

    viewer: Viewer
    held: Pass
    settle: Callable[[Pass | errors.Refusal], None]  # Told when the pass was looked at: as it is, or why not.
    joined: bool = False
    missed: bool = False  # Something may have gone past before it joined.


@dataclass(slots=True)
class _Lane:
    guests: set[Guest] = field(default_factory=set)
    epoch: str = ""
    top: int = 0
    kept: "deque[tuple[int, str]]" = field(default_factory=lambda: deque(maxlen=KEPT))


class Users:
    """Connections by user."""

    def __init__(self, *, subscriber: Subscriber, clock: Callable[[], float]) -> None:
        self._subscriber, self._clock = subscriber, clock
        self._lanes: dict[UUID, _Lane] = {}
        self._guests: dict[Viewer, Guest] = {}
        self._quiet: dict[UUID, float] = {}

    async def follow(
        self, viewer: Viewer, held: Pass, settle: Callable[[Pass | errors.Refusal], None]
    ) -> Guest:
        """Hear what this user is told from now on; the oldest of too many connections gives way.

        Nothing is handed over before `join`. Raises Unavailable when Redis is down.
        """
        user_id = held.person.id
        viewer.user_id = user_id
        guest = self._guests[viewer] = Guest(viewer, held, settle)
        lane = self._lanes.setdefault(user_id, _Lane())
        lane.guests.add(guest)
        self._quiet.pop(user_id, None)
        here = [each.viewer for each in lane.guests if each.held.stream == held.stream]
        for oldest in sorted(here, key=lambda each: each.since)[:-SOCKETS_PER_USER]:
            oldest.close(REPLACED)
        await self._subscriber.hear(
            showlog.user_channel(user_id),
            heard=partial(self._tell, user_id),
            again=partial(self._renew, user_id),
        )
        return guest

    def join(self, guest: Guest, *, after: Place) -> None:
        """Hand over everything that was told after that place, and all that comes now."""
        lane, (epoch, offset) = self._lanes[guest.held.person.id], after
        known = lane.epoch == epoch and (lane.top <= offset or lane.kept[0][0] <= offset + 1)
        guest.joined = True
        if guest.missed or (lane.epoch and not known):
            guest.missed = False
            guest.viewer.renew("u")
            return
        for place, frame in lane.kept:
            if place > offset:
                guest.viewer.must(frame)

    def depart(self, viewer: Viewer) -> None:
        """Forget a connection."""
        guest = self._guests.pop(viewer, None)
        if guest is None:
            return
        lane = self._lanes[guest.held.person.id]
        lane.guests.discard(guest)
        if not lane.guests:
            self._quiet[guest.held.person.id] = self._clock()

    async def tidy(self) -> None:
        """Stop hearing the channels of users who have gone."""
        now = self._clock()
        for user_id, since in list(self._quiet.items()):
            # Whoever came back while others were forgotten is quiet no more.
            if now - since > LINGER_SECONDS and self._quiet.get(user_id) == since:
                del self._quiet[user_id]
                self._lanes.pop(user_id, None)
                await self._subscriber.forget(showlog.user_channel(user_id))

    def guests(self) -> list[Guest]:
        """Return all connections of signed-in users."""
        return list(self._guests.values())

    def guests_of(self, user_id: UUID) -> Iterable[Guest]:
        """Return the connections of one user."""
        lane = self._lanes.get(user_id)
        return list(lane.guests) if lane else []

    def _tell(self, user_id: UUID, message: bytes) -> None:
        epoch, offset, frame = message.decode().split("|", 2)
        lane, place = self._lanes[user_id], int(offset)
        if lane.epoch and place != (lane.top + 1 if lane.epoch == epoch else 1):
            self._renew(user_id)
        if lane.epoch != epoch:
            lane.kept.clear()
        lane.epoch, lane.top = epoch, place
        lane.kept.append((place, frame))
        for guest in lane.guests:
            if guest.joined:
                guest.viewer.must(frame)

    def _renew(self, user_id: UUID) -> None:
        lane = self._lanes.get(user_id)
        if lane is None:
            return
        # What was missed has no place that is known here.
        lane.epoch = ""
        lane.kept.clear()
        for guest in lane.guests:
            if guest.joined:
                guest.viewer.renew("u")
            else:
                guest.missed = True
