"""The scene: a host sells the last pieces of a lipstick to a crowd, a card is declined, the books balance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from config.demo import doors
from streams import client
from tests.scene import after, before, crowd
from tests.scene.before import Show
from tests.scene.books import Books
from tests.scene.crowd import Body, Buyer, Onlooker
from tests.scene.people import People
from tests.scene.report import Report, percentile

LIVE_PRICE = 990
RUSH_SECONDS = 2.0
# So long the provider takes while people press, so that no decline comes back in the middle of it.
PROVIDER_MS = 3000


@dataclass
class Place:
    """Where the scene is played."""

    base: str
    sockets: str
    books: Books
    disturb: Callable[[], str] | None = None  # Called in the middle of the rush; returns what it has done.


class Scene:
    """One performance."""

    def __init__(self, place: Place, people: People, *, stock: int, report: Report) -> None:
        self.place, self.people, self.stock, self.report = place, people, stock, report
        self.merchant = doors.merchant(place.base, people.api_key)

    async def play(self) -> None:
        """Play all acts; what is off is in the report."""
        say = self.report
        say.act("The merchant")
        await asyncio.to_thread(before.send_feed, self.merchant, self.stock, say)
        say.act("The host")
        people, base = self.people, self.place.base
        show = await asyncio.to_thread(before.plan_show, base, people.host_email, people.host_password, say)
        say.act("The crowd")
        newcomer = await asyncio.to_thread(before.sign_up, base, say)
        url = f"{self.place.sockets}/ws/v1/live/{show.slug}"
        onlooker = Onlooker(url)
        decliners = [self._buyer(url, each.name, each.session) for each in self.people.decliners]
        askers = [self._buyer(url, each.name, each.session) for each in self.people.askers]
        buyers = [self._buyer(url, each.name, each.session) for each in self.people.buyers]
        late = Buyer(
            "Newcomer",
            client.Room(url, stay=True, ticket=lambda: asyncio.to_thread(newcomer.ticket, show.slug)),
        )
        talkers = [self._buyer(url, each.name, each.session) for each in self.people.talkers]
        everybody = [late, *decliners, *askers, *buyers]
        try:
            began = time.monotonic()
            await onlooker.room.__aenter__()
            await crowd.let_in([*everybody, *talkers])
            say.step(f"{len(everybody)} buyers came in by websocket in {time.monotonic() - began:.1f} s")
            viewers = len(everybody) + len(talkers) + 1
            await onlooker.room.wait("viewers.count", lambda d: bool(d["n"] == viewers), deadline=20)
            say.step(f"the room counts {viewers} viewers, {len(talkers)} of whom begin to chat")
            chat = crowd.Chat(talkers, onlooker)
            chat.begin()
            say.act("The offer")
            offer = await self._open_offer(show, everybody)
            await self._sell(show, offer, onlooker, decliners, askers, buyers, late)
            said, delays = await chat.end()
            say.equal(len(delays), said, f"the chat went on: {said} lines, all of them arrived")
            say.step(f"chat, sending to arrival: p50 {_ms(delays, 0.5)}, p99 {_ms(delays, 0.99)}")
            winners = [each for each in everybody if _has_it(each)]
            say.act("Afterwards")
            sold: Any = {"stock": self.stock, "price": LIVE_PRICE, "report": say}
            await after.ship(self.merchant, winners, **sold)
            await asyncio.to_thread(after.commission, show, **sold)
            await asyncio.to_thread(after.balance, self.place.books, **sold)
        finally:
            rooms = [onlooker.room, *(each.room for each in (*everybody, *talkers))]
            await asyncio.gather(*(room.close() for room in rooms))
            newcomer.close()
            show.studio.close()
            self.merchant.close()

    # --- on air ---

    async def _open_offer(self, show: Show, everybody: list[Buyer]) -> Body:
        await asyncio.to_thread(show.studio.ask, "POST", f"{show.desk}/pin", {"item": show.item})
        await self._all_hear(everybody, "product.pinned")
        self.report.step("she pins the lipstick, and everybody is told")
        opened = await asyncio.to_thread(
            show.studio.ask,
            "POST",
            f"{show.desk}/offers",
            {
                "item": show.item,
                "variant": show.variant,
                "amount": LIVE_PRICE,
                "quota": self.stock,
                "per_buyer": 1,
                "seconds": 600,
            },
        )
        offer: Body = opened["offer"]
        await self._all_hear(everybody, "offer.started")
        self.report.step(f"she opens an offer: {self.stock} pieces at 9.90, one each, and everybody is told")
        return offer

    async def _all_hear(self, everybody: list[Buyer], t: str, nth: int = 1) -> None:
        async def hears(buyer: Buyer) -> None:
            await buyer.room.wait(t, lambda _: len(buyer.room.of(t)) >= nth, deadline=crowd.DEADLINE)

        await asyncio.gather(*(hears(buyer) for buyer in everybody))

    async def _sell(
        self,
        show: Show,
        offer: Body,
        onlooker: Onlooker,
        decliners: list[Buyer],
        askers: list[Buyer],
        buyers: list[Buyer],
        late: Buyer,
    ) -> None:
        say, everybody = self.report, [late, *decliners, *askers, *buyers]
        await self.place.books.slow_down(PROVIDER_MS)
        eager, *others = buyers
        await self._quickest(show, offer, [*decliners, *askers], eager)
        rush = asyncio.create_task(crowd.rush(others, show.variant, offer, within=RUSH_SECONDS))
        if self.place.disturb is not None:
            await asyncio.sleep(RUSH_SECONDS / 2)
            say.step(await asyncio.to_thread(self.place.disturb))
        await rush
        await late.press(show.variant, offer)
        await self.place.books.slow_down(0)

        accepted = [each for each in everybody if each.purchase]
        refused = [each for each in everybody if not each.purchase]
        presses = [seconds for each in everybody for seconds in each.seconds[:1]]
        say.step(
            f"{len(everybody)} press within {RUSH_SECONDS:g} s; "
            f"{len(accepted)} accepted, {len(refused)} sold out"
        )
        say.step(f"press to answer: p50 {_ms(presses, 0.5)}, p99 {_ms(presses, 0.99)}")
        # A piece whose card declines while others still press is sold on at once, and counted twice here.
        again = len(accepted) - self.stock
        say.check(
            again == 0 or 0 < again <= len(decliners),
            f"exactly {self.stock} were accepted" + (f", and {again} sold on already" if again else ""),
        )
        say.equal({each.refused for each in refused}, {"OUT_OF_STOCK"}, "all others were told: sold out")
        await onlooker.room.wait(
            "offer.ended", lambda d: bool(d["reason"] == "sold_out"), deadline=crowd.DEADLINE
        )
        say.step("the room is told that the offer has sold out")

        if askers:
            await asyncio.gather(*(each.answer_bank() for each in askers if each.purchase))
            say.step(f"{len(askers)} are asked by their banks, on a page that their lanes name, and say yes")
        endings = await asyncio.gather(*(each.outcome() for each in accepted))
        say.equal(
            [each.name for each, status in zip(accepted, endings, strict=True) if status == "declined"],
            [each.name for each in decliners],
            f"{len(decliners)} card declined; she is told why and not charged"
            if len(decliners) == 1
            else f"{len(decliners)} cards declined; they are told why and not charged",
        )
        if lost := await asyncio.to_thread(self.place.books.answers_lost):
            say.step(f"{lost} answers of the provider were lost after the deed; all endings are known")
        say.check(
            all(each.purchase and each.purchase["reason"] and each.purchase["message"] for each in decliners),
            "the reason is in what they are told",
        )
        waiting = [each for each in (late, *buyers) if not each.purchase]
        await self._sell_on(show, offer, waiting, everybody)

    async def _quickest(self, show: Show, offer: Body, troubled: list[Buyer], eager: Buyer) -> None:
        """The quickest are those whose cards give trouble, and one who presses more than once."""
        await crowd.rush([*troubled, eager], show.variant, offer, within=0.1)
        bought = eager.purchase
        if bought is None:  # There are no more pieces than cards that decline.
            return
        again = await eager.press(show.variant, offer, key=UUID(bought["key"]))
        self.report.check(
            again is not None and again["replayed"] and again["id"] == bought["id"],
            "the same press sent again is the same purchase",
        )
        more = await eager.press(show.variant, offer, key=uuid4())
        # With none left she would be told that instead.
        self.report.check(
            more is None and eager.refused in ("CUSTOMER_LIMIT", "OUT_OF_STOCK"),
            "a second piece is refused to her: " + eager.refused,
        )
        eager.purchase, eager.refused = bought, ""

    async def _sell_on(self, show: Show, offer: Body, waiting: list[Buyer], everybody: list[Buyer]) -> None:
        """The pieces of declined cards go back on sale, and those who wait are told and press again."""
        say, sold = self.report, [each for each in everybody if _has_it(each)]
        wanted = self.stock - len(sold)
        if wanted:
            await self._all_hear(waiting, "offer.started", nth=2)
            say.step("a piece is on sale again, and everybody who missed out is told")
        lucky: list[Buyer] = []
        async with asyncio.timeout(crowd.DEADLINE):
            while len(lucky) < wanted:
                buyer = waiting[len(lucky)]
                place = len(buyer.room.events)
                if await buyer.press(show.variant, offer):
                    lucky.append(buyer)
                else:
                    # The next piece is not back yet.
                    await buyer.room.wait("offer.started", since=place, deadline=crowd.DEADLINE)
        for each in lucky:
            await each.outcome()
        if lucky:
            say.check(
                all(map(_has_it, lucky)), f"sold on to {', '.join(one.name for one in lucky[:3])}; paid"
            )
        paid = [each for each in everybody if _has_it(each)]
        say.equal(len(paid), self.stock, f"in the end {self.stock} have bought and paid, nobody twice")

    def _buyer(self, url: str, name: str, session: str) -> Buyer:
        return Buyer(name, client.Room(url, stay=True, cookie=f"sessionid={session}", origin=self.place.base))


def _has_it(buyer: Buyer) -> bool:
    return buyer.purchase is not None and buyer.purchase["status"] == "paid"


def _ms(seconds: list[float], portion: float) -> str:
    return f"{percentile(seconds, portion) * 1000:.0f} ms"
