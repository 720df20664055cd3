"""Coming into a show's room over a real socket: who may, and what a newcomer is told."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from commerce.models import User
from streams import client, pins
from streams.models import Stream
from tests.live_server import LiveRoom, aside, cookie_of, ticket_of
from tests.streams import make

HELLO = json.dumps({"v": 1, "t": "hello", "id": 1, "d": {}})


async def close_code(
    url: str, *frames: str | bytes, protocol: str | None = client.PROTOCOL, **more: str
) -> int:
    """Return the code with which the server closes after these frames."""
    protocols = [protocol] if protocol else None
    async with connect(url, subprotocols=protocols, compression=None, proxy=None, **more) as socket:  # type: ignore[arg-type]
        async with asyncio.timeout(8):
            with contextlib.suppress(ConnectionClosed):
                for frame in frames:
                    await socket.send(frame)
                while True:
                    await socket.recv()
        return socket.close_code or 1006


def pinned_show() -> tuple[Stream, str]:
    """Return a live show and the id of the item that is pinned in it."""
    stream = make.show(products=(make.product(),))
    item = make.item(stream)
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.NOW)
    return stream, str(item.id)


async def test_an_anonymous_viewer_is_told_the_whole_show(live_room: LiveRoom) -> None:
    stream, item = await aside(pinned_show)

    async with live_room.room(stream) as viewer:
        told = viewer.snapshot

    assert told is not None
    assert told["stream"]["slug"] == stream.slug
    assert told["stream"]["status"] == "live"
    assert told["pinned"] == item
    assert [each["id"] for each in told["items"]] == [item]
    assert told["me"] is None
    assert viewer.welcome is not None
    assert viewer.welcome["recovered"] == {"s": False, "u": False}
    assert viewer.position == tuple(viewer.welcome["position"]["s"].values())


@pytest.mark.parametrize("by", ["cookie", "ticket"])
async def test_a_signed_in_shopper_is_known_by_cookie_or_by_ticket(live_room: LiveRoom, by: str) -> None:
    stream = await aside(make.show)
    noa = await aside(make.user, "Noa")

    async with await aside(live_room.visitor, stream, noa, by=by) as viewer:
        assert viewer.snapshot is not None
        me = viewer.snapshot["me"]
        assert (me["id"], me["name"], me["role"]) == (str(noa.id), "Noa", "viewer")
        said = await viewer.command("chat.send", {"text": "Hello"}, key=uuid4())

    assert said["replayed"] is False


async def test_the_host_is_known_as_the_host(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    user = await aside(lambda: User.objects.get(host__id=stream.host_id))

    async with await aside(live_room.visitor, stream, user) as viewer:
        assert viewer.snapshot is not None
        assert viewer.snapshot["me"]["role"] == "host"


async def test_a_ticket_is_good_once_and_for_its_show_only(live_room: LiveRoom) -> None:
    stream, other = await aside(make.show), await aside(make.show)
    noa = await aside(make.user)
    ticket = await aside(ticket_of, noa, stream)
    astray = await aside(ticket_of, noa, other)

    async with live_room.room(stream, ticket=ticket):
        pass

    for spent in (ticket, astray, "made-up"):
        late = live_room.room(stream, ticket=spent)
        with pytest.raises(client.RefusedByServer) as refused:
            await late.connect()
        assert refused.value.code == "UNAUTHENTICATED"
        assert await late.wait_closed() == 4401


async def test_the_ticket_door_gives_a_ticket_to_those_who_are_signed_in(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    browser = Client()

    def ask() -> int:
        return browser.post(f"/api/v1/live/{stream.slug}/ticket").status_code

    assert await aside(ask) == 401
    await aside(browser.force_login, noa)
    answer = await aside(browser.post, f"/api/v1/live/{stream.slug}/ticket")

    assert answer.status_code == 201
    async with live_room.room(stream, ticket=answer.json()["ticket"]) as viewer:
        assert viewer.snapshot is not None
        assert viewer.snapshot["me"]["name"] == "Noa"


async def test_a_cookie_from_a_foreign_page_is_refused(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)
    cookie = await aside(cookie_of, noa)

    for origin in ("https://evil.example", settings.BASE_URL + ".evil.example", "null"):
        viewer = live_room.room(stream, cookie=cookie, origin=origin)
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.connect()
        assert refused.value.code == "FORBIDDEN"
        assert await viewer.wait_closed() == 4403


async def test_a_foreign_page_may_come_with_a_ticket(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    ticket = await aside(ticket_of, noa, stream)

    async with live_room.room(stream, ticket=ticket, origin="https://partner.example") as viewer:
        assert viewer.snapshot is not None
        assert viewer.snapshot["me"]["name"] == "Noa"


async def test_a_cookie_without_an_origin_signs_nobody_in(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with live_room.room(stream, cookie=await aside(cookie_of, noa)) as viewer:
        assert viewer.snapshot is not None
        assert viewer.snapshot["me"] is None


@pytest.mark.parametrize(
    "cookie", ["sessionid=x", 'sessionid="\\000\\001"', "sessionid=", "=;=;,,", "sessionid"]
)
async def test_a_senseless_cookie_is_an_anonymous_viewer(live_room: LiveRoom, cookie: str) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream, cookie=cookie, origin=settings.BASE_URL) as viewer:
        assert viewer.snapshot is not None
        assert viewer.snapshot["me"] is None


async def test_an_anonymous_viewer_only_watches(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as viewer:
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.command("chat.send", {"text": "Hello"}, key=uuid4())
        clock = await viewer.command("time.sync", {"c": 17})

    assert refused.value.code == "UNAUTHENTICATED"
    assert clock["c"] == 17


async def test_a_show_that_is_not_there_is_said_so(live_room: LiveRoom) -> None:
    viewer = client.Room(live_room.url("no-such-show"))

    with pytest.raises(client.RefusedByServer) as refused:
        await viewer.connect()

    assert refused.value.code == "NOT_FOUND"
    assert await viewer.wait_closed() == 4404


async def test_without_redis_a_newcomer_is_asked_to_come_back(
    live_room: LiveRoom, own_process: Callable[..., LiveRoom]
) -> None:
    stream = await aside(make.show)
    deaf = await aside(own_process, REDIS_URL="redis://127.0.0.1:1/0")

    viewer = deaf.room(stream)
    with pytest.raises(client.RefusedByServer) as refused:
        await viewer.connect()

    assert refused.value.code == "UNAVAILABLE"
    assert refused.value.temporary
    assert await viewer.wait_closed() == 4500


async def test_without_the_database_a_newcomer_is_asked_to_come_back(
    live_room: LiveRoom, own_process: Callable[..., LiveRoom]
) -> None:
    stream = await aside(make.show)
    blind = await aside(own_process, DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")

    viewer = blind.room(stream)
    with pytest.raises(client.RefusedByServer) as refused:
        await viewer.connect()

    assert refused.value.code == "UNAVAILABLE"
    assert await viewer.wait_closed() == 4500


async def test_another_address_is_no_socket(live_room: LiveRoom) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{live_room.port}/ws/v2/live/x", proxy=None)

    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("protocol", [None, "livecommerce.v9"])
async def test_another_protocol_is_closed_with_4406(live_room: LiveRoom, protocol: str | None) -> None:
    stream = await aside(make.show)

    assert await close_code(live_room.url(stream.slug), HELLO, protocol=protocol) == 4406


async def test_whoever_says_nothing_is_closed(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    assert await close_code(live_room.url(stream.slug)) == 4511


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (
            '{"v":1,"t":"chat.send","id":1,"key":"0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10","d":{"text":"a"}}',
            4400,
        ),
        ('{"v":1,"t":"pong"}', 4400),
        ('{"v":2,"t":"hello","id":1}', 4406),
        ('{"v":1,"t":"hello"}', 4400),
        ('{"v":1,"t":"hello","id":1,"d":{"ticket":7}}', 4400),
        ("not json", 4400),
        (b"\x00\x01", 4400),
    ],
)
async def test_a_wrong_first_frame_closes_the_connection(
    live_room: LiveRoom, first: str | bytes, code: int
) -> None:
    stream = await aside(make.show)

    assert await close_code(live_room.url(stream.slug), first) == code


async def test_a_second_hello_is_refused_and_harms_nothing(live_room: LiveRoom) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as viewer:
        with pytest.raises(client.RefusedByServer) as refused:
            await viewer.command("hello")
        await viewer.command("time.sync", {"c": 1})

    assert refused.value.code == "BAD_REQUEST"


async def test_the_sixth_connection_of_one_user_replaces_the_first(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)
    viewers = [await aside(live_room.visitor, stream, noa) for _ in range(6)]

    for viewer in viewers:
        await viewer.connect()

    assert await viewers[0].wait_closed() == 4409
    assert all(viewer.open for viewer in viewers[1:])
    for viewer in viewers[1:]:
        await viewer.close()
