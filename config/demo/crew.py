"""Those who work in the demo: the host and the merchants. They follow the show that is live."""

from __future__ import annotations

import asyncio

from config.demo import cast
from config.demo.floor import Place
from config.demo.host import Host
from config.demo.warehouse import Warehouse


async def main() -> int:
    """Work in the live show, and in the one after it, and so on."""
    place = Place.here()
    while True:
        slug = await place.live_slug()
        if slug is None:
            await asyncio.sleep(1)
            continue
        host = Host(place, slug)
        works = [asyncio.create_task(Warehouse(place, each, host.floor).run()) for each in cast.SELLERS]
        try:
            await host.run()
        finally:
            for work in works:
                work.cancel()
