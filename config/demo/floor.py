"""What the script knows of the show: where it is, and its state as one connection is told it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from websockets.exceptions import WebSocketException

from config.demo import cast
from config.demo.notebook import Notebook
from streams import client

Body = dict[str, Any]
# How a connection may end, or not come about, while the server is gone or going.
LOST = (OSError, TimeoutError, WebSocketException, client.Disconnected, client.RefusedByServer)
FINAL = ("authorized", "paid", "declined", "expired", "cancelled")
OVER = ("ended", "cancelled")
KEPT_EVENTS = 200
TRIES = 4


def tell(line: str) -> None:
    """Print a line for the people at the console."""
    print(line, flush=True)


def detail(line: str) -> None:
    """Print a line that is shown only when everything is."""
    print(f"  {line}", flush=True)


@dataclass(frozen=True)
class Place:
    """The demo that this process belongs to."""

    base: str
    sockets: str
    book: Notebook

    @classmethod
    def here(cls) -> Place:
        """Read from the environment which demo that is."""
        return cls(
            base=os.environ["BASE_URL"],
            sockets=os.environ["LIVE_SOCKET_URL"],
            book=Notebook.open(Path(os.environ["VAR_DIR"])),
        )

    async def live_slug(self) -> str | None:
        """The address of the host's show that is live now."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            try:
                answer = await http.get(f"{self.base}/api/v1/live/")
                answer.raise_for_status()
                live = answer.json()["live"]
            except (httpx.HTTPError, ValueError, KeyError):
                return None
        name = next(each.name for each in cast.PRESENTERS if each.slug == cast.LIVE.host)
        return next((str(show["slug"]) for show in live if show["host"] == name), None)

    def room(
        self, slug: str, email: str | None = None, check: Callable[[str], object] | None = None
    ) -> client.Room:
        """A connection to the show, signed in as somebody or anonymous; not opened yet."""
        return client.Room(
            f"{self.sockets}/ws/v1/live/{slug}",
            cookie=f"sessionid={self.book.sessions[email]}" if email else None,
            origin=self.base,
            name="demo",
            check=check,
        )


class Floor:
    """The show as it stands, kept up by `hear`, which takes every frame of one connection."""

    def __init__(self) -> None:
        self.items: dict[str, Body] = {}
        self.offers: dict[str, Body] = {}
        self.ended: dict[str, str] = {}  # offer -> why it ended
        self.coupons: dict[str, Body] = {}
        self.pinned: str | None = None
        self.status = ""
        self.stream: Body = {}
        self.talk: deque[Body] = deque(maxlen=50)
        self.news = asyncio.Event()

    def hear(self, text: str) -> None:
        """Take a frame, which holds one or more events."""
        for line in text.split("\n"):
            frame = json.loads(line)
            self._take(frame["t"], frame["d"])
        self.news.set()

    def _take(self, t: str, d: Body) -> None:
        match t:
            case "snapshot":
                self.stream, self.status, self.pinned = d["stream"], d["stream"]["status"], d["pinned"]
                self.items = {item["id"]: item for item in d["items"]}
                self.offers = {offer["id"]: offer for offer in d["offers"] if offer["status"] == "open"}
                self.coupons = {coupon["id"]: coupon for coupon in d["coupons"]}
            case "product.pinned":
                self.pinned = d["id"]
                self.items[d["id"]] = d
            case "product.unpinned":
                self.pinned = None
            case "showcase.changed":
                self.items = {item["id"]: item for item in d["items"]}
            case "offer.started" | "offer.updated" if d["status"] == "open":
                self.offers[d["id"]] = d
            case "offer.ended":
                self.offers.pop(d["id"], None)
                self.ended[d["id"]] = d["reason"]
            case "offer.progress" if d["id"] in self.offers:
                self.offers[d["id"]]["left"] = d["left"]
            case "coupon.opened":
                self.coupons[d["id"]] = d
            case "coupon.ended":
                self.coupons.pop(d["id"], None)
            case "stock.changed":
                for variant in self.variants():
                    if variant["id"] == d["variant"]:
                        variant["left"] = d["left"]
            case "stream.status":
                self.status = d["status"]
            case "chat.message":
                self.talk.append(d)

    def variants(self) -> list[Body]:
        """All variants in the showcase."""
        return [variant for item in self.items.values() for variant in item["variants"]]

    @property
    def item(self) -> Body | None:
        """The pinned item."""
        return self.items.get(self.pinned or "")

    async def until(self, true: Callable[[], bool], *, within: float) -> bool:
        """Wait until something is so; False when it is not within so many seconds."""
        deadline = time.monotonic() + within
        while not true():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.news.clear()
            try:
                # Not wait_for, which before Python 3.12 may swallow a cancellation.
                async with asyncio.timeout(min(left, 1.0)):
                    await self.news.wait()
            except TimeoutError:
                continue
        return True


