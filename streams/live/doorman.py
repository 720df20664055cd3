"""The doorman of every waiting room: one clockwork per process, whatever the number of rooms and of people.

Everybody who waits hears two things for herself, her number and that she may come in, each once. How far it
has moved is one frame for the whole room, at most every two seconds: she takes it from her number. That way a
room of ten thousand moves at the cost of one frame, and a lost message is made good by the next.
"""

import asyncio
from collections.abc import Iterator

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from streams import showlog, waitingroom
from streams.frames import wire

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.5
AT_ONCE = 200  # Frames of one journey to Redis, so that the loop goes on in between.


class Doorman:
    """Draws and lets in, with the doormen of the other processes, and tells of it."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client

    async def run(self) -> None:
        """Look at the rooms for ever; without Redis nobody waits, and none is looked at."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                for look in await waitingroom.look(self._client):
                    await self.tell(look)
            except RedisError as error:
                log.warning("doorman.no_redis", error=str(error))
            except Exception:
                # A doorman who gives up would leave everybody outside.
                log.exception("doorman.failed")

    async def tell(self, look: waitingroom.Look) -> None:
        """Tell those whose number was drawn, those who may come in, and the room how far it is."""
        told = list(_told(look))
        for start in range(0, len(told), AT_ONCE):
            await showlog.tell_users(self._client, told[start : start + AT_ONCE], ts=look.now)
        if look.tell:
            d = {
                "offer": str(look.offer_id),
                "epoch": look.epoch,
                "waiting": look.waiting,
                "admitted": look.admitted_up_to,
                "opens_at": look.opens_at,
            }
            k, n = f"waitingroom:{look.offer_id}", look.now
            frame = wire.state("waitingroom.moved", k, n, d)
            await showlog.publish_state(self._client, stream_id=look.stream_id, k=k, n=n, frame=frame)


def _told(look: waitingroom.Look) -> Iterator[tuple[str, str, dict[str, object]]]:
    about = {"offer": str(look.offer_id), "epoch": look.epoch}
    for number, user in enumerate(look.drawn, look.admitted_up_to + 1):
        yield user, "waitingroom.drawn", {**about, "number": number}
    for user in look.admitted:
        yield user, "waitingroom.admitted", {**about, "until": look.until}
