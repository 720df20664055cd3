"""What a room is told: by everybody alike, in order, once, and whole again after anything that was missed."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from catalog.models import Variant
from streams import announce, chat, client, hearers, pins, showlog
from streams.models import ShowEvent, Stream
from tests.live_server import LiveRoom, aside, eventually
from tests.streams import make


def a_show() -> Stream:
    return make.show(products=(make.product(), make.product("Mascara")))


def pin(stream: Stream, number: int) -> str:
    """Pin an item, let the relay tell the room, and return the item's id."""
    item = make.item(stream, number)
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.after(number))
    LiveRoom.relay()
    return str(item.id)


def slow(stream: Stream, *seconds: int) -> None:
    """Change the pace of the chat so often, which tells the room as many must events."""
    for each in seconds:
        chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=each)
    LiveRoom.relay()


def paces(viewer: client.Room) -> list[int]:
    return [event["d"]["slow_s"] for event in viewer.of("chat.mode")]


async def test_a_pin_reaches_every_viewer_at_the_same_place(live_room: LiveRoom) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as one, live_room.room(stream) as two:
        item = await aside(pin, stream, 0)
        seen = [await viewer.wait("product.pinned") for viewer in (one, two)]

    assert seen[0] == seen[1]
    assert seen[0]["d"]["id"] == item
    kept = await aside(lambda: ShowEvent.objects.get(stream=stream, frame__t="product.pinned").frame)
    assert seen[0] == kept


async def test_must_events_come_in_order_and_once(live_room: LiveRoom) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as viewer:
        assert viewer.position is not None
        start = viewer.position[1]
        await aside(slow, stream, *range(1, 41))
        await viewer.wait("chat.mode", lambda d: d["slow_s"] == 40)
        places = [event["o"] for event in viewer.events if event.get("l") == "s" and event["t"] != "snapshot"]

    assert paces(viewer) == list(range(1, 41))
    assert places[-40:] == list(range(places[-40], places[-40] + 40))
    assert places[0] == start + 1


async def test_a_viewer_back_after_a_cut_gets_what_it_missed_and_no_snapshot(live_room: LiveRoom) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as viewer:
        await aside(slow, stream, 1, 2)
        await viewer.wait("chat.mode", lambda d: d["slow_s"] == 2)
        await viewer.cut()
        await aside(slow, stream, 3, 4, 5)
        welcome = await viewer.reconnect()
        await aside(slow, stream, 6)
        await viewer.wait("chat.mode", lambda d: d["slow_s"] == 6)

    assert welcome["recovered"] == {"s": True, "u": True}
    assert paces(viewer) == [1, 2, 3, 4, 5, 6]
    assert len(viewer.of("snapshot")) == 1


@pytest.mark.parametrize("was", [("0ld", 1), None, "ahead", "too old"])
async def test_who_cannot_be_given_everything_is_given_a_snapshot(live_room: LiveRoom, was: Any) -> None:
    stream = await aside(a_show)
    await aside(slow, stream, *range(1, 4))
    epoch, top = await aside(showlog.position, stream.id)
    if was == "ahead":
        was = (epoch, top + 1)
    elif was == "too old":
        await aside(tell_many, stream, showlog.RING + 1)
        was = (epoch, 1)

    async with live_room.room(stream, resume=was) as viewer:
        pass

    assert viewer.welcome is not None
    assert viewer.welcome["recovered"]["s"] is False
    assert [event["t"] for event in viewer.events if event.get("l") == "s"] == ["snapshot"]


def tell_many(stream: Stream, count: int) -> None:
    for n in range(count):
        showlog.append(stream_id=stream.id, t="chat.mode", d={"slow_s": n}, key=f"many:{n}", ts=n)


