"""What is asked about those who come in, for all who come at the same time.

A crowd comes at once: when its process was killed, and when a show begins. Who somebody is, which place her
lane has and what she is told of herself are each found out for all together, in a few statements a round.
"""

from uuid import UUID

from streams import passes, showlog, snapshot, tickets
from streams.live import admission
from streams.live.executor import BoundedExecutor
from streams.live.grouped import Begin, Grouped
from streams.live.room import Show
from streams.passes import Pass


class Entrance:
    """The rounds of one process."""

    def __init__(self, *, arrivals: BoundedExecutor, begin: Begin) -> None:
        """`arrivals` are the threads that may wait for the database."""
        # Whoever needs no database waits for nobody who does.
        self._known = BoundedExecutor(name="known", threads=2, waiting=100)
        self._tickets = Grouped(tickets.redeem_all, name="ticket", pool=self._known, begin=begin)
        self._passes = Grouped(passes.find_all, name="pass", pool=self._known, begin=begin)
        self._places = Grouped(showlog.user_positions, name="place", pool=self._known, begin=begin)
        self._sessions = Grouped(admission.look_up, name="session", pool=arrivals, begin=begin)
        self._own = Grouped(snapshot.own_all, name="own", pool=arrivals, begin=begin)

    async def admit(
        self, show: Show, *, ticket: str | None, cookie: str | None, origin: str | None
    ) -> Pass | None:
        """Return the pass of whoever comes in, None for an anonymous viewer, who costs nothing.

        Raises BadTicket, ForeignOrigin, Banned, UnknownShow, Busy, Unavailable.
        """
        if ticket is not None:
            return await self.redeem(ticket, show.id)
        session = admission.session_of(cookie=cookie, origin=origin)
        if session is None:
            return None
        asked = (session, show.id)
        return await self._passes.ask(asked) or await self._sessions.ask(asked)

    async def redeem(self, token: str, stream_id: UUID) -> Pass:
        """Spend a ticket and return what it says; raises BadTicket, Busy, Unavailable."""
        return await self._tickets.ask((token, stream_id))

    async def place(self, user_id: UUID) -> tuple[str, int]:
        """Return the place of a user's own lane; raises Busy, Unavailable."""
        return await self._places.ask(user_id)

    async def own(self, held: Pass) -> snapshot.Body:
        """Return a shopper's own part of the snapshot; raises UnknownShow, Busy, Unavailable."""
        return await self._own.ask((held.stream, held.person.id))

    @property
    def waiting(self) -> int:
        """How many wait for a round."""
        groups = (self._tickets, self._passes, self._places, self._sessions, self._own)
        return sum(group.waiting for group in groups)

    @property
    def busy(self) -> int:
        """How many tasks that need no database run or wait."""
        return self._known.busy

    def stop(self) -> None:
        """Begin nothing more."""
        self._known.stop()
