"""The host's script: she pins, talks, opens an offer, waits until it is over, and goes on."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import httpx

from config.demo import cast, doors, lines
from config.demo.floor import OVER, Body, Floor, Place, Seat, detail, tell

BREATH_SECONDS = (5.0, 8.0)  # Between a pin and its offer, and after an offer.
STEP_ASIDE_SECONDS = 120.0  # When somebody else uses the host's studio.
TROUBLE = (doors.DoorClosed, httpx.TransportError)


class Host:
    """The host of one show, at her studio and in her room."""

    def __init__(self, place: Place, slug: str) -> None:
        presenter = next(each for each in cast.PRESENTERS if each.slug == cast.LIVE.host)
        self.name = presenter.name
        self.floor = Floor()
        self._seat = Seat(place, slug, presenter.email, self.floor)
        self._studio = doors.user(place.base, place.book.sessions[presenter.email])
        self._pool = lines.Pool(memory=2)
        self._pinned: str | None = None
        self._offers: set[str] = set()

    async def run(self) -> None:
        """Follow the script until the show is over."""
        seat = asyncio.create_task(self._seat.keep())
        try:
            await self.floor.until(lambda: bool(self.floor.items), within=60)
            # What a script before this one has begun is not a visitor's doing.
            self._pinned, self._offers = self.floor.pinned, set(self.floor.offers)
            for act in itertools.cycle(cast.ACTS):
                if self.floor.status in OVER:
                    return
                try:
                    await self._keep_a_coupon()
                    await self._play(act)
                except TROUBLE as error:
                    detail(f"{act.title}: {error}")
                    await asyncio.sleep(3)
        finally:
            seat.cancel()
            self._studio.close()

    async def _play(self, act: cast.Act) -> None:
        if self._somebody_else():
            tell("Somebody is at the host's desk. The script steps aside for two minutes.")
            await self.floor.until(lambda: self.floor.status in OVER, within=STEP_ASIDE_SECONDS)
            self._pinned, self._offers = self.floor.pinned, set(self.floor.offers)
            return
        item = next(
            (each for each in self.floor.items.values() if each["product"]["title"] == act.title), None
        )
        if item is None or item["price"] is None:
            await asyncio.sleep(1)
            return
        await self._press("pin", {"item": item["id"]})
        self._pinned = item["id"]
        tell(f"{self.name} pins {act.title}")
        await self._say(act.line, after=1.5)
        if not act.opens_in:
            await asyncio.sleep(random.uniform(*BREATH_SECONDS))
        if self._somebody_else():
            return
        offer_id = await self._open_offer(act, item)
        await self._say(act.offer_line, after=1)
        await self.floor.until(lambda: self._is_over(offer_id), within=act.opens_in + act.seconds + 15)
        sold_out = self.floor.ended.get(offer_id) == "sold_out"
        closing = self._pool.draw(lines.SOLD_OUT if sold_out else lines.TIME_IS_UP)
        await self._say(closing or "Thank you!", after=1)
        await asyncio.sleep(random.uniform(*BREATH_SECONDS))

    async def _keep_a_coupon(self) -> None:
        merchant = next(
            (
                item["product"]["merchant"]["id"]
                for item in self.floor.items.values()
                if item["product"]["merchant"]["name"] == cast.SELLERS[0].name
            ),
            None,
        )
        if self.floor.coupons or merchant is None or self._somebody_else():
            return
        code = f"GLOW-{datetime.now(UTC):%H%M%S}"  # A code is for once in a show.
        terms = {"percent_bp": cast.COUPON_BP, "min_amount": cast.COUPON_FROM, "quota": cast.COUPON_QUOTA}
        await self._press(
            "coupons", {"merchant": merchant, "code": code, "seconds": cast.COUPON_SECONDS, **terms}
        )
        tell(f"{self.name} opens a coupon: {code}")

    async def _open_offer(self, act: cast.Act, item: Body) -> str:
        amount = min(act.amount, item["price"]["amount"])
        terms = {"amount": amount, "quota": act.quota, "per_buyer": 1, "seconds": act.seconds}
        ahead = {"opens_in": act.opens_in} if act.opens_in else {}
        opened = await self._press("offers", {"item": item["id"], **terms, **ahead})
        offer_id = str(opened["offer"]["id"])
        self._offers.add(offer_id)
        price = f"{amount / 100:.2f} {item['price']['currency']}"
        does = f"announces an offer in {act.opens_in} s" if act.opens_in else "opens an offer"
        tell(f"{self.name} {does}: {act.quota} pieces at {price} for {act.seconds} s")
        return offer_id

    def _is_over(self, offer_id: str) -> bool:
        return offer_id in self.floor.ended or self.floor.status in OVER

    def _somebody_else(self) -> bool:
        """Whether a visitor uses the studio: there is a pin or an offer that the script knows nothing of."""
        return self.floor.pinned != self._pinned or bool(self.floor.offers.keys() - self._offers)

    async def _press(self, button: str, body: Body) -> Any:
        path = f"studio/shows/{self.floor.stream['id']}/{button}"
        return await asyncio.to_thread(self._studio.ask, "POST", path, json=body)

    async def _say(self, text: str, *, after: float) -> None:
        await asyncio.sleep(after)
        if self._seat.there:
            await self._seat.say(text)
