"""Coming back to a room: nobody who missed nothing costs a query, and whoever missed something is told it."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from commerce.models import User
from streams import announce, client, showlog
from streams.models import Stream
from tests.live_server import LiveRoom, aside, cookie_of, environment, eventually
from tests.streams import make

HELLO = json.dumps({"v": 1, "t": "hello", "id": 1, "d": {}})
CART: dict[str, Any] = {"version": 1, "lines": [], "totals": []}
# Whatever is read to know who comes in, and what she is told of the show and of herself.
READ = "commerce_user, django_session, streams_stream, streams_chatmessage, orders_cart, orders_purchase"


@contextlib.asynccontextmanager
async def locked(tables: str) -> AsyncIterator[None]:
    """Let every query of these tables wait."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            taken.set()
            done.wait(20)

    holding = asyncio.create_task(aside(hold))
    await eventually(taken.is_set)
    try:
        yield
    finally:
        done.set()
        await holding


def tell(user: User, n: int) -> None:
    """Tell a user on her own lane that her cart is at this version, which the database does not say."""
    with transaction.atomic():
        announce.tell_user(user_id=user.id, t="cart.updated", d={**CART, "version": n})
    LiveRoom.relay()


async def shopper(live_room: LiveRoom) -> tuple[Stream, User, client.Room]:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    return stream, noa, await aside(live_room.visitor, stream, noa)


@pytest.mark.parametrize("known", [True, False])
async def test_who_comes_back_by_cookie_costs_no_query(live_room: LiveRoom, known: bool) -> None:
    stream, noa, viewer = await shopper(live_room)
    async with viewer, live_room.room(stream) as keeps_it_open:
        await viewer.cut()
        if not known:  # The control: without the pass the session is looked up.
            viewer.cookie = await aside(cookie_of, noa)
        async with live_room.room(stream), locked(READ):
            if known:
                welcome = await viewer.reconnect(deadline=3)
                assert welcome["recovered"] == {"s": True, "u": True}
            else:
                with pytest.raises(TimeoutError):
                    await viewer.reconnect(deadline=1)
        assert keeps_it_open.open


@pytest.fixture
def forgetful(transactional_db: None) -> Iterator[LiveRoom]:
    """A live process that has to ask which show an address belongs to whenever somebody comes."""
    live = LiveRoom(environment(), before="from streams.live import rooms; rooms.SHOW_SECONDS = -1.0")
    live.start()
    yield live
    live.stop()
    print(live.log)


async def test_while_a_room_is_open_its_address_needs_no_database(forgetful: LiveRoom) -> None:
    stream, _, viewer = await shopper(forgetful)
    nobody_came = await aside(make.show)
    async with forgetful.room(stream), viewer:
        await viewer.cut()
        async with locked(READ):
            await viewer.reconnect()
            with pytest.raises(TimeoutError):  # The control: this address has to be looked for.
                await forgetful.room(nobody_came).connect(deadline=1)


async def test_an_address_that_leads_nowhere_any_more_is_forgotten_while_somebody_is_there(
    forgetful: LiveRoom,
) -> None:
    stream = await aside(make.show)
    async with forgetful.room(stream):
        await aside(Stream.objects.filter(pk=stream.pk).update, status=Stream.Status.CANCELLED)

        async def refused() -> bool:
            try:
                async with forgetful.room(stream):
                    return False
            except client.RefusedByServer:
                return True

        async with asyncio.timeout(5):
            while not await refused():
                pass


