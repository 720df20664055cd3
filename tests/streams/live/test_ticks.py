"""What is gathered into one frame, how often it is told, and which lines of chat a room is spared."""

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import uvloop

from streams.frames import wire
from streams.live import packing, ticks
from streams.live.ticks import Batch, Line, Ticks
from tests.streams.live.phones import Queue, now


class Room:
    """Whatever is told, and when."""

    def __init__(self) -> None:
        self.told: list[tuple[float, Batch]] = []
        self.due: list[float] = []  # When each was to be told; a busy machine is late now and then.
        self.ticks = Ticks(self.tell)
        self.takes = 0.0

    def tell(self, batch: Batch) -> None:
        self.told.append((now(), batch))
        self.due.append(self.ticks._fires_at)
        if self.takes:
            asyncio.get_running_loop().call_later(self.takes, self.ticks.told)
        else:
            self.ticks.told()

    async def after(self, seconds: float) -> list[tuple[float, Batch]]:
        await asyncio.sleep(seconds)
        return self.told


@pytest.fixture
async def room() -> Room:
    return Room()


@pytest.fixture(autouse=True)
def no_timer_left(room: Room) -> Iterator[None]:
    yield
    room.ticks.stop()


def line(n: int, role: str = "viewer", author: str = "") -> Line:
    return Line(str(n), role, author, wire.event("chat.message", {"id": str(n)}).encode())


def state(key: str, n: int) -> bytes:
    return wire.state("stock.changed", key, n, {"left": n}).encode()


def events(batch: Batch) -> list[dict[str, Any]]:
    [payload] = packing.unpack(batch.frame)
    return [json.loads(each) for each in payload.split(b"\n")]


async def test_what_comes_after_silence_goes_at_once(room: Room) -> None:
    began = now()
    room.ticks.show("stock:a", state("stock:a", 1))
    [(at, _)] = await room.after(0.05)
    assert at - began < ticks.CHAT_SECONDS / 2

    await asyncio.sleep(ticks.STATE_SECONDS)
    room.ticks.say(line(1))
    assert len(await room.after(0.05)) == 2


async def test_states_and_chat_of_one_moment_go_as_one_frame(room: Room) -> None:
    room.ticks.say(line(1))
    room.ticks.show("stock:a", state("stock:a", 1))
    room.ticks.show("stock:b", state("stock:b", 1))

    [(_, batch)] = await room.after(0.05)
    assert [event["t"] for event in events(batch)] == ["stock.changed", "stock.changed", "chat.message"]


async def test_under_load_states_join_every_other_tick_of_the_chat(room: Room) -> None:
    began = now()
    n = 0
    while now() - began < 1.05:
        n += 1
        room.ticks.say(line(n))
        room.ticks.show("stock:a", state("stock:a", n))
        await asyncio.sleep(0.01)

    told = await room.after(ticks.STATE_SECONDS + 0.1)
    with_states = [batch for _, batch in told if batch.states]
    assert sum(len(batch.lines) for _, batch in told) == n
    assert len(told) <= 14
    assert len(with_states) <= 8
    assert events(with_states[-1])[0]["n"] == n


@pytest.mark.parametrize(("rest", "gap"), [(ticks.REST, 0.2), (0, 0.09)])
async def test_who_takes_long_to_tell_is_told_less_often_and_loses_nothing(
    room: Room, rest: float, gap: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "REST", rest)
    monkeypatch.setattr(ticks, "CHAT_PER_TICK", 5)
    room.takes = 0.04
    began, n = now(), 0
    while now() - began < 1.2:
        n += 1
        room.ticks.say(line(n))
        room.ticks.show("stock:a", state("stock:a", n))
        await asyncio.sleep(0.025)

    told = await room.after(0.5)
    assert min(later - earlier for earlier, later in pairwise(room.due)) >= gap
    assert (len(told) > 8) == (rest == 0)
    assert sum(len(batch.lines) for _, batch in told) == n
    assert not any(event["t"] == "chat.gap" for _, batch in told for event in events(batch))
    assert next(event["n"] for event in events(told[-1][1])) == n


