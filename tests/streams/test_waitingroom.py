"""The waiting room over one real Redis: a fair draw, the pace, and nothing granted that was not there."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from commerce import errors, redis_client
from config.embedded import free_port
from streams import offers, showlog, waitingroom
from streams.live.doorman import Doorman
from streams.models import Offer
from tests.orders.waitlist.lining import Drop, drop

pytestmark = pytest.mark.django_db


def room(*, opens_in: float = 0, pace: int = 50, seconds: float = 600) -> Drop:
    """A drop with a waiting room by the clock on the wall, which is Redis' own."""
    now = datetime.now(UTC)
    opens = now + timedelta(seconds=opens_in)
    return drop(quota=2, admits_per_second=pace, opens_at=opens, closes_at=opens + timedelta(seconds=seconds))


def enter(made: Drop, user: UUID | None = None) -> dict[str, Any]:
    return waitingroom.enter(
        user_id=user or uuid4(), stream_id=made.stream.id, offer_id=made.offer.id, now=datetime.now(UTC)
    )


def opens_now(made: Drop) -> None:
    opens = datetime.now(UTC) - timedelta(milliseconds=1)
    Offer.objects.filter(pk=made.offer.pk).update(opens_at=opens, closes_at=opens + timedelta(seconds=600))
    ms = int(opens.timestamp() * 1000)
    waitingroom.follow(offer_id=made.offer.id, opens_ms=ms, closes_ms=ms + 600_000)


def opens_later(made: Drop) -> None:
    """Let nobody have come yet, and the opening be ahead."""
    opens = datetime.now(UTC) + timedelta(seconds=60)
    Offer.objects.filter(pk=made.offer.pk).update(opens_at=opens, closes_at=opens + timedelta(seconds=600))
    redis_client.sync().flushall()


def look(made: Drop) -> waitingroom.Look:
    async def once() -> waitingroom.Look:
        client = redis_client.asynchronous()
        try:
            return next(each for each in await waitingroom.look(client) if each.offer_id == made.offer.id)
        finally:
            await client.aclose()

    return asyncio.run(once())


def later(made: Drop, ms: int) -> None:
    """Let it be that long since the last look, without waiting for it."""
    room_key = waitingroom.keys(made.offer.id)[0]
    client = redis_client.sync()
    last = client.hget(room_key, "last")
    client.hset(room_key, "last", int(last or 0) - ms)


# --- places ---


def test_before_the_opening_nobody_has_a_number() -> None:
    made = room(opens_in=60)
    ana = uuid4()

    first, again = enter(made, ana), enter(made, ana)

    assert first["number"] is None
    assert (again["waiting"], again["until"]) == (1, None)
    assert look(made).drawn == look(made).admitted == []


def test_the_opening_draws_every_number_once_and_not_by_who_came_first() -> None:
    made = room(opens_in=60, pace=1)
    people = [uuid4() for _ in range(40)]
    for each in people:
        enter(made, each)
    opens_now(made)

    drawn = look(made).drawn

    assert sorted(drawn) == sorted(map(str, people))
    assert drawn != [str(each) for each in people]
    assert [enter(made, UUID(each))["number"] for each in drawn] == list(range(1, 41))
    assert look(made).drawn == []


def test_a_draw_gives_everybody_the_same_chance() -> None:
    """Who came first of three is first in about a third of 90 draws; 5 standard deviations are allowed."""
    wins, made = 0, room(opens_in=60)
    for _ in range(90):
        opens_later(made)
        first = uuid4()
        for each in (first, uuid4(), uuid4()):
            enter(made, each)
        opens_now(made)
        wins += enter(made, first)["number"] == 1
    assert 8 <= wins <= 52


def test_who_comes_after_the_opening_stands_behind() -> None:
    made = room(opens_in=60)
    early = [uuid4(), uuid4()]
    for each in early:
        enter(made, each)
    opens_now(made)

    assert enter(made)["number"] == 3
    assert enter(made)["number"] == 4
    assert {enter(made, each)["number"] for each in early} == {1, 2}


# --- the door ---


def test_the_door_lets_in_at_its_pace_in_order() -> None:
    made = room(pace=2)
    people = [uuid4() for _ in range(5)]
    places = [enter(made, each)["number"] for each in people]
    look(made)  # The draw, of those who are there already.
    later(made, 1000)

    moved = look(made)

    assert places == [1, 2, 3, 4, 5]
    assert moved.admitted == [str(each) for each in people[:2]]
    assert (moved.admitted_up_to, moved.waiting) == (2, 3)
    assert enter(made, people[0])["until"] == moved.until
    assert (enter(made, people[2])["number"], enter(made, people[2])["admitted"]) == (3, 2)


def test_a_pause_is_not_made_up_for_by_a_crowd() -> None:
    made = room(pace=2)
    for _ in range(9):
        enter(made)
    look(made)
    later(made, 60_000)

    assert len(look(made).admitted) == 2


