"""What one viewer is told of where she stands: the welcome, then each lane resumed, or told anew.

A place is always read before the data that is told with it. What is told anew of lane u goes out in one
message with its place, so that whoever holds the place holds all of it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from commerce import errors
from streams import snapshot
from streams.frames import MAX_FRAME_BYTES, up, wire
from streams.live import tally
from streams.live.hub import HEARTBEAT_SECONDS, Hub
from streams.live.room import Room
from streams.live.users import Guest, Place
from streams.live.viewer import Viewer

log = structlog.get_logger(__name__)

FAILED, GAP = 4500, 4509

CHAT_PER_10S = 5


class Teller:
    """The lanes of one connection."""

    def __init__(self, hub: Hub, viewer: Viewer, *, name: str, room: Room, guest: Guest | None) -> None:
        self._hub, self._viewer, self._name, self._room, self._guest = hub, viewer, name, room, guest
        self._lanes: set[str] = set()
        self._renewal: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Stop what goes on."""
        if self._renewal is not None:
            self._renewal.cancel()

    async def welcome(self, number: int | None, resume: up.Resume | None) -> None:
        """Welcome the viewer, hand over what was missed, and all that comes from now on.

        Whoever missed nothing of her own lane costs no query. Raises Unavailable, Busy, UnknownShow.
        """
        was, mine = (resume.s, resume.u) if resume else (None, None)
        if was is None or not self._room.can_resume(was.epoch, was.offset):
            await self._tell_snapshot(lambda s, u: self._welcome(number, (False, False), s, u))
            tally.here.welcomed["lost" if was else "new"] += 1
            return
        own: dict[str, Any] = snapshot.NOBODY
        place: Place | None = None
        if self._guest is not None:
            place = await self._hub.entrance.place(self._guest.held.person.id)
            if mine is None or (mine.epoch, mine.offset) != place:
                own = await self._own()
                place = _place(own)
        whole = own is snapshot.NOBODY
        if not self._room.can_resume(was.epoch, was.offset):
            await self._tell_snapshot(lambda s, u: self._welcome(number, (False, False), s, u))
            tally.here.welcomed["lost"] += 1
            return
        tally.here.welcomed["recovered"] += 1
        top = (self._room.epoch, self._room.top)
        frames = [self._welcome(number, (True, whole), top, place), *_anew(own)]
        self._viewer.must("\n".join(frames))
        self._room.join(self._viewer, after=was.offset)
        self._join(place)

    def renew(self, lane: str) -> None:
        """Tell a lane anew: lane s by a snapshot, which holds the other too; lane u by what is hers."""
        self._lanes.add(lane)
        if self._renewal is None:
            self._renewal = self._hub.begin(self._renew())

    # --- inside ---

    async def _tell_snapshot(self, before: Callable[[Place, Place | None], str] | None = None) -> None:
        for _ in range(3):
            shot = await self._hub.rooms.shot(self._room)
            own = await self._own()
            if self._room.can_resume(shot.epoch, shot.offset):
                break
        else:
            raise errors.Unavailable
        place = _place(own)
        if before is not None:
            self._viewer.must(before((shot.epoch, shot.offset), place))
        self._viewer.snapshot(shot.frame(own))
        self._room.join(self._viewer, after=shot.offset, known_lines=shot.lines)
        self._join(place)

    def _join(self, place: Place | None) -> None:
        if self._guest is not None and not self._guest.joined and place is not None:
            self._hub.users.join(self._guest, after=place)

    async def _own(self) -> dict[str, Any]:
        if self._guest is None:
            return snapshot.NOBODY
        return await self._hub.entrance.own(self._guest.held)

    def _welcome(self, number: int | None, recovered: tuple[bool, bool], s: Place, u: Place | None) -> str:
        d = {
            "conn": self._name,
            "recovered": {"s": recovered[0], "u": recovered[1]},
            "position": {"s": _said(s), "u": u and _said(u)},
            "heartbeat_ms": int(HEARTBEAT_SECONDS * 1000),
            "expires_at": self._hub.at_ms(self._viewer.expires_at),
            "server_ms": now_ms(),
            "limits": {"chat_per_10s": CHAT_PER_10S, "max_frame": MAX_FRAME_BYTES},
        }
        return wire.event("welcome", d, re=number)

    async def _renew(self) -> None:
        try:
            while self._lanes:
                lanes, self._lanes = self._lanes, set()
                async with self._hub.renewals:
                    if "s" in lanes:
                        await self._tell_snapshot()
                    elif (place := _place(own := await self._own())) is not None:
                        lost = wire.event("resync", {"lane": "u", **_said(place)})
                        self._viewer.must("\n".join([lost, *_anew(own)]))
                        self._join(place)
        except errors.Refusal:
            self._viewer.close(GAP)
        except Exception:
            log.exception("viewer.untold", connection=self._name)
            self._viewer.close(FAILED)
        finally:
            self._renewal = None


def now_ms() -> int:
    """Return the server's clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def _said(place: Place) -> dict[str, Any]:
    return {"epoch": place[0], "offset": place[1]}


def _place(own: dict[str, Any]) -> Place | None:
    u = own["u"]
    return (u["epoch"], u["offset"]) if u else None


def _anew(own: dict[str, Any]) -> list[str]:
    if own["me"] is None:
        return []
    ts = now_ms()
    return [
        wire.event("me.updated", own["me"], ts=ts, l="u"),
        wire.event("cart.updated", own["cart"], ts=ts, l="u"),
        *(wire.event("coupon.claimed", each, ts=ts, l="u") for each in reversed(own["claims"])),
        *(wire.event("order.updated", each, ts=ts, l="u") for each in reversed(own["purchases"])),
        wire.event("waitlist.updated", {"places": own["waitlist"]}, ts=ts, l="u"),
    ]
