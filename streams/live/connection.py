"""One connection's conversation: hello, what it asks, what it is refused, and how it is told a lane anew.

Frames are taken in as they come and never wait for a command: a pong or a disconnection is noticed while
one runs. The commands themselves run one after another, and only a few may wait.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from commerce import errors
from streams import queries, snapshot, tickets
from streams.frames import MAX_FRAME_BYTES, BadFrame, Body, Caller, VersionUnsupported, up, wire
from streams.live import admission, dispatch
from streams.live.hub import HEARTBEAT_SECONDS, Hub
from streams.live.limits import Bucket
from streams.live.room import Room, Show
from streams.live.viewer import LIFE_SECONDS, Viewer

log = structlog.get_logger(__name__)

BAD_FRAME, BAD_TICKET, FORBIDDEN, NO_SHOW, BAD_VERSION, ABUSE = 4400, 4401, 4403, 4404, 4406, 4429
FAILED, GAP = 4500, 4509

FRAMES_PER_SECOND, FRAMES_BURST = 10, 20
REACTIONS_PER_SECOND, REACTIONS_BURST = 5, 10
RESYNCS_PER_SECOND, RESYNCS_BURST = 0.5, 3
ERRORS_PER_SECOND, ERRORS_BURST = 4, 20  # Twenty at once, or in five seconds, are abuse.
INBOX = 8  # Commands that may wait behind the one that runs.
CHAT_PER_10S = 5


class TooManyFrames(errors.TooMany):
    message = "Too many commands at once. Slow down."


class HelloFirst(BadFrame):
    message = "The first frame is hello, and there is only one."


class Connection:
    """The conversation on one connection."""

    def __init__(self, hub: Hub, *, slug: str, cookie: str | None, origin: str | None, now: float) -> None:
        self.hub = hub
        self.id = f"c_{secrets.token_hex(6)}"
        self.viewer: Viewer
        self._slug, self._cookie, self._origin = slug, cookie, origin
        self._greeted = False
        self._pass: admission.Pass | None = None
        self._show: Show
        self._room: Room
        self._inbox: deque[wire.Incoming] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._lanes: set[str] = set()
        self._renewal: asyncio.Task[None] | None = None
        self._frames = Bucket(rate=FRAMES_PER_SECOND, burst=FRAMES_BURST, now=now)
        self._reactions = Bucket(rate=REACTIONS_PER_SECOND, burst=REACTIONS_BURST, now=now)
        self._resyncs = Bucket(rate=RESYNCS_PER_SECOND, burst=RESYNCS_BURST, now=now)
        self._errors = Bucket(rate=ERRORS_PER_SECOND, burst=ERRORS_BURST, now=now)

    def end(self) -> None:
        """Stop what goes on for this connection; a command that runs in a thread is left to finish."""
        for task in (self._worker, self._renewal):
            if task is not None:
                task.cancel()

    def take(self, text: str | None, now: float) -> None:
        """Take a frame in; whatever is wrong with it is answered with an error frame."""
        number = None
        try:
            allowed = self._frames.take(now)
            incoming = wire.read(text)
            number = incoming.id
            if not allowed:
                raise TooManyFrames
            self._take(incoming, now)
        except errors.Refusal as refusal:
            self._refuse(number, refusal, now)

    def renew(self, lane: str) -> None:
        """Tell the viewer a lane anew: lane s by a snapshot, lane u by what is the shopper's own."""
        self._lanes.add(lane)
        if self._renewal is None:
            self._renewal = self._begin(self._renew(), self._renewed)

    # --- taking in ---

    def _take(self, incoming: wire.Incoming, now: float) -> None:
        if (incoming.t == "hello") is self._greeted:
            raise HelloFirst
        self.viewer.answer_by = None
        match incoming.t:
            case "hello":
                self._greeted = True
                self._queue(incoming)
            case "pong":
                wire.body(incoming, up.Pong)
            case "time.sync":
                asked = wire.body(incoming, up.TimeSync)
                self._reply(incoming, {"c": asked.c, "server_ms": _now_ms()})
            case "reaction.send":
                reaction = wire.body(incoming, up.ReactionSend)
                if self._pass is None:
                    raise errors.Unauthenticated
                if not self._reactions.take(now):
                    raise TooManyFrames
                self.hub.react(self._room, reaction.kind, reaction.n)
            case _:
                self._queue(incoming)

    def _queue(self, incoming: wire.Incoming) -> None:
        if len(self._inbox) >= INBOX:
            raise TooManyFrames
        self._inbox.append(incoming)
        if self._worker is None:
            self._worker = self._begin(self._work(), self._worked)

    def _refuse(self, number: int | None, refusal: errors.Refusal, now: float) -> None:
        self.viewer.must(wire.error(number, refusal))
        if not self._greeted:
            self.viewer.close(BAD_VERSION if isinstance(refusal, VersionUnsupported) else BAD_FRAME)
        elif not self._errors.take(now):
            self.viewer.close(ABUSE)

    # --- carrying out ---

    async def _work(self) -> None:
        while self._inbox:
            incoming = self._inbox.popleft()
            try:
                await self._carry_out(incoming)
            except admission.SignedOut as refusal:
                self.viewer.must(wire.error(incoming.id, refusal))
                self.viewer.close(FORBIDDEN)
            except errors.Refusal as refusal:
                self._refuse(incoming.id, refusal, asyncio.get_running_loop().time())

    async def _carry_out(self, incoming: wire.Incoming) -> None:
        match incoming.t:
            case "hello":
                await self._hello(incoming)
            case "resync":
                wire.body(incoming, up.Resync)
                if self.viewer.snapshot_waits or not self._resyncs.take(asyncio.get_running_loop().time()):
                    raise TooManyFrames
                self._reply(incoming, {})
                self._room.leave(self.viewer)
                self.renew("s")
            case "auth.refresh":
                await self._refresh(incoming)
            case _:
                await self._command(incoming)

    async def _command(self, incoming: wire.Incoming) -> None:
        found, body = dispatch.read(incoming)
        if self._pass is None:
            raise errors.Unauthenticated
        person = self._pass.person
        caller = Caller(
            user_id=person.id,
            stream_id=self._show.id,
            stream_slug=self._show.slug,
            name=person.name,
            role=person.role,
            connection=self.id,
            position=self.viewer.position,
        )
        answer = await self.hub.commands.run(
            dispatch.run, found, body, held=self._pass, caller=caller, key=incoming.key
        )
        self.viewer.must(f'{{"v":1,"t":"reply","re":{incoming.id},"d":{answer}}}')

    async def _refresh(self, incoming: wire.Incoming) -> None:
        body = self._numbered(incoming, up.AuthRefresh)
        ticket = await self.hub.arrivals.run(tickets.redeem, token=body.ticket, stream_id=self._show.id)
        if self._pass is None or ticket.user != self._pass.person.id:
            raise tickets.BadTicket
        self.viewer.expires_at = asyncio.get_running_loop().time() + LIFE_SECONDS
        self.viewer.warned = False
        self._reply(incoming, {"expires_at": self.hub.at_ms(self.viewer.expires_at)})

    # --- coming in ---

    async def _hello(self, incoming: wire.Incoming) -> None:
        try:
            await self._enter(incoming)
        except errors.Refusal as refusal:
            self.viewer.must(wire.error(incoming.id, refusal))
            self.viewer.close(_closing(refusal))

    async def _enter(self, incoming: wire.Incoming) -> None:
        hello = self._numbered(incoming, up.Hello)
        self._show = await self.hub.rooms.show(self._slug)
        self._pass = await self.hub.arrivals.run(
            admission.admit, show=self._show, ticket=hello.ticket, cookie=self._cookie, origin=self._origin
        )
        self._room = await self.hub.rooms.enter(self._show)
        self.viewer.watches = self._pass is None or self._pass.person.role != "host"
        self.viewer.user_id = self._pass.person.id if self._pass else None
        self.hub.enter(self.viewer, self._room)
        if self._pass is not None:
            await self.hub.users.follow(self.viewer, self._pass.person.id)
        was = hello.resume.s if hello.resume else None
        if was is not None and self._room.can_resume(was.epoch, was.offset):
            self._welcome(incoming, recovered=True, place=(self._room.epoch, self._room.top))
            self._room.join(self.viewer, after=was.offset)
            await self._tell_own()
        else:
            await self._tell_snapshot(lambda place: self._welcome(incoming, recovered=False, place=place))

    def _welcome(self, incoming: wire.Incoming, *, recovered: bool, place: tuple[str, int]) -> None:
        d = {
            "conn": self.id,
            "recovered": {"s": recovered, "u": recovered},
            "position": {"s": {"epoch": place[0], "offset": place[1]}},
            "heartbeat_ms": int(HEARTBEAT_SECONDS * 1000),
            "expires_at": self.hub.at_ms(self.viewer.expires_at),
            "server_ms": _now_ms(),
            "limits": {"chat_per_10s": CHAT_PER_10S, "max_frame": MAX_FRAME_BYTES},
        }
        self.viewer.must(wire.event("welcome", d, re=incoming.id))

    # --- telling anew ---

    async def _tell_snapshot(self, before: Callable[[tuple[str, int]], None] | None = None) -> None:
        for _ in range(3):
            shot = await self.hub.rooms.shot(self._room)
            own = await self._own()
            if self._room.can_resume(shot.epoch, shot.offset):
                break
        else:
            raise errors.Unavailable
        if before is not None:
            before((shot.epoch, shot.offset))
        self.viewer.snapshot(shot.frame(own))
        self._room.join(self.viewer, after=shot.offset, known_lines=shot.lines)

    async def _tell_own(self) -> None:
        own, ts = await self._own(), _now_ms()
        if own["cart"] is not None:
            self.viewer.must(wire.event("cart.updated", own["cart"], l="u", ts=ts))
        for purchase in reversed(own["purchases"]):
            self.viewer.must(wire.event("order.updated", purchase, l="u", ts=ts))

    async def _own(self) -> dict[str, Any]:
        if self._pass is None:
            return snapshot.NOBODY
        return await self.hub.arrivals.run(admission.own, self._show.id, self._pass.person.id)

    async def _renew(self) -> None:
        while self._lanes:
            lanes, self._lanes = self._lanes, set()
            try:
                async with self.hub.renewals:
                    if "s" in lanes:
                        await self._tell_snapshot()
                    else:
                        await self._tell_own()
            except errors.Refusal:
                self.viewer.close(GAP)

    # --- inside ---

    def _numbered(self, incoming: wire.Incoming, shape: type[wire.B]) -> wire.B:
        if incoming.id is None:
            raise BadFrame("This frame needs a number.", errors={"id": "missing"})
        return wire.body(incoming, shape)

    def _reply(self, incoming: wire.Incoming, d: Body | dict[str, Any]) -> None:
        if incoming.id is None:
            raise BadFrame("This frame needs a number.", errors={"id": "missing"})
        self.viewer.must(wire.reply(incoming.id, d))

    def _begin(
        self, work: Coroutine[Any, Any, None], done: Callable[["asyncio.Task[None]"], None]
    ) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(done)
        return task

    def _worked(self, task: "asyncio.Task[None]") -> None:
        self._worker = None
        self._look_at(task)

    def _renewed(self, task: "asyncio.Task[None]") -> None:
        self._renewal = None
        self._look_at(task)

    def _look_at(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("connection.failed", exc_info=error)
            self.viewer.close(FAILED)


def _closing(refusal: errors.Refusal) -> int:
    match refusal:
        case queries.UnknownShow():
            return NO_SHOW
        case admission.ForeignOrigin():
            return FORBIDDEN
        case errors.Unauthenticated():
            return BAD_TICKET
        case BadFrame():
            return BAD_FRAME
        case _:
            return FAILED


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