def test_several_processes_keep_one_pace() -> None:
    made = room(pace=5)
    for _ in range(30):
        enter(made)
    look(made)
    later(made, 1000)

    async def at_once() -> list[list[waitingroom.Look]]:
        clients = [redis_client.asynchronous() for _ in range(8)]
        try:
            return await asyncio.gather(*(waitingroom.look(each) for each in clients))
        finally:
            for each in clients:
                await each.aclose()

    looks = [look for found in asyncio.run(at_once()) for look in found if look.offer_id == made.offer.id]

    admitted = [user for look in looks for user in look.admitted]
    assert 5 <= len(admitted) <= 6  # One more if a fifth of a second went by meanwhile.
    assert len(set(admitted)) == len(admitted)
    assert [each.tell for each in looks].count(True) <= 1


def test_having_been_let_in_ends_and_then_one_stands_behind(settings: Any) -> None:
    settings.ADMISSION_SECONDS = 0
    made = room(pace=50)
    ana = uuid4()
    enter(made, ana)
    enter(made)
    look(made)
    later(made, 1000)
    look(made)

    again = enter(made, ana)

    assert (again["until"], again["number"]) == (None, 3)


def test_who_leaves_is_let_in_no_more() -> None:
    made = room(pace=50)
    ana = uuid4()
    enter(made, ana)

    waitingroom.leave(user_id=ana, stream_id=made.stream.id, offer_id=made.offer.id)
    look(made)
    later(made, 1000)

    assert look(made).admitted == []


def test_nobody_is_let_in_while_there_is_nothing_to_be_had() -> None:
    made = room(pace=50)
    enter(made)
    look(made)
    waitingroom.shut(offer_id=made.offer.id)
    later(made, 1000)
    assert look(made).admitted == []

    opens_now(made)
    later(made, 1000)
    assert len(look(made).admitted) == 1


# --- without Redis' memory, and without Redis ---


def test_a_room_that_redis_forgot_begins_anew_and_grants_nothing() -> None:
    made = room(pace=50)
    ana = uuid4()
    before = enter(made, ana)
    look(made)
    later(made, 1000)
    assert look(made).admitted
    redis_client.sync().delete(*waitingroom.keys(made.offer.id))

    after = enter(made, ana)

    assert (after["until"], after["number"]) == (None, 1)
    assert after["epoch"] != before["epoch"]


def test_a_room_that_is_gone_is_looked_at_no_more() -> None:
    made = room()
    enter(made)
    redis_client.sync().delete(*waitingroom.keys(made.offer.id))

    asyncio.run(_look_at_all())
    assert str(made.offer.id).encode() not in redis_client.sync().smembers(waitingroom.ROOMS)


async def _look_at_all() -> None:
    client = redis_client.asynchronous()
    try:
        await waitingroom.look(client)
    finally:
        await client.aclose()


def test_without_redis_nobody_hangs_at_the_door(settings: Any) -> None:
    made = room()
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    redis_client.sync.cache_clear()
    try:
        with pytest.raises(errors.Unavailable):
            enter(made)
    finally:
        redis_client.sync.cache_clear()


# --- who may not enter ---


def test_an_offer_without_a_room_and_one_that_is_not_there_cannot_be_entered() -> None:
    with pytest.raises(waitingroom.NoWaitingRoom):
        enter(drop())
    made, other = room(), room()
    with pytest.raises(offers.UnknownOffer):
        waitingroom.enter(
            user_id=uuid4(), stream_id=other.stream.id, offer_id=made.offer.id, now=datetime.now(UTC)
        )
    with pytest.raises(offers.UnknownOffer):
        waitingroom.leave(user_id=uuid4(), stream_id=other.stream.id, offer_id=made.offer.id)
    Offer.objects.filter(pk=made.offer.pk).update(status="ended", reason="host")
    with pytest.raises(offers.OfferEnded):
        enter(made)
    Offer.objects.filter(pk=made.offer.pk).update(reason="sold_out")
    with pytest.raises(offers.OfferSoldOut):
        enter(made)
    assert redis_client.sync().exists(waitingroom.keys(made.offer.id)[0]) == 0


# --- what is told ---


def test_everybody_is_told_her_number_once_and_the_room_how_far_it_is() -> None:
    made = room(opens_in=60, pace=50)
    people = [uuid4() for _ in range(3)]
    for each in people:
        enter(made, each)
    opens_now(made)

    async def hear() -> list[tuple[str, str]]:
        client = redis_client.asynchronous()
        ear = client.pubsub()
        await ear.subscribe(*(showlog.user_channel(each) for each in people), showlog.channel(made.stream.id))
        doorman = Doorman(client)
        heard: list[tuple[str, str]] = []
        for _ in range(2):
            for seen in await waitingroom.look(client):
                if seen.offer_id == made.offer.id:
                    await doorman.tell(seen)
            await asyncio.to_thread(later, made, 1000)
        async with asyncio.timeout(10):
            while len(heard) < 7:
                said = await ear.get_message(ignore_subscribe_messages=True, timeout=1)
                if said:
                    heard.append((said["channel"].decode(), said["data"].decode()))
        await ear.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()
        return heard

    heard = asyncio.run(hear())

    own = {str(each): [text for channel, text in heard if channel.endswith(str(each))] for each in people}
    assert all('"waitingroom.drawn"' in told[0] for told in own.values())
    assert all('"waitingroom.admitted"' in told[1] for told in own.values())
    (moved,) = [text for channel, text in heard if channel == showlog.channel(made.stream.id)]
    assert '"waitingroom.moved"' in moved
