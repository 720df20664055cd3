"""One connection's conversation: hello, what it asks, and what it is refused.

Frames are taken in as they come and never wait for a command: a pong or a disconnection is noticed while
one runs. The commands themselves run one after another, behind the hello, and only a few may wait.
"""

import asyncio
import secrets
from collections import deque
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from commerce import errors
from streams import queries, tickets
from streams.frames import BadFrame, Body, Caller, VersionUnsupported, up, wire
from streams.live import admission, dispatch, gate, tally
from streams.live.hub import PING, Hub
from streams.live.limits import Bucket
from streams.live.room import Room, Show
from streams.live.teller import FAILED, Teller, now_ms
from streams.live.users import Guest
from streams.live.viewer import Viewer
from streams.moderation import standing
from streams.passes import Pass

log = structlog.get_logger(__name__)

BAD_FRAME, BAD_TICKET, FORBIDDEN, NO_SHOW, BAD_VERSION, OVER, ABUSE = 4400, 4401, 4403, 4404, 4406, 4410, 4429

FRAMES_PER_SECOND, FRAMES_BURST = 10, 20
REACTIONS_PER_SECOND, REACTIONS_BURST = 5, 10
RESYNCS_PER_SECOND, RESYNCS_BURST = 0.5, 3
ERRORS_PER_SECOND, ERRORS_BURST = 4, 20  # Twenty at once, or in five seconds, are abuse.
INBOX = 8  # Commands that may wait behind the one that runs.


class TooManyFrames(errors.TooMany):
    message = "Too many commands at once. Slow down."


class HelloFirst(BadFrame):
    message = "The first frame is hello, and there is only one."


class Going(errors.Unavailable):
    message = "This process is going. Come back and send it again."


