"""What ours is compared with, as small as it can be: `python -m tests.bench.peers stock|awaiting --port N`.

`stock` is a room as Channels' documentation builds it: a consumer per viewer in a group of the channel layer.
`awaiting` hears the room once per process and awaits `send` for one viewer after another. Both run under the
same server as ours, without compression.
"""

import argparse
import asyncio
import os
from typing import Any

import uvicorn
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

GROUP = "bench"
CHANNEL = "bench:awaiting"


def layer() -> RedisPubSubChannelLayer:
    """Return the channel layer of `stock`."""
    return RedisPubSubChannelLayer(hosts=[os.environ["REDIS_URL"]], prefix="bench")


class Stock(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """A viewer in a group."""

    groups = [GROUP]

    async def told(self, message: dict[str, Any]) -> None:
        """Pass on what the group was sent."""
        await self.send_json(message["frame"])


class Awaiting(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A viewer in a set."""

    channel_layer_alias = "none"
    everybody: set["Awaiting"] = set()
    hearing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Join the set; the first viewer begins to hear the room."""
        await self.accept()
        Awaiting.hearing = Awaiting.hearing or asyncio.create_task(hear())
        self.everybody.add(self)

    async def disconnect(self, code: int) -> None:
        """Leave the set."""
        self.everybody.discard(self)


async def hear() -> None:
    """Send what the room is told to everybody."""
    import redis.asyncio

    async with redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as client, client.pubsub() as heard:
        await heard.subscribe(CHANNEL)
        async for message in heard.listen():
            if message["type"] == "message":
                text = message["data"].decode()
                for viewer in list(Awaiting.everybody):
                    await viewer.send(text_data=text)


def main() -> None:
    """Serve one of the two."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("which", choices=("stock", "awaiting"))
    arguments.add_argument("--port", type=int)
    given = arguments.parse_args()
    settings.configure(SECRET_KEY="bench", DATABASES={}, INSTALLED_APPS=[])
    import django

    django.setup()
    channel_layers.set("default", layer())
    application = (Stock if given.which == "stock" else Awaiting).as_asgi()
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_level="error",
        access_log=False,
    )


if __name__ == "__main__":
    main()