async def test_a_hundred_come_back_while_the_database_is_away(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    users = [await aside(make.user) for _ in range(20)]
    viewers = [await aside(live_room.visitor, stream, user) for user in users for _ in range(5)]
    for viewer in viewers:
        await viewer.connect()
    async with live_room.room(stream):
        await asyncio.gather(*(viewer.cut() for viewer in viewers))
        async with locked(READ):
            welcomes = await asyncio.gather(*(viewer.connect() for viewer in viewers))
    assert all(welcome["recovered"] == {"s": True, "u": True} for welcome in welcomes)
    await asyncio.gather(*(viewer.close() for viewer in viewers))


async def test_who_missed_something_of_her_own_is_told_it_as_it_is_now(live_room: LiveRoom) -> None:
    _, noa, viewer = await shopper(live_room)
    async with viewer:
        await aside(tell, noa, 7)
        await viewer.wait("cart.updated", lambda d: d["version"] == 7)
        await viewer.cut()
        await aside(tell, noa, 8)
        welcome = await viewer.reconnect()
        told = await viewer.wait("cart.updated", lambda d: d["version"] == 0, since=viewer.told - 3)
        mine = await viewer.wait("me.updated")

    assert welcome["recovered"] == {"s": True, "u": False}
    assert "o" not in told
    assert mine["d"]["name"] == "Noa"
    # Its place is the welcome's, so whoever comes back again missed nothing.
    assert tuple(welcome["position"]["u"].values()) == await aside(showlog.user_position, noa.id)
    assert viewer.heard.u == await aside(showlog.user_position, noa.id)


async def test_what_is_told_of_her_own_counts_on_in_its_lane(live_room: LiveRoom) -> None:
    _, noa, viewer = await shopper(live_room)
    async with viewer:
        assert viewer.heard.u is not None
        epoch, start = viewer.heard.u
        for n in (1, 2, 3):
            await aside(tell, noa, n)
        await viewer.wait("cart.updated", lambda d: d["version"] == 3)
        places = [(event["e"], event["o"]) for event in viewer.of("cart.updated")]

    assert places == [(epoch, start + n) for n in (1, 2, 3)]


@pytest.mark.parametrize("lost", ["another epoch", "ahead"])
async def test_a_place_that_does_not_fit_has_the_lane_told_anew(live_room: LiveRoom, lost: str) -> None:
    _, _, viewer = await shopper(live_room)
    async with viewer:
        assert viewer.heard.u is not None
        epoch, offset = viewer.heard.u
        viewer.heard.u = ("0ld", offset) if lost == "another epoch" else (epoch, offset + 1)
        welcome = await viewer.reconnect()
        await viewer.wait("cart.updated")

    assert welcome["recovered"]["u"] is False


async def test_what_is_told_while_she_comes_in_is_not_missed(live_room: LiveRoom) -> None:
    _, noa, viewer = await shopper(live_room)
    async with viewer:
        for n in range(1, 12):
            _, welcome = await asyncio.gather(aside(tell, noa, n), viewer.reconnect())
            if welcome["recovered"]["u"]:
                await viewer.wait("cart.updated", partial(is_version, n), deadline=5)
            await eventually(lambda: viewer.heard.u == showlog.user_position(noa.id), deadline=5)


def is_version(n: int, d: dict[str, Any]) -> bool:
    return bool(d["version"] == n)


async def test_a_lost_connection_to_redis_has_her_own_lane_told_anew(
    live_room: LiveRoom, redis_server: Any
) -> None:
    _, noa, viewer = await shopper(live_room)
    async with viewer:
        await aside(tell, noa, 5)
        await viewer.wait("cart.updated", lambda d: d["version"] == 5)
        seen = viewer.told
        assert redis_server.client_kill_filter(_type="pubsub") >= 1
        await viewer.wait("resync", lambda d: d["lane"] == "u", since=seen)
        await viewer.wait("me.updated", since=seen)
        await aside(tell, noa, 6)
        await viewer.wait("cart.updated", lambda d: d["version"] == 6, since=seen)
        assert viewer.heard.u == await aside(showlog.user_position, noa.id)


async def test_she_may_ask_for_her_own_lane_alone(live_room: LiveRoom) -> None:
    _, _, viewer = await shopper(live_room)
    async with viewer:
        snapshots = len(viewer.of("snapshot"))
        await viewer.command("resync", {"lanes": ["u"]})
        await viewer.wait("me.updated")
        assert len(viewer.of("snapshot")) == snapshots


async def test_what_is_asked_before_the_welcome_is_answered_after_it(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)
    cookie = await aside(cookie_of, noa)
    room = live_room.room(stream, cookie=cookie, origin=settings.BASE_URL)
    sent = [
        HELLO,
        '{"v":1,"t":"pong"}',
        '{"v":1,"t":"time.sync","id":2,"d":{"c":1}}',
        '{"v":1,"t":"reaction.send","d":{"kind":"heart"}}',
        f'{{"v":1,"t":"chat.send","id":3,"key":"{uuid4()}","d":{{"text":"Early"}}}}',
        '{"v":1,"t":"no.such.thing","id":4}',
    ]
    frames = await conversation(room, sent, until=lambda f: f.get("re") == 4)

    told = [(f["t"], f.get("re")) for f in frames if f["t"] in ("welcome", "reply", "error")]
    assert told == [("welcome", 1), ("reply", 2), ("reply", 3), ("error", 4)]


async def test_too_much_before_the_welcome_is_refused_by_number(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    sent = [HELLO, *(f'{{"v":1,"t":"time.sync","id":{n},"d":{{"c":1}}}}' for n in range(2, 16))]
    seen: list[dict[str, Any]] = []
    room = live_room.room(stream)
    await conversation(room, sent, until=lambda f: len(answers(seen)) == 14, keep=seen)

    codes = {f["re"]: f["d"].get("code") for f in answers(seen)}
    assert sorted(codes) == list(range(2, 16))
    assert set(codes.values()) <= {None, "RATE_LIMITED"}
    assert list(codes.values()).count(None) >= 8


def answers(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame["t"] in ("reply", "error")]


@pytest.mark.parametrize("first", ["", " ", "\n"])
async def test_an_empty_first_frame_is_answered_and_the_connection_closed(
    live_room: LiveRoom, first: str
) -> None:
    stream = await aside(make.show)
    frames = await conversation(live_room.room(stream), [first], until=lambda f: False)

    assert [(f["t"], f["d"]["code"]) for f in frames] == [("error", "BAD_REQUEST")]


async def conversation(
    room: client.Room, sent: list[str], *, until: Any, keep: list[Any] | None = None
) -> list[dict[str, Any]]:
    """Send frames without waiting for anything and return what comes until that holds, or the end."""
    frames: list[dict[str, Any]] = keep if keep is not None else []
    headers = {"Cookie": room.cookie} if room.cookie else {}
    async with (
        asyncio.timeout(8),
        connect(
            room.url,
            subprotocols=["livecommerce.v1"],  # type: ignore[list-item]  # a NewType of str
            origin=room.origin,  # type: ignore[arg-type]
            additional_headers=headers,
            compression=None,
            proxy=None,
        ) as socket,
    ):
        with contextlib.suppress(ConnectionClosed):
            for frame in sent:
                await socket.send(frame)
            async for text in socket:
                for line in str(text).split("\n"):
                    frames.append(json.loads(line))
                    if until(frames[-1]):
                        return frames
    return frames
