"""The pace of a waiting room, and places that are looked up."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from commerce import redis_client
from config.embedded import free_port
from streams import waitingroom
from streams.live.doorman import Doorman
from tests.orders.waitlist.lining import Drop
from tests.streams.test_waitingroom import enter, later, look, room

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("pace", [1, 3, 7])
def test_looking_often_is_not_slower_than_the_pace(pace: int) -> None:
    made = room(pace=pace)
    for _ in range(60):
        enter(made)
    look(made)
    began = _clock()

    admitted = 0
    for _ in range(8):
        later(made, 500)
        admitted += len(look(made).admitted)

    seconds = 4 + (_clock() - began)
    assert int(4 * pace) - 1 <= admitted <= int(seconds * pace) + 1


def _clock() -> float:
    seconds, micros = redis_client.sync().time()
    return float(seconds) + micros / 1e6


def places(made: Drop, user: UUID) -> list[dict[str, Any]]:
    return waitingroom.places(user_id=user, offer_ids=[made.offer.id])


def test_a_place_is_looked_up_as_entering_says_it_and_nobody_enters_by_that() -> None:
    made, other = room(opens_in=60), room(pace=2)
    ana, bea = uuid4(), uuid4()
    assert places(made, ana) == []
    assert places(made, ana) == [], "and looking entered nobody"

    before = enter(made, ana)
    assert places(made, ana) == [before]
    assert (before["number"], before["until"]) == (None, None)
    assert places(made, bea) == []

    enter(other, bea)
    second = enter(other, ana)
    both = waitingroom.places(user_id=ana, offer_ids=[uuid4(), made.offer.id, other.offer.id])
    assert both == [before, second]
    assert second["number"] == 2

    look(other)
    later(other, 1000)
    until = look(other).until
    assert [each["until"] for each in places(other, ana)] == [until]


def test_who_was_let_in_and_came_too_late_has_no_place(settings: Any) -> None:
    settings.ADMISSION_SECONDS = 0
    made = room(pace=50)
    ana = uuid4()
    enter(made, ana)
    look(made)
    later(made, 1000)
    assert look(made).admitted == [str(ana)]

    assert places(made, ana) == []


def test_without_redis_places_are_unknown_and_nothing_fails(settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    redis_client.sync.cache_clear()
    try:
        assert waitingroom.places(user_id=uuid4(), offer_ids=[uuid4()]) == []
    finally:
        redis_client.sync.cache_clear()


def test_a_doorman_who_stumbles_opens_the_door_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    async def stumble(_: Any) -> Any:
        nonlocal looked
        looked += 1
        if looked == 1:
            raise ValueError("a room that nobody can read")
        raise asyncio.CancelledError

    monkeypatch.setattr(waitingroom, "look", stumble)
    monkeypatch.setattr("streams.live.doorman.EVERY_SECONDS", 0.001)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Doorman(redis_client.asynchronous()).run())

    assert looked == 2
