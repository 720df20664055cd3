"""Telling many: everybody once and in order, whoever comes, goes, falls behind or breaks meanwhile."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.live import fanout as fanouts
from streams.live import packing, tally
from streams.live.fanout import Fanout
from streams.live.viewer import Viewer
from streams.live.ways import Listener
from streams.live.wheel import Wheel
from tests.streams.live.phones import Wire, must, now

FEW = 3


@pytest.fixture(autouse=True, scope="module")
def few_at_once() -> Iterator[None]:
    """Three viewers are already more than fit into one round of the loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanouts, "CHUNK", FEW)
        patch.setattr(fanouts, "EMPTY_SEATS", 0)
        yield


class Pipe:
    """A way out that keeps what it was given."""

    fd = -1

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self.got: list[str] = []
        self.broken = False
        self.was_cut = False

    def write(self, frames: bytes) -> None:
        if self.broken:
            raise RuntimeError("broken")
        self.got.extend(payload.decode() for payload in packing.unpack(frames))

    def waits(self) -> int:
        return 0

    def hang_up(self, code: int) -> None:
        pass

    def cut(self) -> None:
        self.was_cut = True


class Someone:
    """A viewer of a fanout."""

    def __init__(self, fanout: Fanout) -> None:
        self.fanout = fanout
        self.pipe = Pipe()
        self.viewer = Viewer(self.pipe, wheel=Wheel(now()), renew=lambda lane: None)
        self.held = False
        self.sessions: list[tuple[int, int | None]] = []  # From which telling on, and to which.

    def got(self, kind: str) -> list[int]:
        return [int(each[1:]) for each in self.pipe.got if each[0] == kind]


def hold(kind: str, frame: bytes, viewer: Viewer) -> None:
    if kind == "m":
        viewer.hold_must(frame)
    else:
        viewer.hold_chat(1, frame)


def tell(fanout: Fanout, kind: str, n: int) -> None:
    frame = packing.pack(f"{kind}{n}")
    must = kind == "m"
    fanout.tell(frame, kind=kind, hold=partial(hold, kind, frame), overtakes=must, waits=not must)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["come", "come", "go", "go", "must", "must", "tick", "round", "behind", "back"]),
        st.integers(0, 7),
    ),
    max_size=60,
)


@given(STEPS)
def test_everybody_is_told_once_and_in_order_what_is_told_while_she_is_here(
    steps: list[tuple[str, int]],
) -> None:
    asyncio.run(play(steps))


