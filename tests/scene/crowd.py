"""The buyers: each on a websocket of her own, who press, are answered, and hear what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from streams import client

Body = dict[str, Any]
FINAL = ("paid", "declined", "expired", "cancelled")
DEADLINE = 60.0
AT_THE_DOOR = 50  # Connections opened at once.
PATIENCE = 180.0  # Seconds that a buyer goes on pressing while she is told to try again.
SETTLED = 240.0  # Seconds in which a card is charged, also when the worker that did it was killed.


@dataclass
class Buyer:
    """One buyer, her connection, and how her presses were answered."""

    name: str
    room: client.Room
    purchase: Body | None = None
    refused: str = ""
    seconds: list[float] = field(default_factory=list)  # From press to answer.

    async def press(self, variant: str, offer: Body, *, key: UUID | None = None) -> Body | None:
        """Press buy, and go on as the page does; the purchase, or None when she was refused for good."""
        order = {
            "lines": [{"variant": variant, "quantity": 1, "offer": offer["id"]}],
            "expect_total": offer["price"],
        }
        key, pressed = key or uuid4(), time.perf_counter()
        try:
            found = await persist(self.room, "purchase.create", order, key)
        except client.RefusedByServer as refusal:
            self.refused, found = refusal.code, None
        else:
            self.purchase, self.refused = found, ""
        self.seconds.append(time.perf_counter() - pressed)
        return found

    async def answer_bank(self) -> None:
        """Say yes to her bank on the page that her lane shows her."""
        bought = self.purchase
        assert bought is not None
        asked = await self.room.wait(
            "payment.action_required", lambda d: bool(d["purchase"] == bought["id"]), deadline=SETTLED
        )
        page = asked["d"]["sheet_url"].split("?")[0]
        form = {"client_secret": asked["d"]["client_secret"], "outcome": "complete"}
        async with httpx.AsyncClient(trust_env=False) as browser:
            (await browser.post(page, data=form)).raise_for_status()

    async def outcome(self) -> str:
        """How her purchase ended, as her own lane tells her."""
        bought = self.purchase
        assert bought is not None
        told = await self.room.wait(
            "order.updated",
            lambda d: bool(d["id"] == bought["id"] and d["status"] in FINAL),
            deadline=SETTLED,
        )
        self.purchase = told["d"]
        return str(told["d"]["status"])


async def persist(room: client.Room, t: str, d: Body, key: UUID) -> Body:
    """Send a command, and the same again while the server says "temporary" or does not answer.

    Raises RefusedByServer once it is final, TimeoutError, Disconnected.
    """
    until = time.perf_counter() + PATIENCE
    while True:
        try:
            return await room.command(t, d, key=key, deadline=DEADLINE)
        except client.RefusedByServer as refusal:
            if not refusal.temporary or time.perf_counter() > until:
                raise
            await asyncio.sleep((refusal.retry_ms or 100) / 1000 * random.uniform(1, 2))
        except (TimeoutError, client.Disconnected):
            if time.perf_counter() > until:
                raise
            if room.open:
                await room.cut()
            await room.wait_online(DEADLINE)


async def let_in(buyers: list[Buyer]) -> None:
    """Connect everybody, a few at a time."""
    door = asyncio.Semaphore(AT_THE_DOOR)

    async def enter(buyer: Buyer) -> None:
        async with door:
            await buyer.room.__aenter__()

    await asyncio.gather(*(enter(buyer) for buyer in buyers))


async def rush(buyers: list[Buyer], variant: str, offer: Body, *, within: float) -> None:
    """Everybody presses at a moment of her own within so many seconds, and waits for her answer."""

    async def one(buyer: Buyer) -> None:
        await asyncio.sleep(random.uniform(0, within))
        await buyer.press(variant, offer)

    await asyncio.gather(*(one(buyer) for buyer in buyers))


class Onlooker:
    """Somebody who only watches, and notes when each line of chat arrives."""

    def __init__(self, url: str) -> None:
        self.heard: dict[str, float] = {}
        self.room = client.Room(url, stay=True, check=self._note)

    def _note(self, text: str) -> None:
        if '"chat.message"' in text:
            for line in text.split("\n"):
                frame = json.loads(line)
                if frame["t"] == "chat.message":
                    self.heard.setdefault(frame["d"]["text"], time.perf_counter())


class Chat:
    """A chat that goes on while people buy, and how long its lines take to reach the onlooker."""

    EVERY = 2.2  # Seconds between two lines of one person; the server allows five in ten seconds.

    def __init__(self, talkers: list[Buyer], onlooker: Onlooker) -> None:
        self._talkers, self._onlooker = talkers, onlooker
        self._said: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()

    def begin(self) -> None:
        """Let them talk."""
        self._tasks = [asyncio.create_task(self._talk(each)) for each in self._talkers]

    async def end(self) -> tuple[int, list[float]]:
        """Let them finish: how many lines were said, and the seconds to arrival of those that arrived."""
        self._over.set()
        await asyncio.gather(*self._tasks)
        heard = self._onlooker.heard
        # All of them: of those who speak last at the same time, the first to be answered may be heard last.
        await asyncio.gather(*(self._until_heard(text) for text in self._said if text not in heard))
        return len(self._said), [heard[text] - sent for text, sent in self._said.items() if text in heard]

    async def _until_heard(self, text: str) -> None:
        with contextlib.suppress(TimeoutError):
            await self._onlooker.room.wait("chat.message", lambda d: bool(d["text"] == text))

    async def _talk(self, talker: Buyer) -> None:
        pause = self.EVERY * random.random() / 2
        for number in range(10_000):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._over.wait()
            if self._over.is_set():
                return
            text, sent = f"{talker.name} says {number}", time.perf_counter()
            await persist(talker.room, "chat.send", {"text": text}, uuid4())
            self._said[text] = sent
            pause = self.EVERY * random.uniform(0.9, 1.1)
