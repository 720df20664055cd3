"""The merchants' systems: they deliver what runs low in the show and ship what was paid, over the API."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import httpx

from config.demo import cast, doors
from config.demo.floor import Body, Floor, Place, detail, tell

ROUND_SECONDS = 15.0
LOW, DELIVERY = 8, 40  # Units: when fewer than LOW are left, DELIVERY more come.
PARCELS = 6  # Sent per round.
PACKING = timedelta(seconds=45)  # A paid order lies so long before it is sent.


class Warehouse:
    """One merchant's system, which sees of the show only what everybody sees."""

    def __init__(self, place: Place, seller: cast.Seller, floor: Floor) -> None:
        self.seller, self.floor = seller, floor
        self._door = doors.merchant(place.base, place.book.api_keys[seller.slug])

    async def run(self) -> None:
        """Make rounds until cancelled."""
        try:
            while True:
                await asyncio.sleep(ROUND_SECONDS * random.uniform(0.8, 1.2))
                try:
                    await self._deliver()
                    await self._ship()
                except (doors.DoorClosed, httpx.TransportError) as error:
                    detail(f"{self.seller.name}: {error}")
        finally:
            self._door.close()

    async def _deliver(self) -> None:
        for item in list(self.floor.items.values()):
            if item["product"]["merchant"]["name"] != self.seller.name:
                continue
            delivered = 0
            low = [variant for variant in item["variants"] if variant["left"] < LOW]
            for variant in low:
                change = {"delta": DELIVERY, "note": "delivery"}
                path = f"catalog/variants/{variant['id']}/stock"
                try:
                    await asyncio.to_thread(self._door.ask, "POST", path, json=change)
                except doors.DoorClosed as refusal:
                    if refusal.code != "STOCK_OF_BUNDLE":
                        raise
                    continue  # Its parts are delivered themselves.
                delivered += 1
                variant["left"] += DELIVERY
            if delivered:
                tell(
                    f"{self.seller.name} delivers {DELIVERY * delivered} pieces of {item['product']['title']}"
                )

    async def _ship(self) -> None:
        before = (datetime.now(UTC) - PACKING).isoformat()
        waiting = await asyncio.to_thread(
            self._door.ask, "GET", "orders", params={"status": "open", "created_before": before}
        )
        parcels = [order for order in waiting["results"] if _is_released(order)][-PARCELS:]
        for order in parcels:
            number = f"DP{random.randrange(10**9):09}"
            parcel = {
                "carrier": "Demo Parcel",
                "tracking_number": number,
                "tracking_url": f"https://parcels.demo.example/{number}",
            }
            await asyncio.to_thread(self._door.ask, "POST", f"orders/{order['id']}/ship", json=parcel)
        if parcels:
            tell(f"{self.seller.name} sends {len(parcels)} parcel{'s' if len(parcels) > 1 else ''}")


def _is_released(order: Body) -> bool:
    """Whether it goes out now: a pre-order waits for its day."""
    now = datetime.now(UTC)
    return all(
        line["release_at"] is None or datetime.fromisoformat(line["release_at"]) <= now
        for line in order["lines"]
    )
