"""Webhooks out: signed, sent after the commit, tried again with growing pauses, at least once and in no
fixed order.
"""

import asyncio
import hashlib
import hmac
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import orjson

from commerce.stripe_simulator.clock import Clock
from commerce.stripe_simulator.refusals import Row
from commerce.stripe_simulator.store import Store, public

log = logging.getLogger(__name__)

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
TIMEOUT = aiohttp.ClientTimeout(total=10)
SENDERS = 8


@dataclass
class Habits:
    """How deliveries misbehave; by default they do not."""

    deliver: bool = True
    copies: int = 1
    delay_ms: int = 0
    shuffle_ms: int = 0
    lost: float = 0.0  # the share of events that an endpoint never gets, chosen by `seed`
    seed: int = 0


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the Stripe-Signature header (https://docs.stripe.com/webhooks#verify-manually)."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def payload(event: Row) -> bytes:
    """Return the body that is sent for an event."""
    return orjson.dumps(public(event), option=orjson.OPT_INDENT_2)


class Sender:
    """A queue of (event, endpoint) and a few tasks that work it off."""

    def __init__(self, store: Store, clock: Clock, sent: Callable[[Row], None]) -> None:
        self._store = store
        self._clock = clock
        self._sent = sent
        self._queue: asyncio.Queue[tuple[str, str, int]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._http: aiohttp.ClientSession | None = None
        self._random = random.Random(0)
        self.behave(Habits())

    def behave(self, habits: Habits) -> None:
        """Deliver in another way from now on; the same seed loses the same events of a row."""
        self.habits = habits
        self._chance = random.Random(habits.seed)

    async def start(self) -> None:
        """Begin to send, first what an earlier run of the process left unsent."""
        self._http = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(SENDERS)]
        for event in self._store.all("event"):
            self.send(event)

    async def stop(self) -> None:
        """Stop sending; what is unsent stays pending in its event."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def send(self, event: Row) -> None:
        """Put an event on its way to every endpoint that is still to get it."""
        for endpoint in event["_pending"]:
            if self.habits.lost and self._chance.random() < self.habits.lost:
                continue  # stays pending, as if it had been tried in vain for days
            for _ in range(max(self.habits.copies, 1)):
                wait = self.habits.delay_ms + self._random.uniform(0, self.habits.shuffle_ms)
                self._later(wait / 1000, event["id"], endpoint, 0)

    def _later(self, seconds: float, event: str, endpoint: str, tries: int) -> None:
        if seconds <= 0:
            self._queue.put_nowait((event, endpoint, tries))
        else:
            asyncio.get_running_loop().call_later(seconds, self._queue.put_nowait, (event, endpoint, tries))

    async def _work(self) -> None:
        while True:
            ident, endpoint_id, tries = await self._queue.get()
            try:
                await self._deliver(ident, endpoint_id, tries)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("webhook %s to %s", ident, endpoint_id)

    async def _deliver(self, ident: str, endpoint_id: str, tries: int) -> None:
        event, endpoint = self._store.rows[ident], self._store.rows.get(endpoint_id)
        if (
            endpoint is None
            or endpoint.get("deleted")
            or endpoint["status"] != "enabled"
            or not self.habits.deliver
        ):
            return  # stays pending, so that `delivery_success=false` finds it
        body, at = payload(event), int(self._clock.now())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Yellowcart-Stripe-Simulator/1.0",
            "Stripe-Signature": sign(endpoint["_secret"], body, at),
        }
        assert self._http is not None
        try:
            async with self._http.post(
                endpoint["url"], data=body, headers=headers, allow_redirects=False
            ) as answer:
                why = str(answer.status)
                arrived = 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why, arrived = type(error).__name__, False
        if arrived:
            self._done(event, endpoint_id)
        elif tries < len(PAUSES):
            log.info("webhook %s %s: %s, again in %s s", event["type"], ident, why, PAUSES[tries])
            self._later(PAUSES[tries], ident, endpoint_id, tries + 1)
        else:
            log.warning("webhook %s %s: %s, given up", event["type"], ident, why)

    def _done(self, event: Row, endpoint_id: str) -> None:
        if endpoint_id in event["_pending"]:
            event["_pending"] = [one for one in event["_pending"] if one != endpoint_id]
            event["pending_webhooks"] = len(event["_pending"])
            self._sent({"sent": [event["id"], endpoint_id]})
