"""The scripted audience: watches, chats, reacts to what is pinned, and buys."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from config.demo import cast, lines
from config.demo.floor import OVER, Body, Floor, Place, Seat, detail, tell

STRANGERS = (14, 28)  # Anonymous viewers at least and at most.
CHAT_SECONDS = (2.5, 6.5)  # Between two lines of the whole audience.
ANSWER_SECONDS = 15.0  # Least time between two answers to a visitor.
HESITATE = (9.0, 25.0)  # Seconds until somebody presses in an offer: on average, and at most.
WALK_IN_SECONDS = (20.0, 45.0)  # Between two purchases at the normal price.

# Outcomes of a purchase, as the console says them and as the buyer comments on them.
SAID = {
    "paid": "paid",
    "authorized": "pre-ordered",
    "declined": "declined",
    "OUT_OF_STOCK": "too late",
    "OFFER_ENDED": "too late",
}
SAYS = {
    "paid": lines.GOT_ONE,
    "authorized": lines.GOT_ONE,
    "declined": lines.DECLINED,
    "OUT_OF_STOCK": lines.TOO_LATE,
    "OFFER_ENDED": lines.TOO_LATE,
}


class Audience:
    """Everybody in one show."""

    def __init__(self, place: Place, slug: str) -> None:
        self.place, self.slug = place, slug
        self.floor = Floor()
        self.eyes = Seat(place, slug, None, self.floor)
        self.seats = [Seat(place, slug, each.email) for each in cast.AUDIENCE]
        self.names = {each.email: each.name for each in cast.AUDIENCE}
        self.pool = lines.Pool()
        self.results: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def watch(self) -> None:
        """Watch the show until it is over."""
        async with asyncio.TaskGroup() as group:
            works: list[Coroutine[Any, Any, None]] = [
                self.eyes.keep(),
                self._arrive(),
                self._strangers(),
                self._chat(),
                self._follow_offers(),
                self._follow_coupons(),
                self._follow_pins(),
                self._walk_in(),
                self._answer(),
            ]
            tasks = [group.create_task(work) for work in works]
            while not await self.floor.until(lambda: self.floor.status in OVER, within=60):
                pass
            for task in (*tasks, *self._tasks):
                task.cancel()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside the rest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def present(self) -> list[Seat]:
        """Those whose connection stands."""
        return [seat for seat in self.seats if seat.there]

    # --- coming and going ---

    async def _arrive(self) -> None:
        for number, seat in enumerate(self.seats):
            self.begin(seat.keep())
            if number:
                await asyncio.sleep(random.uniform(0.05, 0.4))

    async def _strangers(self) -> None:
        least, most = STRANGERS
        there: list[asyncio.Task[None]] = []
        try:
            while True:
                if len(there) < least or (len(there) < most and random.random() < 0.55):
                    there.append(asyncio.create_task(Seat(self.place, self.slug, None).keep()))
                else:
                    there.pop(random.randrange(len(there))).cancel()
                await asyncio.sleep(random.uniform(0.1, 0.5) if len(there) < least else random.uniform(2, 7))
        finally:
            for task in there:
                task.cancel()

    # --- talking ---

    async def _say(self, seat: Seat, options: tuple[str, ...], **words: str) -> None:
        line = self.pool.draw(options)
        if line is not None and seat.there:
            await seat.say(line.format(first=self.floor.stream["host"]["name"], **words))

    async def _chat(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(*CHAT_SECONDS))
            there, item = self.present(), self.floor.item
            if not there or not self.floor.stream:
                continue
            about = lines.about(item["product"]["title"]) if item and random.random() < 0.6 else lines.GENERAL
            await self._say(random.choice(there), about)
            if random.random() < 0.5:
                await random.choice(there).heart()

    async def _follow_pins(self) -> None:
        seen = None
        while True:
            await self.floor.until(lambda last=seen: self.floor.pinned != last, within=60)  # type: ignore[misc]
            if self.floor.pinned == seen or self.floor.item is None:
                await asyncio.sleep(0.2)
                continue
            seen, there = self.floor.pinned, self.present()
            title = self.floor.item["product"]["title"]
            for seat in random.sample(there, min(len(there), random.randint(1, 2))):
                self.begin(self._say_later(seat, lines.about(title), 1.5, 9.0))
            for seat in random.sample(there, min(len(there), 5)):
                self.begin(self._heart_later(seat))

    async def _say_later(self, seat: Seat, options: tuple[str, ...], least: float, most: float) -> None:
        await asyncio.sleep(random.uniform(least, most))
        await self._say(seat, options)

    async def _heart_later(self, seat: Seat) -> None:
        await asyncio.sleep(random.uniform(0.5, 6))
        await seat.heart()

    async def _answer(self) -> None:
        """A visitor who says something is noticed."""
        ours = {*self.names.values(), *(each.name for each in cast.PRESENTERS)}
        while True:
            await self.floor.until(lambda: bool(self.floor.talk), within=60)
            if not self.floor.talk:
                continue
            said = self.floor.talk.popleft()
            there = self.present()
            if said["user"]["name"] in ours or said["user"]["role"] != "viewer" or not there:
                continue
            await asyncio.sleep(random.uniform(2, 4))
            await self._say(random.choice(there), lines.WELCOME, name=said["user"]["name"])
            await asyncio.sleep(ANSWER_SECONDS)
            self.floor.talk.clear()

    # --- buying ---

    async def _follow_offers(self) -> None:
        known: set[str] = set()
        while True:
            await self.floor.until(lambda seen=known: self.floor.offers.keys() != seen, within=60)  # type: ignore[misc]
            for offer_id in self.floor.offers.keys() - known:
                # One that comes a second time had sold out and got a piece back.
                self.begin(self._rush(dict(self.floor.offers[offer_id])))
            known = set(self.floor.offers)

    async def _follow_coupons(self) -> None:
        known: set[str] = set()
        while True:
            await self.floor.until(lambda seen=known: self.floor.coupons.keys() != seen, within=60)  # type: ignore[misc]
            for coupon_id in self.floor.coupons.keys() - known:
                there = self.present()
                for seat in random.sample(there, min(len(there), random.randint(6, 14))):
                    self.begin(self._claim_later(seat, coupon_id))
            known = set(self.floor.coupons)

    async def _claim_later(self, seat: Seat, coupon_id: str) -> None:
        await asyncio.sleep(random.uniform(2, 60))
        if seat.there:
            await seat.claim(coupon_id)

    async def _rush(self, offer: Body) -> None:
        """Some press at once, some hesitate, more than there are pieces."""
        title = self.floor.items[offer["item"]]["product"]["title"]
        there = [seat for seat in self.present() if offer["id"] not in seat.offers_had]
        # About every second offer sells out; in the others there is time for a visitor to press, too.
        eager = random.sample(there, min(len(there), round(offer["left"] * random.uniform(0.5, 1.4)) or 1))
        for seat in eager[:2]:
            self.begin(self._say_later(seat, lines.OPENED, 0.5, 3.0))
        mean, most = HESITATE
        delays = [min(most, random.expovariate(1 / mean)) for _ in eager]
        outcomes = await asyncio.gather(
            *(self._take(seat, offer, delay=delay) for seat, delay in zip(eager, delays, strict=True))
        )
        got = Counter(outcome for outcome in outcomes if outcome)
        price = f"{offer['price']['amount'] / 100:.2f} {offer['price']['currency']}"
        rest = "".join(f", {n} {SAID.get(code, code)}" for code, n in got.items() if code != "paid")
        if got:
            paid = f"{got['paid']} paid" if got["paid"] or not got["authorized"] else ""
            tell(f"{title} at {price}: {(paid + rest).removeprefix(', ')}")

    async def _take(self, seat: Seat, offer: Body, *, delay: float) -> str | None:
        await asyncio.sleep(delay)
        item = self.floor.items.get(offer["item"])
        if item is None or not seat.there or offer["id"] not in self.floor.offers:
            return None
        only = offer["variant"]
        choice = [each for each in item["variants"] if each["left"] and only in (None, each["id"])]
        if not choice:
            return None
        outcome = await self._buy(seat, random.choice(choice), offer, item["product"]["title"])
        if outcome in ("paid", "authorized"):
            seat.offers_had.add(offer["id"])
        return outcome

    async def _walk_in(self) -> None:
        """Whoever comes first buys what is pinned; later somebody buys from the showcase now and then."""
        await self.floor.until(lambda: bool(self.present() and self.floor.item), within=60)
        while True:
            item = self.floor.item if not self.results else random.choice(list(self.floor.items.values()))
            there = self.present()
            choice = [each for each in item["variants"] if each["left"]] if item else []
            if item and choice and there:
                await self._buy(random.choice(there), random.choice(choice), None, item["product"]["title"])
            await asyncio.sleep(random.uniform(*WALK_IN_SECONDS))

    async def _buy(self, seat: Seat, variant: Body, offer: Body | None, title: str) -> str:
        outcome, _ = await seat.buy(variant, offer)
        self.results[outcome] += 1
        detail(f"{self.names[seat.email or '']}: {title} ({variant['title']}) {SAID.get(outcome, outcome)}")
        says = SAYS.get(outcome)
        if says and random.random() < 0.4:
            self.begin(self._say_later(seat, says, 0.5, 3.0))
        return outcome


async def main() -> int:
    """Watch the live show, and the one after it, and so on."""
    place = Place.here()
    while True:
        slug = await place.live_slug()
        if slug is None:
            await asyncio.sleep(1)
            continue
        await Audience(place, slug).watch()
