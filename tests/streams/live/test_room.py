"""One room: nothing is told twice or out of order, a gap is noticed, and to resume is all or nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from streams.frames import wire
from streams.live import ticks
from streams.live.room import Room, Show
from streams.showlog import RING, Lane
from tests.live_server import eventually
from tests.streams.live.phones import Queue

SHOW = Show(UUID(int=1), "evening-glow", UUID(int=2))


def frame(n: int, epoch: str = "aa") -> str:
    head, tail = wire.must_halves("chat.mode", {"slow_s": n}, ts=1)
    return f'{head}{epoch}","o":{n}{tail}'


def published(n: int, epoch: str = "aa") -> bytes:
    return f"m|{epoch}|{n}|{frame(n, epoch)}".encode()


def lane(first: int, last: int, epoch: str = "aa") -> Lane:
    return Lane(epoch, last, [(n, frame(n, epoch)) for n in range(first, last + 1)], {})


class Watcher:
    """A viewer that reads at once."""

    def __init__(self) -> None:
        self.phone = Queue()
        self.viewer = self.phone.viewer

    async def events(self) -> list[dict[str, Any]]:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.phone.got()

    async def offsets(self) -> list[int]:
        return [event["o"] for event in await self.events() if event.get("l") == "s"]


@pytest.fixture
def gaps() -> list[Room]:
    return []


@pytest.fixture
def room(gaps: list[Room]) -> Room:
    """A room whose lane stands at 10 of epoch aa, with events 6 to 10 at hand."""
    made = Room(SHOW, on_gap=gaps.append)
    made.settle(lane(6, 10))
    return made


@pytest.fixture
async def watch() -> AsyncIterator[Callable[[Room, int], Watcher]]:
    made: list[Watcher] = []

    def join(room: Room, after: int) -> Watcher:
        watcher = Watcher()
        made.append(watcher)
        room.admit(watcher.viewer)
        room.join(watcher.viewer, after=after)
        return watcher

    yield join
    for watcher in made:
        await watcher.phone.end()


Watch = Callable[[Room, int], Watcher]


async def test_who_resumes_gets_what_was_missed_and_then_what_comes(room: Room, watch: Watch) -> None:
    watcher = watch(room, 7)
    room.hear(published(11))

    assert await watcher.offsets() == [8, 9, 10, 11]
    assert watcher.viewer.position == ("aa", 11)


@pytest.mark.parametrize(
    ("epoch", "offset", "can"),
    [
        ("aa", 10, True),
        ("aa", 5, True),
        ("aa", 4, False),
        ("aa", 0, False),
        ("aa", 11, False),
        ("bb", 10, False),
    ],
)
def test_only_a_place_from_which_nothing_is_missing_can_be_resumed(
    room: Room, epoch: str, offset: int, can: bool
) -> None:
    assert room.can_resume(epoch, offset) is can


async def test_a_place_older_than_the_ring_cannot_be_resumed(room: Room) -> None:
    for n in range(11, 11 + RING):
        room.hear(published(n))

    assert not room.can_resume("aa", 9)
    assert room.can_resume("aa", 10)


async def test_an_event_that_comes_twice_is_told_once(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    for n in (11, 11, 9, 12, 11):
        room.hear(published(n))

    assert await watcher.offsets() == [11, 12]


async def test_nothing_is_told_past_a_gap(room: Room, watch: Watch, gaps: list[Room]) -> None:
    watcher = watch(room, 10)
    room.hear(published(12))
    room.hear(published(13))
    assert gaps == [room]
    assert await watcher.offsets() == []

    assert room.settle(lane(11, 12))

    assert await watcher.offsets() == [11, 12, 13]


async def test_a_hole_that_cannot_be_filled_means_a_snapshot_for_all(
    room: Room, watch: Watch, gaps: list[Room]
) -> None:
    watcher = watch(room, 10)
    room.hear(published(700))

    assert not room.settle(lane(300, 700))

    assert (room.epoch, room.top) == ("aa", 700)
    assert await watcher.offsets() == []


async def test_a_new_epoch_means_a_snapshot_for_all(room: Room, watch: Watch, gaps: list[Room]) -> None:
    watch(room, 10)
    room.hear(published(1, "bb"))
    assert gaps == [room]

    assert not room.settle(lane(1, 1, "bb"))

    assert (room.epoch, room.top) == ("bb", 1)
    assert not room.can_resume("aa", 10)


async def test_in_a_new_epoch_states_may_count_from_the_beginning(room: Room, watch: Watch) -> None:
    counted = '{"v":1,"t":"reaction.count","k":"reactions","n":%d,"d":{"counts":{}}}'
    room.hear(b"s|reactions|500|" + (counted % 500).encode())
    room.settle(lane(1, 1, "bb"))

    watcher = watch(room, 1)
    room.hear(b"s|reactions|1|" + (counted % 1).encode())
    await eventually(lambda: [each["n"] for each in watcher.phone.got() if each.get("k")] == [1])


async def test_a_lane_that_went_backwards_is_not_continued(room: Room, watch: Watch) -> None:
    watch(room, 10)
    room.unsettle()

    assert not room.settle(lane(6, 8))


async def test_while_the_lane_is_read_nothing_is_lost(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    room.unsettle()
    room.hear(published(11))
    room.hear(published(12))

    assert room.settle(lane(11, 11))

    assert await watcher.offsets() == [11, 12]


async def test_what_an_epoch_has_left_behind_does_not_keep_the_room_waiting(
    room: Room, watch: Watch, gaps: list[Room]
) -> None:
    room.unsettle()
    room.hear(published(11))  # A moment before Redis lost its data.
    asked = room.waiting
    room.hear(published(1, "bb"))

    assert room.settle(lane(1, 1, "bb"), before=asked)
    assert room.settled
    watcher = watch(room, 1)
    room.hear(published(2, "bb"))
    assert await watcher.offsets() == [2]


async def test_what_came_while_the_lane_was_read_may_be_of_the_next_epoch(
    room: Room, gaps: list[Room]
) -> None:
    room.unsettle()
    asked = room.waiting
    room.hear(published(1, "cc"))

    assert room.settle(lane(1, 1, "bb"), before=asked)
    assert not room.settled
    assert gaps == [room]
    room.settle(lane(1, 1, "cc"), before=room.waiting)
    assert (room.settled, room.epoch, room.top) == (True, "cc", 1)


async def test_states_are_told_newest_once_a_tick(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    for n in (1, 3, 2):
        room.hear(f"s|viewers|{n}|{wire.state('viewers.count', 'viewers', n, {'n': n})}".encode())
    await asyncio.sleep(ticks.STATE_SECONDS + 0.1)

    assert [event["d"]["n"] for event in await watcher.events()] == [3]
    assert [event["d"]["n"] for event in await watch(room, 10).events()] == [3]


def line(n: int, by: str = "") -> bytes:
    return f"b|{UUID(int=n)}|{by}|{wire.event('chat.message', {'id': UUID(int=n)}, ts=n)}".encode()


async def test_a_line_taken_down_is_not_told_to_newcomers(room: Room, watch: Watch) -> None:
    for n in (1, 2):
        room.hear(line(n))
    head, tail = wire.must_halves("chat.removed", {"id": UUID(int=1)}, ts=1)
    room.hear(f'm|aa|11|{head}aa","o":11{tail}'.encode())

    events = await watch(room, 11).events()

    assert [event["d"]["id"] for event in events] == [str(UUID(int=2))]


async def test_nothing_is_kept_of_who_has_left(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    room.part(watcher.viewer)
    room.hear(published(11))

    assert await watcher.offsets() == []
    assert not room.members
    assert not room.viewers


async def test_what_a_viewer_was_shown_is_known_also_when_it_has_left(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    room.hear(published(11))
    room.leave(watcher.viewer)
    room.hear(published(12))

    assert watcher.viewer.position == ("aa", 11)


async def test_too_much_to_replay_cannot_be_resumed(room: Room) -> None:
    for n in range(11, 31):
        head, tail = wire.must_halves("chat.mode", {"slow_s": n, "pad": "x" * 100_000}, ts=1)
        room.hear(f'm|aa|{n}|{head}aa","o":{n}{tail}'.encode())

    assert not room.can_resume("aa", 10)
    assert room.can_resume("aa", 25)


async def test_a_line_taken_down_before_it_was_told_is_not_told(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    room.hear(line(1))
    head, tail = wire.must_halves("chat.removed", {"id": UUID(int=1)}, ts=1)
    room.hear(f'm|aa|11|{head}aa","o":11{tail}'.encode())
    await asyncio.sleep(ticks.CHAT_SECONDS + 0.1)

    assert [event["t"] for event in await watcher.events()] == ["chat.removed"]


async def test_a_line_taken_down_is_not_told_to_who_is_behind(room: Room, watch: Watch) -> None:
    watcher = watch(room, 10)
    await watcher.phone.jam()
    room.hear(line(1))
    await asyncio.sleep(ticks.CHAT_SECONDS + 0.1)
    assert watcher.viewer.held > 0
    head, tail = wire.must_halves("chat.removed", {"id": UUID(int=1)}, ts=1)
    room.hear(f'm|aa|11|{head}aa","o":11{tail}'.encode())
    watcher.phone.go()

    assert [event["t"] for event in await watcher.phone.events(1)] == ["chat.removed"]


async def test_who_says_a_line_that_the_room_is_spared_sees_it(room: Room, watch: Watch) -> None:
    author, other = watch(room, 10), watch(room, 10)
    author.viewer.user_id = UUID(int=7)
    lines = [line(n, by=f"viewer:{UUID(int=7)}") for n in range(5 * ticks.CHAT_PER_TICK)]
    for each in lines:
        room.hear(each)
    await asyncio.sleep(ticks.CHAT_SECONDS + 0.1)

    def told(events: list[dict[str, Any]]) -> list[str]:
        return [event["d"]["id"] for event in events if event["t"] == "chat.message"]

    assert sorted(told(await author.events())) == [str(UUID(int=n)) for n in range(5 * ticks.CHAT_PER_TICK)]
    assert len(told(await other.events())) == ticks.CHAT_PER_TICK