class Connection:
    """The conversation on one connection."""

    def __init__(self, hub: Hub, *, slug: str, cookie: str | None, origin: str | None, now: float) -> None:
        self.hub = hub
        self.id = f"c_{secrets.token_hex(6)}"
        self.viewer: Viewer
        self._slug, self._cookie, self._origin = slug, cookie, origin
        self._visit = gate.visit.get()
        self._greeted = self._welcomed = self._counted = False
        self._guest: Guest | None = None
        self._show: Show
        self._room: Room
        self._teller: Teller | None = None
        self._inbox: deque[wire.Incoming] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._handed_over = 0  # Commands that are in a line of their own, and have no answer yet.
        self._answered: asyncio.Future[None] | None = None  # Somebody waits until there are none.
        self._frames = Bucket(rate=FRAMES_PER_SECOND, burst=FRAMES_BURST, now=now)
        self._reactions: Bucket | None = None
        self._resyncs: Bucket | None = None
        self._errors = Bucket(rate=ERRORS_PER_SECOND, burst=ERRORS_BURST, now=now)

    def end(self) -> None:
        """Stop what goes on for this connection; a command that runs in a thread is left to finish."""
        if self._worker is not None:
            self._worker.cancel()
        if self._teller is not None:
            self._teller.end()

    def take(self, text: str | None, now: float) -> None:
        """Take a frame in; whatever is wrong with it is answered with an error frame."""
        if self.viewer.closing is not None:
            return  # Told to go, she may read that slowly and act on meanwhile.
        tally.here.heard += 1
        allowed = self._frames.take(now)
        try:
            incoming = wire.read(text)
        except errors.Refusal as refusal:
            # Whoever asked waits for an answer to that number, however wrong the rest is.
            self._refuse(wire.number(text), refusal, now)
            return
        try:
            if not allowed:
                raise TooManyFrames
            self._take(incoming, now)
        except errors.Refusal as refusal:
            self._refuse(incoming.id, refusal, now)

    def renew(self, lane: str) -> None:
        """Tell the viewer a lane anew."""
        if self._teller is not None:
            self._teller.renew(lane)

    # --- taking in ---

    def _take(self, incoming: wire.Incoming, now: float) -> None:
        if (incoming.t == "hello") is self._greeted:
            raise HelloFirst
        self.viewer.answer_by = None
        if not self._welcomed:
            # Whatever comes before the welcome is answered after it.
            self._greeted = True
            if incoming.t != "pong":
                self._queue(incoming)
            return
        if not self._counted:
            self._count()
        match incoming.t:
            case "pong":
                wire.body(incoming, up.Pong)
            case "time.sync":
                self._sync(incoming)
            case "reaction.send":
                self._react(incoming, now)
            case t if self._worker is None and dispatch.hands_over(t):
                self._hand_over(incoming)
            case _:
                self._queue(incoming)

    def _queue(self, incoming: wire.Incoming) -> None:
        if len(self._inbox) >= INBOX:
            raise TooManyFrames
        self._inbox.append(incoming)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())
            self._worker.add_done_callback(self._worked)

    def _refuse(self, number: int | None, refusal: errors.Refusal, now: float) -> None:
        tally.here.refused[refusal.code] += 1
        self.viewer.must(wire.error(number, refusal))
        if not self._greeted:
            self.viewer.close(BAD_VERSION if isinstance(refusal, VersionUnsupported) else BAD_FRAME)
        elif not self._errors.take(now):
            self.viewer.close(ABUSE)

    def _sync(self, incoming: wire.Incoming) -> None:
        asked = wire.body(incoming, up.TimeSync)
        self._reply(incoming, {"c": asked.c, "server_ms": now_ms()})

    def _react(self, incoming: wire.Incoming, now: float) -> None:
        reaction = wire.body(incoming, up.ReactionSend)
        if self._guest is None:
            raise errors.Unauthenticated
        muted_until = self._guest.held.person.muted_until
        if muted_until is not None and muted_until > timezone.now():
            raise standing.Muted
        if self._reactions is None:
            self._reactions = Bucket(rate=REACTIONS_PER_SECOND, burst=REACTIONS_BURST, now=now)
        if not self._reactions.take(now):
            raise TooManyFrames
        self.hub.react(self._room, reaction.kind, reaction.n)

    # --- carrying out ---

    async def _work(self) -> None:
        while self._inbox and self.viewer.closing is None:
            incoming = self._inbox.popleft()
            if self._handed_over:
                # One after the other, whichever way they go.
                self._answered = asyncio.get_running_loop().create_future()
                await self._answered
            try:
                await self._carry_out(incoming)
            except (admission.SignedOut, standing.Banned) as refusal:
                self._forbid(incoming.id, refusal)
            except errors.Refusal as refusal:
                self._refuse(incoming.id, refusal, _now())
        # At once, not when the loop says that the task is done: what comes in between would lie there.
        self._worker = None

    async def _carry_out(self, incoming: wire.Incoming) -> None:
        match incoming.t:
            case "hello":
                await self._hello(incoming)
            case "resync":
                self._resync(incoming)
            case "auth.refresh":
                await self._refresh(incoming)
            case "time.sync":
                self._sync(incoming)
            case "reaction.send":
                self._react(incoming, _now())
            case _:
                await self._command(incoming)

    def _resync(self, incoming: wire.Incoming) -> None:
        asked, now = wire.body(incoming, up.Resync), _now()
        if self._resyncs is None:
            self._resyncs = Bucket(rate=RESYNCS_PER_SECOND, burst=RESYNCS_BURST, now=now)
        if self.viewer.snapshot_waits or not self._resyncs.take(now):
            raise TooManyFrames
        self._reply(incoming, {})
        tally.here.resyncs += 1
        if asked.lanes == ["u"]:
            self.renew("u")
        else:
            self._room.leave(self.viewer)
            self.renew("s")

    async def _command(self, incoming: wire.Incoming) -> None:
        if dispatch.hands_over(incoming.t):
            self._hand_over(incoming)
            return
        found, body = dispatch.read(incoming)
        caller, held = self._caller()
        crew = self.hub.crews.of(found.app)
        answer = await crew.run(dispatch.run, found, body, held=held, caller=caller, key=incoming.key)
        self._say(incoming, answer)

    def _hand_over(self, incoming: wire.Incoming) -> None:
        found, body = dispatch.read(incoming)
        caller, _ = self._caller()
        if self._handed_over >= INBOX:
            raise TooManyFrames

        def answer(outcome: str | errors.Refusal) -> None:
            self._handed_over -= 1
            tally.here.handed_over -= 1
            if isinstance(outcome, str):
                self._say(incoming, outcome)
            else:
                self._refuse(incoming.id, outcome, _now())
            if self._answered is not None and not self._handed_over and not self._answered.done():
                self._answered.set_result(None)

        dispatch.hand_over(found, body, caller=caller, key=incoming.key, answer=answer)
        self._handed_over += 1
        tally.here.handed_over += 1

    def _caller(self) -> tuple[Caller, Pass]:
        if self._guest is None:
            raise errors.Unauthenticated
        if self.hub.going:
            raise Going
        held = self._guest.held
        caller = Caller(
            user_id=held.person.id,
            stream_id=self._show.id,
            stream_slug=self._show.slug,
            name=held.person.name,
            role=held.person.role,
            connection=self.id,
            position=self.viewer.position,
        )
        return caller, held

    def _say(self, incoming: wire.Incoming, answer: str) -> None:
        self.viewer.must(f'{{"v":1,"t":"reply","re":{incoming.id},"d":{answer}}}')

    async def _refresh(self, incoming: wire.Incoming) -> None:
        body = self._numbered(incoming, up.AuthRefresh)
        held = await self.hub.entrance.redeem(body.ticket, self._show.id)
        if self._guest is None or held.person.id != self._guest.held.person.id:
            raise tickets.BadTicket
        self._guest.held = held
        self.viewer.expires_at = _now() + settings.ROOM_LIFE_SECONDS
        self.viewer.warned = False
        self._reply(incoming, {"expires_at": self.hub.at_ms(self.viewer.expires_at)})

    # --- coming in ---

    async def _hello(self, incoming: wire.Incoming) -> None:
        try:
            await self._enter(incoming)
        except errors.Refusal as refusal:
            tally.here.refused[refusal.code] += 1
            self.viewer.must(wire.error(incoming.id, refusal))
            self.viewer.close(_closing(refusal))

    async def _enter(self, incoming: wire.Incoming) -> None:
        hello = self._numbered(incoming, up.Hello)
        self._show = await self.hub.rooms.show(self._slug)
        held = await self.hub.entrance.admit(
            self._show, ticket=hello.ticket, cookie=self._cookie, origin=self._origin
        )
        self._room = await self.hub.rooms.enter(self._show)
        self.viewer.watches = held is None or held.person.role != "host"
        self.viewer.user_id = held.person.id if held else None
        self.hub.enter(self.viewer, self._room)
        if held is not None:
            self._guest = await self.hub.users.follow(self.viewer, held, self._settle)
        self._teller = Teller(self.hub, self.viewer, name=self.id, room=self._room, guest=self._guest)
        await self._teller.welcome(incoming.id, hello.resume)
        self._welcomed = True
        # Who answers it is there, and counts as a viewer.
        self.viewer.must(PING)
        if self._visit is not None:
            self._visit.greeted()

    def _count(self) -> None:
        self._counted = True
        if self.viewer.watches:
            somebody = (self._visit.address, self._visit.agent) if self._visit else ("", self.id)
            self.hub.audience.came(self.viewer, self._show.id, self.viewer.user_id or somebody)

    def _settle(self, found: Pass | errors.Refusal) -> None:
        """Take in how the user's pass is now, or why there is none any more."""
        if isinstance(found, errors.Refusal):
            self._forbid(None, found)
        elif self._guest is not None:
            before, self._guest.held = self._guest.held, found
            if before.person != found.person:
                self.renew("u")

    def _forbid(self, number: int | None, refusal: errors.Refusal) -> None:
        self.viewer.must(wire.error(number, refusal))
        self.viewer.close(FORBIDDEN)

    # --- inside ---

    def _numbered(self, incoming: wire.Incoming, shape: type[wire.B]) -> wire.B:
        if incoming.id is None:
            raise BadFrame("This frame needs a number.", errors={"id": "missing"})
        return wire.body(incoming, shape)

    def _reply(self, incoming: wire.Incoming, d: Body | dict[str, Any]) -> None:
        if incoming.id is None:
            raise BadFrame("This frame needs a number.", errors={"id": "missing"})
        self.viewer.must(wire.reply(incoming.id, d))

    def _worked(self, task: "asyncio.Task[None]") -> None:
        if self._worker is task:
            self._worker = None
        if not task.cancelled() and (error := task.exception()):
            log.error("connection.failed", exc_info=error)
            self.viewer.close(FAILED)


def _closing(refusal: errors.Refusal) -> int:
    match refusal:
        case queries.UnknownShow():
            return NO_SHOW
        case admission.LongOver():
            return OVER
        case errors.Forbidden():
            return FORBIDDEN
        case errors.Unauthenticated():
            return BAD_TICKET
        case BadFrame():
            return BAD_FRAME
        case _:
            return FAILED


def _now() -> float:
    return asyncio.get_running_loop().time()
