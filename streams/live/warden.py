"""Looks again whether those who are here may still be: at once when their access changed, and all of them
twice a minute in case nobody could say so.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import orjson
import structlog

from commerce import errors
from streams import showlog
from streams.live import admission
from streams.live.executor import BoundedExecutor
from streams.live.subscriber import Subscriber
from streams.live.users import Guest, Users
from streams.moderation import standing
from streams.passes import Pass

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
AT_ONCE = 500  # Passes that are looked at in one go; between, others get a turn.

Begin = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


class Warden:
    """The looks of one process."""

    def __init__(
        self, *, users: Users, subscriber: Subscriber, arrivals: BoundedExecutor, begin: Begin
    ) -> None:
        self._users, self._subscriber, self._arrivals, self._begin = users, subscriber, arrivals, begin
        self._now = asyncio.Event()

    async def run(self) -> None:
        """Listen and look until cancelled."""
        self._begin(self._listen())
        while True:
            try:
                await asyncio.wait_for(self._now.wait(), EVERY_SECONDS * random.uniform(0.8, 1.0))
            except TimeoutError:
                pass
            self._now.clear()
            try:
                await self.look()
            except errors.Refusal as refusal:
                log.warning("warden.blind", code=refusal.code)
            except Exception:
                log.exception("warden.failed")  # The next look may see.

    async def look(self) -> None:
        """Look at everybody's pass."""
        guests = self._users.guests()
        for start in range(0, len(guests), AT_ONCE):
            some = guests[start : start + AT_ONCE]
            held = [guest.held for guest in some]
            found = await self._arrivals.run(admission.renew, held)
            for guest, before, refusal in zip(some, held, found, strict=True):
                if refusal is not None and guest.held is before:
                    guest.settle(refusal)

    async def _listen(self) -> None:
        while True:
            try:
                await self._subscriber.hear(showlog.CONTROL, heard=self._heard, again=self._now.set)
                return
            except errors.Refusal:
                await asyncio.sleep(1)

    def _heard(self, message: bytes) -> None:
        told = orjson.loads(message)
        stream = UUID(told["stream"]) if told.get("stream") else None
        for guest in self._users.guests_of(UUID(told["user"])):
            if stream in (None, guest.held.stream):
                self._begin(self._look_at(guest))

    async def _look_at(self, guest: Guest) -> None:
        before = guest.held
        found: Pass | errors.Refusal | None = None
        try:
            found = await self._arrivals.run(admission.anew, before)
        except (admission.SignedOut, standing.Banned) as refusal:
            found = refusal
        except errors.Refusal:
            self._now.set()  # The next look at everybody finds out.
        if found is not None and guest.held is before:
            guest.settle(found)