async def test_the_place_of_the_http_snapshot_can_be_resumed_from(live_room: LiveRoom) -> None:
    from django.test import Client

    stream = await aside(a_show)
    await aside(slow, stream, 1)
    page = (await aside(Client().get, f"/api/v1/live/{stream.slug}/snapshot")).json()
    await aside(slow, stream, 2)

    place = page["position"]["epoch"], page["position"]["offset"]
    async with live_room.room(stream, resume=place) as viewer:
        await viewer.wait("chat.mode")

    assert page["snapshot"]["slow_s"] == 1
    assert viewer.welcome is not None
    assert viewer.welcome["recovered"]["s"] is True
    assert paces(viewer) == [2]


async def test_a_forgetful_redis_makes_every_viewer_whole_again(
    live_room: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as one, live_room.room(stream) as two:
        await aside(slow, stream, 1)
        for viewer in (one, two):
            await viewer.wait("chat.mode")
        redis_server.flushall()
        item = await aside(pin, stream, 1)  # the first event of the new epoch gives it away
        for viewer in (one, two):
            await viewer.wait("resync")
            told = await viewer.wait("snapshot", lambda d: d["pinned"] == item, since=3)
            assert viewer.position is not None
            assert viewer.position[0] == told["e"] == (await aside(showlog.position, stream.id))[0]
        await aside(slow, stream, 2)
        for viewer in (one, two):
            await viewer.wait("chat.mode", lambda d: d["slow_s"] == 2)


async def test_a_lost_connection_to_redis_is_made_good(
    live_room: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as viewer:
        assert redis_server.client_kill_filter(_type="pubsub") >= 1
        await aside(slow, stream, 1, 2, 3)
        await viewer.wait("chat.mode", lambda d: d["slow_s"] == 3)

    assert paces(viewer) == [1, 2, 3]
    assert len(viewer.of("snapshot")) == 1


async def test_a_message_that_was_not_heard_is_found_as_a_gap(
    live_room: LiveRoom, redis_server: redis.Redis
) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as viewer:
        await aside(slow, stream, 1)
        await viewer.wait("chat.mode")
        await aside(unheard, stream, redis_server)
        await aside(slow, stream, 3)
        await viewer.wait("chat.mode", lambda d: d["slow_s"] == 3)

    assert paces(viewer) == [1, 2, 3]


def unheard(stream: Stream, redis_server: redis.Redis) -> None:
    """Log an event whose publication is lost."""
    base = showlog.base(stream.id)
    epoch, top = showlog.position(stream.id)
    place = showlog.Place(epoch, top + 1, 1, True)
    frame = showlog.frame_of(t="chat.mode", d={"slow_s": 2}, place=place)
    from streams.frames import wire

    redis_server.hincrby(f"{base}:m", "top", 1)
    redis_server.xadd(f"{base}:x", {"f": wire.dumps(frame)}, id=f"{top + 1}-0")


async def test_a_client_that_asks_for_it_is_given_a_snapshot(live_room: LiveRoom) -> None:
    stream = await aside(a_show)

    async with live_room.room(stream) as viewer:
        await viewer.command("resync")
        await eventually(lambda: len(viewer.of("snapshot")) == 2)
        await aside(slow, stream, 1)
        await viewer.wait("chat.mode")
        refused = [await refusal_of(viewer.command("resync")) for _ in range(4)]

    assert refused[-1] == "RATE_LIMITED"


async def refusal_of(command: Any) -> str | None:
    try:
        await command
    except client.RefusedByServer as refused:
        return refused.code
    return None


async def test_stock_left_is_told_newest_and_sold_out_once(live_room: LiveRoom) -> None:
    stream = await aside(a_show)
    variant = await aside(lambda: make.item(stream).product.variants.get())

    def sell(left: int) -> None:
        Variant.objects.get(pk=variant.id).stock.__class__.objects.filter(pk=variant.id).update(
            available=left, version=100 - left
        )
        hearers.show_stock({"variants": [str(variant.id)], "offers": []}, key=str(uuid4()))

    async with live_room.room(stream) as viewer, live_room.room(stream) as late:
        for left in (9, 8, 7, 0):
            await aside(sell, left)
        await aside(sell, 0)
        for each in (viewer, late):
            await each.wait("stock.sold_out", lambda d: d["variant"] == str(variant.id))
            await each.wait("stock.changed", lambda d: d["left"] == 0)
            assert len(each.of("stock.sold_out")) == 1

    async with live_room.room(stream) as newcomer:
        await newcomer.wait("stock.changed", lambda d: d["left"] == 0)


async def test_how_many_watch_is_told_and_nobody_who_left_is_counted(live_room: LiveRoom) -> None:
    stream = await aside(a_show)
    host = await aside(lambda: stream.host.user)

    async with (
        await aside(live_room.visitor, stream, host) as studio,
        live_room.room(stream) as one,
    ):
        await one.wait("viewers.count", lambda d: d["n"] == 1)
        async with live_room.room(stream), live_room.room(stream) as cut:
            await one.wait("viewers.count", lambda d: d["n"] == 3)
            await cut.cut()
            await one.wait("viewers.count", lambda d: d["n"] == 2)
        seen = len(one.events)
        await one.wait("viewers.count", lambda d: d["n"] == 1, since=seen)
        assert studio.open


async def test_reactions_are_counted_and_told_as_totals(live_room: LiveRoom) -> None:
    stream, noa = await aside(a_show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as viewer, live_room.room(stream) as other:
        await viewer.send("reaction.send", {"kind": "heart", "n": 3})
        await viewer.send("reaction.send", {"kind": "fire"})
        told = await other.wait("reaction.count", lambda d: sum(d["counts"].values()) == 4)

    assert told["d"]["counts"] == {"heart": 3, "fire": 1}


async def test_a_line_of_chat_reaches_the_others_and_its_author_once(live_room: LiveRoom) -> None:
    stream, noa = await aside(a_show), await aside(make.user, "Noa")
    key = uuid4()

    async with await aside(live_room.visitor, stream, noa) as author, live_room.room(stream) as other:
        said = await author.command("chat.send", {"text": "Lovely!"}, key=key)
        again = await author.command("chat.send", {"text": "Lovely!"}, key=key)
        heard = [await viewer.wait("chat.message") for viewer in (author, other)]
        await author.command("chat.send", {"text": "Bye"}, key=uuid4())
        await other.wait("chat.message", lambda d: d["text"] == "Bye")

    assert (said["id"], again["id"]) == (heard[0]["d"]["id"],) * 2
    assert (said["replayed"], again["replayed"]) == (False, True)
    assert [event["d"]["text"] for event in other.of("chat.message")] == ["Lovely!", "Bye"]


async def test_a_line_said_while_a_viewer_was_away_is_there_when_it_is_back(live_room: LiveRoom) -> None:
    stream, noa = await aside(a_show), await aside(make.user, "Noa")

    async with await aside(live_room.visitor, stream, noa) as author, live_room.room(stream) as other:
        await other.cut()
        await author.command("chat.send", {"text": "Hello?"}, key=uuid4())
        await author.wait("chat.message")
        assert (await other.reconnect())["recovered"]["s"] is True
        await other.wait("chat.message", lambda d: d["text"] == "Hello?")


async def test_what_one_user_is_told_nobody_else_hears(live_room: LiveRoom) -> None:
    stream = await aside(a_show)
    noa, ben = await aside(make.user, "Noa"), await aside(make.user, "Ben")
    cart = {"version": 1, "lines": [], "totals": []}

    def tell(user_id: UUID) -> None:
        from django.db import transaction

        with transaction.atomic():
            announce.tell_user(user_id=user_id, t="cart.updated", d=cart)
        LiveRoom.relay()

    async with (
        await aside(live_room.visitor, stream, noa) as phone,
        await aside(live_room.visitor, stream, noa) as laptop,
        await aside(live_room.visitor, stream, ben) as other,
    ):
        await aside(tell, noa.id)
        for viewer in (phone, laptop):
            assert (await viewer.wait("cart.updated", lambda d: d["version"] == 1))["d"] == cart
        await aside(slow, stream, 1)
        await other.wait("chat.mode")

    assert [event["d"]["version"] for event in other.of("cart.updated")] == []