async def play(steps: list[tuple[str, int]]) -> None:
    fanout = Fanout()
    people = [Someone(fanout) for _ in range(8)]
    told: list[str] = []
    for what, number in steps:
        someone = people[number]
        viewer = someone.viewer
        if what == "come" and viewer not in fanout:
            someone.sessions.append((len(told), None))
            fanout.add(viewer)
        elif what == "go" and viewer in fanout:
            fanout.discard(viewer)
            before = [*someone.pipe.got]
            someone.sessions[-1] = (someone.sessions[-1][0], len(told))
            await asyncio.sleep(0)
            assert someone.pipe.got == before, "told after leaving"
        elif what == "behind" and viewer.flows:
            viewer.pause()
        elif what == "back" and not viewer.flows:
            viewer.resume()
        elif what in ("must", "tick"):
            told.append(what[0])
            tell(fanout, what[0], len(told) - 1)
        elif what == "round":
            await asyncio.sleep(0)
    for _ in range(len(told) * len(people) // FEW + 3):
        await asyncio.sleep(0)
    for someone in people:
        someone.viewer.resume()
        for kind in "mt":
            check(someone, kind, told)
    assert len(fanout) == sum(someone.viewer in fanout for someone in people) == len(list(fanout))


def check(someone: Someone, kind: str, told: list[str]) -> None:
    got = someone.got(kind)
    assert got == sorted(set(got)), "twice or out of order"
    for begin, end in someone.sessions:
        due = [n for n in range(begin, len(told) if end is None else end) if told[n] == kind]
        heard = [n for n in got if n in due]
        # One who left may have missed the last ones, but nothing in between.
        assert heard == (due if end is None else due[: len(heard)]), "missed"
        got = [n for n in got if n not in due]
    assert not got, "told what was told before she came or after she left"


async def rounds(n: int) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


async def test_a_few_are_told_at_once() -> None:
    fanout = Fanout()
    people = [Someone(fanout) for _ in range(FEW)]
    for someone in people:
        fanout.add(someone.viewer)
    done: list[int] = []
    fanout.tell(packing.pack("m1"), kind="m", hold=partial(hold, "m", b""), done=lambda: done.append(1))

    assert [someone.got("m") for someone in people] == [[1]] * FEW
    assert done == [1]


async def test_many_are_told_in_several_rounds_between_which_others_have_their_turn() -> None:
    fanout = Fanout()
    people = [Someone(fanout) for _ in range(FEW * 4)]
    for someone in people:
        fanout.add(someone.viewer)
    reached: list[int] = []

    async def other() -> None:
        while not reached or reached[-1] < len(people):
            reached.append(sum(bool(someone.pipe.got) for someone in people))
            await asyncio.sleep(0)

    tell(fanout, "m", 1)
    await other()
    assert reached[:3] == [FEW, FEW * 2, FEW * 3]


async def test_a_burst_for_few_does_not_keep_the_loop_either() -> None:
    fanout = Fanout()
    someone = Someone(fanout)
    fanout.add(someone.viewer)
    for n in range(FEW * 10):
        tell(fanout, "m", n)

    assert len(someone.got("m")) == FEW
    await rounds(15)
    assert someone.got("m") == list(range(FEW * 10))


async def test_a_must_frame_overtakes_a_tick_that_is_under_way() -> None:
    fanout = Fanout()
    people = [Someone(fanout) for _ in range(FEW * 3)]
    for someone in people:
        fanout.add(someone.viewer)
    tell(fanout, "t", 1)
    tell(fanout, "m", 2)
    await rounds(10)

    assert people[0].pipe.got == ["t1", "m2"]
    assert people[-1].pipe.got == ["m2", "t1"]


async def test_what_may_not_overtake_comes_after_the_tick_and_so_does_all_that_follows() -> None:
    fanout = Fanout()
    people = [Someone(fanout) for _ in range(FEW * 3)]
    for someone in people:
        fanout.add(someone.viewer)
    tell(fanout, "t", 1)
    fanout.tell(packing.pack("m2"), kind="m", hold=partial(hold, "m", b""))
    tell(fanout, "m", 3)
    await rounds(15)

    assert {tuple(someone.pipe.got) for someone in people} == {("t1", "m2", "m3")}


async def test_one_whose_way_breaks_is_ended_and_nobody_else_feels_it() -> None:
    fanout = Fanout()
    people = [Someone(fanout) for _ in range(FEW)]
    for someone in people:
        fanout.add(someone.viewer)
    people[1].pipe.broken = True
    tell(fanout, "m", 1)

    assert [someone.got("m") for someone in people] == [[1], [], [1]]
    assert people[1].pipe.was_cut
    assert not people[1].viewer.flows
    tell(fanout, "m", 2)
    await rounds(3)
    assert [someone.got("m") for someone in people] == [[1, 2], [], [1, 2]]


async def test_empty_seats_do_not_pile_up() -> None:
    fanout = Fanout()
    stays = Someone(fanout)
    fanout.add(stays.viewer)
    for n in range(100):
        someone = Someone(fanout)
        fanout.add(someone.viewer)
        tell(fanout, "m", n)
        fanout.discard(someone.viewer)
        await rounds(2)

    assert len(fanout._row) <= 3
    assert stays.got("m") == list(range(100))


@pytest.mark.parametrize("working", [0, 1])
async def test_a_socket_that_fills_up_in_the_middle_of_a_frame_gets_every_byte(
    working: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Straight to the socket, or through the transport while threads are at work.
    monkeypatch.setattr(tally.here, "working", working)
    phone = await Wire().start()
    fanout = Fanout()
    fanout.add(phone.viewer)
    stopped = 0
    for n in range(3000):
        if n % 500 == 100:
            phone.stop()
        if n % 500 == 400:
            stopped += not phone.viewer.flows
            phone.go()
            await phone.until(lambda: phone.viewer.flows or None)
        frame = packing.pack(must(n, padding=1100 + n % 97))
        fanout.tell(frame, kind="must", hold=partial(hold, "m", frame))
        if n % FEW == 0:
            await asyncio.sleep(0)
    await rounds(3000)

    assert [event["d"]["slow_s"] for event in await phone.events(3000)] == list(range(3000))
    assert stopped == 6
    await phone.end()


async def test_a_socket_whose_peer_has_gone_is_ended_and_nobody_else_feels_it() -> None:
    gone, stays = await Wire().start(), await Wire().start()
    fanout = Fanout()
    for phone in (gone, stays):
        fanout.add(phone.viewer)
    gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.socket.close()
    for n in range(20):
        frame = packing.pack(must(n))
        fanout.tell(frame, kind="must", hold=partial(hold, "m", frame))
        await asyncio.sleep(0.001)

    assert [event["d"]["slow_s"] for event in await stays.events(20)] == list(range(20))
    await stays.until(lambda: gone.viewer.gone or None)
    for phone in (gone, stays):
        await phone.end()
