"""Redis connections: one pool per process. Redis never holds the only copy of anything."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@cache
def sync() -> "redis.Redis":
    """Return the process's client for threads. Answers are bytes; a dead server fails within 2 seconds."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


@cache
def hasty() -> "redis.Redis":
    """Return a client for what may go undone: a server that is away fails within half a second."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 1),  # Once: after a restart, the connection that was kept is dead.
    )


def asynchronous() -> "redis.asyncio.Redis":
    """Return a new client for the running event loop; the caller closes it.

    It speaks RESP2: under RESP3 what is published would come as pushes, past whoever reads a connection.
    """
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, protocol=2)


def run(script: str, keys: Sequence[str], args: Sequence[str | int]) -> Any:
    """Run a Lua script from a thread and return its reply."""
    return sync().eval(script, len(keys), *keys, *args)


async def run_on(
    client: "redis.asyncio.Redis", script: str, keys: Sequence[str], args: Sequence[str | int]
) -> Any:
    """Run a Lua script on the event loop's client and return its reply."""
    return await client.eval(script, len(keys), *keys, *args)