async def test_a_telling_that_never_ends_does_not_silence_the_room(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "MOST_REST_SECONDS", 0.3)
    room.takes = 3600.0
    room.ticks.say(line(1))
    await asyncio.sleep(0.05)
    room.ticks.say(line(2))

    (first, _), (second, _) = await room.after(0.5)
    assert second - first >= 0.3


async def test_some_states_are_told_seldom_and_newest(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ticks.SELDOM, "viewers", 0.6)
    began = now()
    n = 0
    while now() - began < 0.9:
        n += 1
        room.ticks.show("viewers", state("viewers", n))
        room.ticks.show("stock:a", state("stock:a", n))
        await asyncio.sleep(0.01)

    told = await room.after(0.7)
    seldom = [(at, events(batch)) for at, batch in told if "viewers" in batch.states]
    assert len(seldom) <= 3
    assert all(later - earlier > 0.5 for (earlier, _), (later, _) in pairwise(seldom))
    assert next(event["n"] for event in seldom[-1][1] if event["k"] == "viewers") == n
    assert len(told) > len(seldom)


async def test_of_too_many_lines_some_are_spared_and_the_gap_is_told(room: Room) -> None:
    for n in range(ticks.CHAT_PER_TICK * 3):
        room.ticks.say(line(n))

    [(_, batch)] = await room.after(0.05)
    *lines, gap = events(batch)
    ids = [int(event["d"]["id"]) for event in lines]
    assert len(ids) == ticks.CHAT_PER_TICK
    assert ids == sorted(ids)
    assert gap["d"] == {"dropped": ticks.CHAT_PER_TICK * 2}


async def test_the_host_and_moderators_are_never_spared(room: Room) -> None:
    for n in range(200):
        role = "host" if n in (3, 100) else "mod" if n in (50, 199) else "viewer"
        room.ticks.say(line(n, role))

    [(_, batch)] = await room.after(0.05)
    ids = {int(event["d"]["id"]) for event in events(batch)[:-1]}
    assert ids >= {3, 50, 100, 199}
    assert len(ids) == ticks.CHAT_PER_TICK


async def test_lines_that_were_spared_are_known_by_their_author(room: Room) -> None:
    for n in range(ticks.CHAT_PER_TICK * 2):
        room.ticks.say(line(n, author=str(n % 2)))

    [(_, batch)] = await room.after(0.05)
    told = {event["d"]["id"] for event in events(batch)[:-1]}
    left_out = {
        json.loads(each)["d"]["id"]: author
        for author, (_, frame) in batch.left_out.items()
        for each in next(packing.unpack(frame)).split(b"\n")
    }
    assert told | left_out.keys() == {str(n) for n in range(ticks.CHAT_PER_TICK * 2)}
    assert not told & left_out.keys()
    assert all(author == str(int(line_id) % 2) for line_id, author in left_out.items())


async def test_who_is_behind_is_held_it_back_by_class(room: Room) -> None:
    phone = Queue()
    await phone.jam()
    for n in (1, 2):
        Batch({"stock:a": state("stock:a", n)}, [line(n)]).hold(phone.viewer)
    phone.go()

    assert [event["t"] for event in await phone.events(3)] == [
        "stock.changed",
        "chat.message",
        "chat.message",
    ]
    await phone.end()


def test_uvloop_too_tells_together_what_comes_together() -> None:
    # Its handle of a call that is due now cannot say when that is.
    async def tell() -> list[tuple[float, Batch]]:
        room = Room()
        room.ticks.show("stock:a", state("stock:a", 1))
        room.ticks.show("stock:b", state("stock:b", 1))
        room.ticks.say(line(1))
        told = await room.after(0.05)
        room.ticks.stop()
        return told

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        [(_, batch)] = runner.run(tell())

    assert len(events(batch)) == 3
