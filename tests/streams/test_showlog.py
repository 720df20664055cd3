"""The show log: one place per event, in order, once; and a new epoch when Redis has forgotten."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import outbox, redis_client
from commerce.models import Event
from commerce.relay import Relay
from streams import announce, chat, hearers, pins, showlog
from streams.frames import wire
from streams.models import ShowEvent, Stream
from tests.streams import make

STREAM = UUID(int=7)


def tell(n: int, *, key: str | None = None, stream_id: UUID = STREAM) -> showlog.Place:
    return showlog.append(
        stream_id=stream_id, t="chat.mode", d={"slow_s": n}, key=key or f"k{n}", ts=1000 + n
    )


async def lane(after: int = 0, *, stream_id: UUID = STREAM) -> showlog.Lane:
    client = redis_client.asynchronous()
    try:
        return await showlog.read(client, stream_id=stream_id, after=after)
    finally:
        await client.aclose()


@pytest.fixture
def heard(redis_server: redis.Redis) -> Any:
    """Return a function that gives what has been published for STREAM so far."""
    ear = redis_server.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    ear.subscribe(showlog.channel(STREAM))
    ear.get_message(timeout=1)

    def messages() -> list[str]:
        found = []
        while (message := ear.get_message(timeout=0.1)) is not None:
            found.append(message["data"].decode())
        return found

    yield messages
    ear.close()


async def test_events_get_places_one_after_another() -> None:
    places = [tell(n) for n in range(3)]

    told = await lane()

    assert [place.offset for place in places] == [1, 2, 3]
    assert len({place.epoch for place in places}) == 1
    assert (told.epoch, told.top) == (places[0].epoch, 3)
    assert [offset for offset, _ in told.frames] == [1, 2, 3]
    assert [wire.check(frame)[0]["d"]["slow_s"] for _, frame in told.frames] == [0, 1, 2]


def test_the_same_key_has_one_place_and_is_published_once(heard: Any) -> None:
    first = tell(1, key="event-1")
    tell(2, key="event-2")
    again = showlog.append(stream_id=STREAM, t="chat.mode", d={"slow_s": 1}, key="event-1", ts=9999)

    assert (again.epoch, again.offset, again.ts, again.fresh) == (first.epoch, 1, first.ts, False)
    assert [message.split("|")[2] for message in heard()] == ["1", "2"]


def test_without_the_key_the_same_event_would_be_told_twice(heard: Any) -> None:
    tell(1, key="event-1")
    tell(1, key="another-key")

    assert len(heard()) == 2


async def test_only_the_last_events_can_be_resumed_from() -> None:
    for n in range(showlog.RING + 10):
        tell(n)

    told = await lane()

    assert told.top == showlog.RING + 10
    assert [offset for offset, _ in told.frames] == list(range(11, showlog.RING + 11))


async def test_a_forgotten_lane_begins_a_new_epoch(redis_server: redis.Redis) -> None:
    before = tell(1)
    redis_server.flushall()

    after = tell(2)

    assert after.offset == 1
    assert after.epoch != before.epoch
    assert [offset for offset, _ in (await lane()).frames] == [1]


async def test_frames_of_an_old_epoch_do_not_outlive_it(redis_server: redis.Redis) -> None:
    for n in range(5):
        tell(n)
    redis_server.delete(f"{showlog.base(STREAM)}:m")  # as an eviction would

    place = tell(9)

    assert place.offset == 1
    assert [offset for offset, _ in (await lane()).frames] == [1]


async def test_a_lane_of_another_run_of_redis_begins_a_new_epoch(redis_server: redis.Redis) -> None:
    """A restart may have lost the last moments: an offset told before it must not mean another event."""
    before = [tell(n) for n in range(3)][-1]
    again = tell(3)
    assert (again.epoch, again.offset) == (before.epoch, 4)  # The same run goes on.
    redis_server.hset(f"{showlog.base(STREAM)}:m", mapping={"run": "of-before", "top": 2})

    assert (await lane()).top == 0
    place = tell(9)

    assert place.epoch != before.epoch
    assert place.offset == 1
    assert [offset for offset, _ in (await lane()).frames] == [1]


def test_a_users_lane_of_another_run_of_redis_begins_a_new_epoch(redis_server: redis.Redis) -> None:
    user = uuid4()
    showlog.tell_user(user_id=user, t="chat.held", d={}, ts=1)
    epoch, top = showlog.user_position(user)
    assert (epoch, top) == showlog.user_position(user)
    redis_server.hset(f"{showlog.user_channel(user)}:m", "run", "of-before")

    assert showlog.user_position(user)[0] != epoch
    assert showlog.user_position(user)[1] == 0


async def test_an_older_state_does_not_replace_a_newer_one(heard: Any) -> None:
    def left(n: int, units: int) -> bool:
        return showlog.tell_state(
            stream_id=STREAM, t="stock.changed", k="stock:v", n=n, d={"variant": str(STREAM), "left": units}
        )

    assert [left(5, 50), left(4, 60), left(5, 51), left(6, 40)] == [True, False, False, True]
    version, frame = (await lane()).states["stock:v"]
    assert version == 6
    assert wire.check(frame)[0]["d"]["left"] == 40
    assert len(heard()) == 2


async def test_a_lane_that_nobody_has_told_anything_has_an_epoch() -> None:
    first, second = await lane(), await lane()

    assert first.epoch == second.epoch == showlog.position(STREAM)[0]
    assert (first.top, first.frames) == (0, [])
    assert tell(1).epoch == first.epoch


# --- hearers ---

pytestmark = pytest.mark.django_db(transaction=True)


def frames_of(stream: Stream) -> list[tuple[int, str]]:
    return list(ShowEvent.objects.filter(stream=stream).order_by("offset").values_list("offset", "frame__t"))


def deliver() -> None:
    relay = Relay({"room.told": ["streams.hearers.tell_room"]})
    while relay.deliver_due():
        pass


def two_pins() -> Stream:
    stream = make.show(live=False, products=(make.product(), make.product("Mascara")))
    Event.objects.all().delete()
    Stream.objects.filter(pk=stream.pk).update(status="live", live_at=make.NOW)
    for number in (0, 1):
        item = make.item(stream, number)
        pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.NOW)
    return stream


def test_what_the_room_was_told_is_kept_as_evidence() -> None:
    stream = two_pins()

    deliver()

    rows = list(ShowEvent.objects.filter(stream=stream).order_by("offset"))
    assert [row.frame["d"]["product"]["title"] for row in rows] == ["Velvet lipstick", "Mascara"]
    for row in rows:
        [event] = wire.check(wire.dumps(row.frame))
        assert (event["e"], event["o"]) == (row.epoch, row.offset)


async def test_the_evidence_is_what_was_sent() -> None:
    from tests.live_server import aside

    stream = await aside(two_pins)
    await aside(deliver)

    sent = [wire.check(frame)[0] for _, frame in (await lane(stream_id=stream.id)).frames]

    kept = await aside(lambda: [row.frame for row in ShowEvent.objects.order_by("offset")])
    assert sent == kept


def test_a_second_delivery_changes_nothing() -> None:
    stream = two_pins()
    deliver()
    before = frames_of(stream)

    for event in Event.objects.filter(name="room.told"):
        hearers.tell_room(event.payload, key=event.key)

    assert frames_of(stream) == before
    assert showlog.position(stream.id)[1] == 2


def test_a_crash_between_redis_and_the_database_is_made_good_by_the_second_delivery() -> None:
    stream = two_pins()
    event = Event.objects.order_by("id").first()
    assert event is not None
    showlog.append(
        stream_id=stream.id,
        t=event.payload["t"],
        d=event.payload["d"],
        key=event.key,
        ts=make.NOW.microsecond,
    )

    deliver()

    assert frames_of(stream) == [(1, "product.pinned"), (2, "product.pinned")]


def test_events_are_told_in_the_order_in_which_they_were_recorded() -> None:
    stream = two_pins()
    later = Event.objects.filter(name="room.told").order_by("-id").first()
    assert later is not None

    # As when the first one's delivery failed and waits for its next try.
    hearers.tell_room(later.payload, key=later.key)
    deliver()

    titles = (
        ShowEvent.objects.filter(stream=stream)
        .order_by("offset")
        .values_list("frame__d__product__title", flat=True)
    )
    assert list(titles) == ["Velvet lipstick", "Mascara"]


def test_what_redis_has_forgotten_is_not_told_again_after_its_successors(redis_server: redis.Redis) -> None:
    """The relay told it, was killed before it could note so, and Redis lost everything meanwhile."""
    stream = two_pins()
    first, second = Event.objects.filter(name="room.told").order_by("id")
    hearers.tell_room(first.payload, key=first.key)
    hearers.tell_room(second.payload, key=second.key)
    redis_server.flushall()
    hearers._told.clear()

    deliver()
    third = tell(3, key="third", stream_id=stream.id)

    assert (third.offset, ShowEvent.objects.filter(stream=stream).count()) == (1, 2)


def test_what_was_not_kept_is_told_in_the_new_epoch_and_kept(redis_server: redis.Redis) -> None:
    stream = two_pins()
    first, second = Event.objects.filter(name="room.told").order_by("id")
    hearers.tell_room(first.payload, key=first.key)
    showlog.append(
        stream_id=stream.id, t=second.payload["t"], d=second.payload["d"], key=second.key, ts=1
    )  # and the relay was killed before it kept the evidence
    redis_server.flushall()
    hearers._told.clear()

    deliver()

    rows = list(ShowEvent.objects.filter(stream=stream).order_by("id").values_list("key", "offset"))
    assert rows == [(first.key, 1), (second.key, 1)]
    assert ShowEvent.objects.filter(stream=stream).values("epoch").distinct().count() == 2


def test_what_waits_in_a_lane_is_found_by_an_index() -> None:
    stream = two_pins()
    Event.objects.bulk_create(
        [Event(name="noise", key=f"noise:{n}", payload={}, lane="") for n in range(3000)]
        + [Event(name="noise", key=f"other:{n}", payload={}, lane=str(uuid4())) for n in range(3000)]
    )
    last = Event.objects.filter(name="room.told").order_by("-id").first()
    assert last is not None
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE commerce_event")

    with CaptureQueriesContext(connection) as captured:
        assert len(outbox.waiting_before(key=last.key, lane=str(stream.id))) == 1
        [query] = captured.captured_queries
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "event_waiting_in_lane" in plan
    assert "Seq Scan" not in plan


def test_events_of_another_show_are_not_told_with_it() -> None:
    one, other = two_pins(), make.show(products=(make.product(),))
    last = Event.objects.filter(lane=str(one.id)).order_by("-id").first()
    assert last is not None

    assert {payload["stream"] for _, payload in outbox.waiting_before(key=last.key, lane=str(one.id))} == {
        str(one.id)
    }
    assert outbox.waiting_before(key=last.key, lane=str(other.id)) == []
    assert outbox.waiting_before(key=last.key, lane="") == []


def test_nothing_is_told_of_a_change_that_was_rolled_back() -> None:
    with pytest.raises(outbox.OutsideTransaction):
        announce.tell_room(stream_id=uuid4(), t="chat.mode", d={"slow_s": 1})


async def read_left(stream: Stream, variant: UUID) -> int:
    _, frame = (await lane(stream_id=stream.id)).states[f"stock:{variant}"]
    left: int = wire.check(frame)[0]["d"]["left"]
    return left


def test_stock_is_shown_as_it_is_when_it_is_shown() -> None:
    stream = make.show(products=(make.product(variants=(("Red", 1999, 4),)),))
    variant = make.item(stream).product.variants.get()
    payload = {"variants": [str(variant.id)], "offers": []}

    variant.stock.available, variant.stock.version = 3, 1
    variant.stock.save()
    hearers.show_stock(payload, key="a")
    hearers.show_stock(payload, key="b")
    assert asyncio.run(read_left(stream, variant.id)) == 3
    variant.stock.available, variant.stock.version = 0, 2
    variant.stock.save()
    hearers.show_stock(payload, key="c")
    hearers.show_stock(payload, key="c")

    assert ShowEvent.objects.filter(stream=stream, frame__t="stock.sold_out").count() == 1
    assert asyncio.run(read_left(stream, variant.id)) == 0


def test_a_show_that_is_not_live_hears_nothing_of_stock() -> None:
    stream = make.show(live=False, products=(make.product(variants=(("Red", 1999, 0),)),))
    variant = make.item(stream).product.variants.get()

    hearers.show_stock({"variants": [str(variant.id)], "offers": []}, key="a")

    assert showlog.position(stream.id)[1] == 0


def test_a_line_that_is_taken_down_is_told_once() -> None:
    stream = make.show()
    Event.objects.all().delete()
    noa = make.user()
    said = chat.say(stream_id=stream.id, author_id=noa.id, key=uuid4(), text="Hi", now=make.NOW)
    for _ in range(2):
        chat.remove(
            host_id=stream.host_id, message_id=said.message.id, by_id=stream.host.user_id, now=make.NOW
        )

    deliver()

    assert frames_of(stream) == [(1, "chat.removed")]
