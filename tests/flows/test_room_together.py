"""Many come in at the same time and are looked up together: what is wrong with one concerns nobody else."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from commerce.models import User
from streams import announce, client
from streams.models import Stream
from streams.moderation import restraints
from tests.live_server import LiveRoom, aside, cookie_of, eventually, ticket_of
from tests.streams import make

CART: dict[str, Any] = {"version": 7, "lines": [], "totals": []}


@contextlib.asynccontextmanager
async def struck_down(tables: str) -> AsyncIterator[None]:
    """End the connection of whatever statement asks these tables for something."""
    taken, done = threading.Event(), threading.Event()

    def strike() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            taken.set()
            while not done.wait(0.01):
                # Who has connected anew is only seen in a new look at what is going on.
                cursor.execute(
                    "SELECT pg_stat_clear_snapshot();"
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )

    striking = asyncio.create_task(aside(strike))
    await eventually(taken.is_set)
    try:
        yield
    finally:
        done.set()
        await striking


async def outcome(room: client.Room) -> str:
    """Come in, and return under which name, or why not and how the connection was closed."""
    try:
        await room.connect()
    except client.RefusedByServer as refusal:
        code = await room.wait_closed(5)
        return f"{refusal.code} {code}{' again' if refusal.temporary and refusal.retry_ms else ''}"
    assert room.snapshot is not None
    return str(room.snapshot["me"]["name"]) if room.snapshot["me"] else "anonymous"


async def test_what_is_wrong_with_one_concerns_nobody_else(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    users = {name: await aside(make.user, name) for name in ("Ana", "Ben", "banned")}

    def prepare() -> list[client.Room]:
        by_id, user = stream.host.user_id, users["banned"]
        restraints.ban(
            stream_id=stream.id, user_id=user.id, by_id=by_id, rule="spam", reason="Ads", now=make.NOW
        )
        ticket = ticket_of(users["Ben"], stream)
        rooms = [live_room.visitor(stream, users["Ana"]) for _ in range(5)]
        rooms += [live_room.visitor(stream, users["banned"]) for _ in range(2)]
        rooms += [live_room.room(stream, ticket=ticket) for _ in range(3)]
        rooms += [live_room.room(stream, ticket="x" * 43), live_room.room(stream)]
        unknown = f"{settings.SESSION_COOKIE_NAME}={'z' * 32}"
        rooms += [live_room.room(stream, cookie=unknown, origin=settings.BASE_URL)]
        rooms += [live_room.room(stream, cookie=cookie_of(users["Ana"]), origin="https://elsewhere.example")]
        return [*rooms]

    rooms = await aside(prepare)
    found = Counter(await asyncio.gather(*map(outcome, rooms)))
    await asyncio.gather(*(room.close() for room in rooms))

    assert found == {
        "Ana": 5,
        "Ben": 1,
        "anonymous": 2,
        "BANNED 4403": 2,
        "UNAUTHENTICATED 4401": 3,
        "FORBIDDEN 4403": 1,
    }


async def test_without_the_database_newcomers_are_asked_to_come_again_and_nobody_leaves(
    live_room: LiveRoom,
) -> None:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    users = [await aside(make.user, f"Ana {n}") for n in range(20)]
    coming = [await aside(live_room.visitor, stream, user) for user in users]
    async with await aside(live_room.visitor, stream, noa) as there, live_room.room(stream) as watching:
        async with struck_down("django_session"):
            found = await asyncio.gather(*map(outcome, coming))
            assert Counter(found) == {"UNAVAILABLE 4500 again": 20}
        assert (there.open, watching.open) == (True, True)
        assert await asyncio.gather(*map(outcome, coming)) == [user.name for user in users]
        assert (there.open, watching.open) == (True, True)
    await asyncio.gather(*(room.close() for room in coming))


async def test_who_come_in_together_each_hear_their_own(live_room: LiveRoom) -> None:
    stream: Stream = await aside(make.show)
    users: list[User] = [await aside(make.user, f"Ana {n}") for n in range(30)]
    rooms = [await aside(live_room.visitor, stream, user) for user in users]
    assert await asyncio.gather(*map(outcome, rooms)) == [user.name for user in users]

    def tell() -> None:
        with transaction.atomic():
            for n, user in enumerate(users):
                announce.tell_user(user_id=user.id, t="cart.updated", d={**CART, "version": n})
        LiveRoom.relay()

    await aside(tell)
    told = await asyncio.gather(*(room.wait("cart.updated") for room in rooms))
    await asyncio.gather(*(room.close() for room in rooms))

    assert [each["d"]["version"] for each in told] == list(range(30))
