"""Is this process alive, and can it work?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psycopg2
import redis
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 2


class NotReady(Exception):
    """A part this process needs does not work; says which and how."""


@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all; looks at nothing else."""
    return JsonResponse({"status": "alive"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part answers, else 503 with what is wrong with which part."""
    parts = {name: _state(check) for name, check in CHECKS.items()}
    works = all(state == "ok" for state in parts.values())
    return JsonResponse(
        {"status": "ready" if works else "not ready", "parts": parts}, status=200 if works else 503
    )


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as reason:
        return str(reason)
    return "ok"


def database() -> None:
    """Raise NotReady unless PostgreSQL answers a query in time."""
    _ask("SELECT 1")


def migrations() -> None:
    """Raise NotReady while this code has migrations that the database has not."""
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations or ())
    waiting = known - set(_ask("SELECT app, name FROM django_migrations"))
    if waiting:
        raise NotReady(f"{len(waiting)} not applied")


def redis_server() -> None:
    """Raise NotReady unless Redis answers a ping in time."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except redis.RedisError:
        raise NotReady("does not answer") from None
    finally:
        client.close()


def _ask(query: str) -> list[tuple[str, ...]]:
    # A connection of its own: the timeouts must bound this check and no request.
    params = connections["default"].get_connection_params()
    params.pop("cursor_factory", None)
    params |= {"connect_timeout": TIMEOUT_SECONDS, "options": f"-c statement_timeout={TIMEOUT_SECONDS}s"}
    try:
        with contextlib.closing(psycopg2.connect(**params)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    except psycopg2.errors.UndefinedTable:
        return []
    except psycopg2.Error:
        raise NotReady("does not answer") from None


CHECKS: dict[str, Callable[[], None]] = {
    "database": database,
    "migrations": migrations,
    "redis": redis_server,
}
