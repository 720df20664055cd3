"""The scene: a host sells the last pieces of a lipstick to a crowd, a card is declined, the books balance."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from config.demo import doors
from streams import client
from tests.scene import crowd
from tests.scene.books import Books
from tests.scene.browser import Browser
from tests.scene.crowd import Body, Buyer, Onlooker
from tests.scene.people import COMMISSION_BP, People
from tests.scene.report import Report, percentile

LIVE_PRICE = 990
RUSH_SECONDS = 2.0
# So long the provider takes while people press, so that no decline comes back in the middle of it.
PROVIDER_MS = 3000
TALKERS = 4
FEED = """Handle,Title,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty
velvet-lipstick,Velvet Lipstick,true,Shade,Signal Red,VL-RED,14.90,{stock}
velvet-lipstick,,,,Rosewood,VL-ROSE,14.90,40
lip-balm,Lip Balm,true,Scent,Peach,LB-PEACH,7.90,100
hand-cream,Hand Cream,true,Scent,Lemon,HC-LEMON,6.50,100
"""


@dataclass
class Place:
    """Where the scene is played."""

    base: str
    sockets: str
    books: Books


@dataclass
class Show:
    """What the host has set up."""

    studio: Browser
    id: str
    slug: str
    item: str
    variant: str


class Scene:
    """One performance."""

    def __init__(self, place: Place, people: People, *, stock: int, report: Report) -> None:
        self.place, self.people, self.stock, self.report = place, people, stock, report
        self.merchant = doors.merchant(place.base, people.api_key)

    async def play(self) -> None:
        """Play all acts; what is off is in the report."""
        say = self.report
        say.act("The merchant")
        await asyncio.to_thread(self._send_feed)
        say.act("The host")
        show = await asyncio.to_thread(self._plan_show)
        say.act("The crowd")
        newcomer, ticket = await asyncio.to_thread(self._newcomer, show)
        url = f"{self.place.sockets}/ws/v1/live/{show.slug}"
        onlooker = Onlooker(url)
        decliners = [self._buyer(url, each.name, each.session) for each in self.people.decliners]
        buyers = [self._buyer(url, each.name, each.session) for each in self.people.buyers]
        late = Buyer("Newcomer", client.Room(url, ticket=ticket))
        everybody = [*decliners, *buyers, late]
        try:
            began = time.monotonic()
            await onlooker.room.connect()
            await crowd.let_in(everybody)
            say.step(f"{len(everybody)} buyers came in by websocket in {time.monotonic() - began:.1f} s")
            await onlooker.room.wait("viewers.count", lambda d: bool(d["n"] > len(everybody)), deadline=20)
            say.step(f"the room counts {len(everybody) + 1} viewers")
            chat = crowd.Chat(buyers[:TALKERS], onlooker)
            chat.begin()
            say.act("The offer")
            offer = await self._open_offer(show, everybody)
            await self._sell(show, offer, onlooker, decliners, buyers, late)
            said, delays = await chat.end()
            say.equal(len(delays), said, f"the chat went on: {said} lines, all of them arrived")
            say.step(f"chat, sending to arrival: p50 {_ms(delays, 0.5)}, p99 {_ms(delays, 0.99)}")
            winners = [each for each in everybody if (each.purchase or {}).get("status") == "paid"]
            say.act("Afterwards")
            await self._ship(winners)
            await asyncio.to_thread(self._commission, show)
            await asyncio.to_thread(self._balance)
        finally:
            await asyncio.gather(onlooker.room.close(), *(each.room.close() for each in everybody))
            for door in (self.merchant, show.studio, newcomer):
                door.close()

    # --- before ---

    def _send_feed(self) -> None:
        feed = FEED.format(stock=self.stock).encode()
        job = doors.send_feed(self.merchant, name="atelier-sol.csv", body=feed)
        found = (job["status"], job["products_created"], job["variants_created"], job["problems"])
        self.report.equal(found, ("done", 3, 4, 0), "its feed was read: 3 products, 4 variants, no problem")
        stock = {each["sku"]: each["available"] for each in self._pages("catalog/variants")}
        self.report.equal(stock["VL-RED"], self.stock, f"{self.stock} pieces of the lipstick are in stock")

    def _plan_show(self) -> Show:
        studio = Browser(self.place.base)
        me = studio.ask(
            "POST",
            "account/sign-in",
            {"email": self.people.host_email, "password": self.people.host_password},
        )
        self.report.check(me["is_host"], f"{me['name']} signs in")
        starts = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
        after = studio.fill_in("/studio/shows/plan/", {"title": "Evening glow", "starts_at": starts})
        stream_id = next(part for part in after.split("/") if part.count("-") == 4)
        desk = f"studio/shows/{stream_id}"
        items: list[Body] = []
        for text in ("Velvet", "Balm", "Cream"):
            product = studio.ask("GET", f"{desk}/products?q={text}")["products"][0]
            items = studio.ask("POST", f"{desk}/showcase", {"product": product["id"]})["items"]
        self.report.equal(
            [item["product"]["title"] for item in items],
            ["Velvet Lipstick", "Lip Balm", "Hand Cream"],
            "she plans a show with three products in its showcase",
        )
        self.report.equal(studio.ask("POST", f"{desk}/go-live")["status"], "live", "she goes live")
        variant = next(each for each in items[0]["variants"] if each["title"] == "Signal Red")
        slug = next(show["slug"] for show in studio.ask("GET", "live/")["live"])
        return Show(studio, stream_id, slug, items[0]["id"], variant["id"])

    def _newcomer(self, show: Show) -> tuple[Browser, str]:
        browser = Browser(self.place.base)
        browser.ask(
            "POST",
            "account/sign-up",
            {"email": "newcomer@scene.example", "name": "Newcomer", "password": "a-long-enough-one"},
        )
        home = {"name": "New Comer", "line1": "2 Mill Lane", "city": "York", "postal_code": "YO1 7HH"}
        browser.ask("POST", "account/addresses", {**home, "country": "GB"})
        browser.save_card("pm_card_mastercard")
        self.report.step("a newcomer signs up, gives an address and saves a card in the provider's form")
        return browser, browser.ticket(show.slug)

    def _buyer(self, url: str, name: str, session: str) -> Buyer:
        return Buyer(name, client.Room(url, cookie=f"sessionid={session}", origin=self.place.base))

    # --- on air ---

    async def _open_offer(self, show: Show, everybody: list[Buyer]) -> Body:
        desk = f"studio/shows/{show.id}"
        await asyncio.to_thread(show.studio.ask, "POST", f"{desk}/pin", {"item": show.item})
        await self._all_hear(everybody, "product.pinned")
        self.report.step("she pins the lipstick, and everybody is told")
        opened = await asyncio.to_thread(
            show.studio.ask,
            "POST",
            f"{desk}/offers",
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
        buyers: list[Buyer],
        late: Buyer,
    ) -> None:
        say, everybody = self.report, [*decliners, *buyers, late]
        await self.place.books.slow_down(PROVIDER_MS)
        await self._unlucky_first(show, offer, decliners)
        await crowd.rush(buyers, show.variant, offer, within=RUSH_SECONDS)
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
        say.equal(len(accepted), self.stock, f"exactly {self.stock} were accepted")
        say.equal({each.refused for each in refused}, {"OUT_OF_STOCK"}, "all others were told: sold out")
        await onlooker.room.wait("offer.ended", lambda d: bool(d["reason"] == "sold_out"))
        say.step("the room is told that the offer has sold out")

        endings = await asyncio.gather(*(each.outcome() for each in accepted))
        say.equal(
            [each.name for each, status in zip(accepted, endings, strict=True) if status == "declined"],
            [each.name for each in decliners],
            f"{len(decliners)} card declined; she is told why and not charged"
            if len(decliners) == 1
            else f"{len(decliners)} cards declined; they are told why and not charged",
        )
        say.check(
            all(each.purchase and each.purchase["reason"] and each.purchase["message"] for each in decliners),
            "the reason is in what they are told",
        )
        await self._sell_on(show, offer, [late, *(each for each in buyers if not each.purchase)], everybody)

    async def _unlucky_first(self, show: Show, offer: Body, decliners: list[Buyer]) -> None:
        """The quickest are those whose cards will not pay; one of them presses more than once."""
        await crowd.rush(decliners, show.variant, offer, within=0.1)
        first = decliners[0]
        bought = first.purchase
        if not all(each.purchase for each in decliners) or bought is None:
            self.report.check(False, f"the quickest were refused: {[each.refused for each in decliners]}")
            return
        again = await first.press(show.variant, offer, key=UUID(bought["key"]))
        self.report.check(
            again is not None and again["replayed"] and again["id"] == bought["id"],
            "the same press sent again is the same purchase",
        )
        more = await first.press(show.variant, offer, key=uuid4())
        # Asked with pieces left: with none left she would be told that, which is as right.
        wanted = "CUSTOMER_LIMIT" if self.stock > len(decliners) else "OUT_OF_STOCK"
        self.report.equal((more, first.refused), (None, wanted), "a second piece is refused to her")
        first.purchase, first.refused = bought, ""

    async def _sell_on(self, show: Show, offer: Body, waiting: list[Buyer], everybody: list[Buyer]) -> None:
        """The pieces of declined cards go back on sale, and those who wait are told and press again."""
        say, wanted = self.report, len(self.people.decliners)
        await self._all_hear(waiting, "offer.started", nth=2)
        say.step("a piece is on sale again, and everybody who missed out is told")
        sold: list[Buyer] = []
        async with asyncio.timeout(crowd.DEADLINE):
            while len(sold) < wanted:
                buyer = waiting[len(sold)]
                place = len(buyer.room.events)
                if await buyer.press(show.variant, offer):
                    sold.append(buyer)
                else:
                    # The next piece is not back yet.
                    await buyer.room.wait("offer.started", since=place, deadline=crowd.DEADLINE)
        endings = {await each.outcome() for each in sold}
        say.equal(endings, {"paid"}, f"sold on to {', '.join(each.name for each in sold[:3])}; paid")
        paid = [each for each in everybody if (each.purchase or {}).get("status") == "paid"]
        say.equal(len(paid), self.stock, f"in the end {self.stock} have bought and paid, nobody twice")

    # --- after ---

    async def _ship(self, winners: list[Buyer]) -> None:
        orders = await asyncio.to_thread(self._pages, "orders")
        say = self.report
        say.equal(len(orders), self.stock, f"the merchant has exactly {self.stock} orders")
        say.equal(
            {order["id"] for order in orders},
            {part["id"] for each in winners if each.purchase for part in each.purchase["orders"]},
            "they are the orders of those who paid",
        )
        say.equal(
            {(order["status"], order["total"]["amount"]) for order in orders},
            {("open", LIVE_PRICE)},
            "each is to be shipped, at the live price",
        )
        order = orders[-1]["id"]
        buyer = next(
            each for each in winners if each.purchase and order in {o["id"] for o in each.purchase["orders"]}
        )
        parcel = {"carrier": "Scene Parcel", "tracking_number": "SP0001", "tracking_url": ""}
        await asyncio.to_thread(self.merchant.ask, "POST", f"orders/{order}/ship", json=parcel)
        told = await buyer.room.wait(
            "order.updated", lambda d: any(o["shipments"] for o in d["orders"]), deadline=crowd.DEADLINE
        )
        numbers = [s["tracking_number"] for o in told["d"]["orders"] for s in o["shipments"]]
        say.equal(
            numbers, ["SP0001"], f"it ships one, and {buyer.name} has the tracking number on her screen"
        )

    def _commission(self, show: Show) -> None:
        sales = show.studio.ask("GET", f"studio/shows/{show.id}/sales")
        revenue = self.stock * LIVE_PRICE
        each = LIVE_PRICE * COMMISSION_BP // 10_000
        self.report.equal(
            [sales["units"], *(money["amount"] for money in (*sales["revenue"], *sales["commission"]))],
            [self.stock, revenue, self.stock * each],
            f"the host sees {self.stock} sold, {revenue / 100:.2f} EUR, "
            f"and her commission of {self.stock * each / 100:.2f} EUR",
        )

    def _balance(self) -> None:
        say, books = self.report, self.place.books
        provider = books.provider()
        total = self.stock * LIVE_PRICE
        say.check(provider["consistent"], "the provider's books agree with themselves")
        eur: Any = provider["totals"].get("eur", {})
        say.equal(
            (eur.get("charged"), eur.get("refunded"), eur.get("charges")),
            (total, 0, self.stock),
            f"the provider has charged {total / 100:.2f} EUR in {self.stock} charges",
        )
        say.equal(books.charged_here(), books.charged_there(provider), "charge by charge, so have we")
        say.equal(books.ledger_of_provider(), total, "our ledger says so to the cent")
        waiting = books.wait_for_outbox(within=30)
        say.equal(waiting, 0, "everything that happened has been told")
        lines, status = books.audit()
        for line in lines:
            print(f"          {line}", flush=True)
        say.equal(status, 0, "the auditor finds nothing")

    def _pages(self, path: str) -> list[Body]:
        """All rows of a paged list."""
        rows: list[Body] = []
        params = {"page_size": "200"}
        while True:
            page = self.merchant.ask("GET", path, params=params)
            rows += page["results"]
            if not page["next"]:
                return rows
            params = {"page_size": "200", "cursor": page["next"].split("cursor=")[1].split("&")[0]}


def _ms(seconds: list[float], portion: float) -> str:
    return f"{percentile(seconds, portion) * 1000:.0f} ms"
