"""Requests are answered in threads and over connections that stay, and outlive a database that fell."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import psycopg2
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.urls import path

from commerce.pool import Pool
from config.answering import Handler

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

open_door = threading.Event()
inside: list[str] = []


def who(request: HttpRequest) -> JsonResponse:
    """Say who answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    return JsonResponse({"thread": threading.get_ident(), "backend": backend})


def slow(request: HttpRequest, n: int) -> JsonResponse:
    """Answer when the door is open."""
    inside.append(request.path)
    assert open_door.wait(20)
    return JsonResponse({})


urlpatterns = [path("who", who), path("slow/<int:n>", slow)]


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(name="test", threads=2)
    with override_settings(ROOT_URLCONF=__name__):
        yield made
    made.close()


async def ask(handler: ASGIHandler, where: str, asked: asyncio.Queue[Any] | None = None) -> tuple[int, Any]:
    """Return status and body of a GET, 0 and nothing for one who left."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": where,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    asked, said = asked or asyncio.Queue(), list[Any]()
    asked.put_nowait({"type": "http.request", "body": b""})

    async def send(message: Any) -> None:
        said.append(message)

    await handler(scope, asked.get, send)
    if not said:
        return 0, None
    return said[0]["status"], orjson.loads(b"".join(part.get("body", b"") for part in said[1:]))


async def test_thread_and_connection_stay_from_request_to_request(pool: Pool) -> None:
    handler = Handler(pool)
    answers = [await ask(handler, "/who") for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert answers[0][0] == 200
    assert answers[0][1]["thread"] != threading.get_ident()


async def test_a_connection_that_fell_is_replaced_before_anybody_notices(pool: Pool) -> None:
    handler = Handler(pool)
    _, before = await ask(handler, "/who")
    await asyncio.to_thread(_fell, before["backend"])
    status, after = await ask(handler, "/who")
    assert status == 200
    assert after["thread"] == before["thread"]
    assert after["backend"] != before["backend"]


async def test_as_many_are_answered_at_once_as_there_are_threads_and_who_left_is_not_answered(
    pool: Pool,
) -> None:
    handler = Handler(pool)
    open_door.clear()
    inside.clear()
    first = [asyncio.create_task(ask(handler, f"/slow/{n}")) for n in (1, 2)]
    while len(inside) < 2:  # noqa: ASYNC110  (what is waited for happens in other threads)
        await asyncio.sleep(0.01)
    gone: asyncio.Queue[Any] = asyncio.Queue()
    third = asyncio.create_task(ask(handler, "/slow/3", gone))
    while pool.under_way < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    gone.put_nowait({"type": "http.disconnect"})
    assert await third == (0, None)
    fourth = asyncio.create_task(ask(handler, "/slow/4"))
    while pool.under_way < 4:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert len(inside) == 2
    open_door.set()
    assert [status for status, _ in await asyncio.gather(*first, fourth)] == [200] * 3
    assert sorted(inside) == ["/slow/1", "/slow/2", "/slow/4"]


def _fell(backend: int) -> None:
    with psycopg2.connect(**_where()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


def _where() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {name: given[name] for name in ("dbname", "user", "host", "port") if given.get(name)}
