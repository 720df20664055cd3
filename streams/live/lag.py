"""How late the event loop is: what every viewer of the process waits on top."""

import asyncio

from streams import metrics

EVERY_SECONDS = 0.25


async def watch() -> None:
    """Measure until cancelled."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        metrics.LOOP_LAG.observe(max(0.0, clock() - due))