class Seat:
    """One person's place in the show; the connection is made again whenever it is lost."""

    def __init__(self, place: Place, slug: str, email: str | None, floor: Floor | None = None) -> None:
        self.email = email
        self._place, self._slug, self._floor = place, slug, floor
        self.room = self._new()
        self.offers_had: set[str] = set()

    async def keep(self) -> None:
        """Stay connected until cancelled."""
        pause = 0.5
        try:
            while True:
                try:
                    self.room = self._new()
                    await self.room.connect()
                    pause = 0.5
                    await self._sit()
                except LOST:
                    pass
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, 10.0)
        finally:
            await self.room.close()

    def _new(self) -> client.Room:
        return self._place.room(self._slug, self.email, self._floor.hear if self._floor else None)

    async def _sit(self) -> None:
        while self.room.open:
            try:
                await self.room.wait_closed(deadline=30)
            except TimeoutError:
                # What was told hours ago is not looked at again.
                del self.room.events[:-KEPT_EVENTS]

    @property
    def there(self) -> bool:
        """Whether the connection stands."""
        return self.room.open and self.room.welcome is not None

    async def say(self, text: str) -> None:
        """Say a line; what the server does not want to hear is left at that."""
        await self._command("chat.send", {"text": text[:200]}, tries=1)

    async def claim(self, coupon_id: str) -> None:
        """Claim a coupon; who is too late has none."""
        await self._command("coupon.claim", {"coupon": coupon_id}, tries=1)

    async def heart(self) -> None:
        """Send a heart."""
        if self.there:
            try:
                kind = random.choice(("heart", "heart", "heart", "clap", "fire"))
                await self.room.send("reaction.send", {"kind": kind, "n": 1})
            except client.Disconnected:
                pass

    async def buy(self, variant: Body, offer: Body | None) -> tuple[str, Body]:
        """Buy one piece over the socket and wait for the outcome: (status or refusal's code, purchase)."""
        order = {
            "lines": [{"variant": variant["id"], "quantity": 1, "offer": offer["id"] if offer else None}],
            "expect_total": offer["price"] if offer else variant["price"],
        }
        code, purchase = await self._command("purchase.create", order, tries=TRIES)
        if purchase is None:
            return code, {}
        try:
            told = await self.room.wait(
                "order.updated",
                lambda d: bool(d["id"] == purchase["id"] and d["status"] in FINAL),
                deadline=60,
            )
        except (TimeoutError, client.Disconnected):
            return "unknown", purchase
        return str(told["d"]["status"]), told["d"]

    async def _command(self, t: str, d: Body, *, tries: int) -> tuple[str, Body | None]:
        """Send a command, again with the same key while the refusal is temporary or the answer is lost."""
        key, code = uuid4(), "UNSENT"
        for _ in range(tries):
            try:
                return "", await self.room.command(t, d, key=key)
            except client.RefusedByServer as refusal:
                code = refusal.code
                if not refusal.temporary:
                    break
                await asyncio.sleep((refusal.retry_ms or 500) / 1000)
            except (TimeoutError, client.Disconnected):
                code = "LOST"
                await asyncio.sleep(1)
        return code, None
