"""Redis connections: one pool per process. Redis never holds the only copy of anything."""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings


@cache
def sync() -> "redis.Redis":
    """Return the process's client for threads. Answers are bytes; a dead server fails within 2 seconds."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def asynchronous() -> "redis.asyncio.Redis":
    """Return a new client for the running event loop; the caller closes it."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
