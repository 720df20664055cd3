"""One viewer's way out: what may wait for a slow one, in which order it leaves, when it is closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.frames import wire
from streams.live import viewer as viewers
from streams.live.viewer import TOO_SLOW, Viewer


class Phone:
    """The far end of a connection: reads when it is let, and keeps what it read."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.reads.set()
        self.frames: list[str] = []
        self.closed: int | None = None
        self.cut = False
        self.viewer = Viewer(
            send=self.take, close=self.hang_up, abort=self.break_off, renew=lambda lane: None, now=0.0
        )
        self.task = asyncio.get_running_loop().create_task(self.viewer.run(asyncio.get_running_loop().time))

    async def take(self, text: str) -> None:
        await self.reads.wait()
        self.frames.append(text)

    async def hang_up(self, code: int) -> None:
        await self.reads.wait()
        self.closed = code

    def break_off(self) -> None:
        self.cut = True
        self.task.cancel()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for frame in self.frames for line in frame.split("\n")]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    made = Phone()
    yield made
    made.task.cancel()


def must(n: int, padding: int = 0) -> str:
    return wire.event("chat.mode", {"slow_s": n, "pad": "x" * padding})


def chat(n: int) -> str:
    return wire.event("chat.message", {"n": n})


async def jam(phone: Phone) -> None:
    """Let one frame be on its way to a phone that does not read."""
    phone.reads.clear()
    phone.viewer.must(must(0))
    await phone.settle()


async def test_a_viewer_that_reads_gets_everything_in_order(phone: Phone) -> None:
    for n in range(200):
        phone.viewer.must(must(n))
        if n % 7 == 0:
            await phone.settle()
    await phone.settle()

    assert [event["d"]["slow_s"] for event in phone.events()] == list(range(200))


async def test_of_a_state_only_the_newest_waits(phone: Phone) -> None:
    await jam(phone)
    for n in range(1000):
        phone.viewer.state("stock:a", wire.state("stock.changed", "stock:a", n, {"left": n}))
        phone.viewer.state("stock:b", wire.state("stock.changed", "stock:b", n, {"left": -n}))
    phone.reads.set()
    await phone.settle()

    told = [event["d"]["left"] for event in phone.events() if event["t"] == "stock.changed"]
    assert told == [999, -999]


async def test_of_chat_the_last_lines_wait_and_the_gap_is_told(phone: Phone) -> None:
    await jam(phone)
    for n in range(viewers.CHAT_FRAMES + 30):
        phone.viewer.chat(2, f"{chat(n)}\n{chat(n)}")
    phone.reads.set()
    await phone.settle()

    lines = [event["d"]["n"] for event in phone.events() if event["t"] == "chat.message"]
    assert lines == [n for n in range(30, viewers.CHAT_FRAMES + 30) for _ in range(2)]
    assert phone.events()[-1] == {"v": 1, "t": "chat.gap", "d": {"dropped": 60}}


async def test_must_frames_leave_before_states_and_chat(phone: Phone) -> None:
    await jam(phone)
    phone.viewer.chat(1, chat(1))
    phone.viewer.state("k", wire.state("viewers.count", "k", 1, {"n": 1}))
    phone.viewer.must(must(1))
    phone.reads.set()
    await phone.settle()

    assert [event["t"] for event in phone.events()] == [
        "chat.mode",
        "chat.mode",
        "viewers.count",
        "chat.message",
    ]


async def test_a_viewer_whose_must_frames_pile_up_is_closed_and_keeps_nothing(phone: Phone) -> None:
    await jam(phone)
    for n in range(1000):
        phone.viewer.must(must(n, padding=1000))

    assert phone.viewer.closing == TOO_SLOW
    assert phone.viewer.backlog == 0
    phone.viewer.must(must(1, padding=1000))
    assert phone.viewer.backlog == 0
    phone.reads.set()
    await phone.settle()
    assert phone.closed == TOO_SLOW


async def test_without_the_limit_the_pile_would_grow(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "QUEUE_BYTES", 10**9)
    await jam(phone)
    for n in range(1000):
        phone.viewer.must(must(n, padding=1000))

    assert phone.viewer.closing is None
    assert phone.viewer.backlog > 1_000_000


async def test_a_snapshot_is_no_backlog(phone: Phone) -> None:
    await jam(phone)
    phone.viewer.snapshot(wire.event("snapshot", {"items": "x" * 1_000_000}))
    phone.viewer.must(must(1))

    assert phone.viewer.closing is None
    assert phone.viewer.snapshot_waits
    phone.reads.set()
    await phone.settle()
    assert [event["t"] for event in phone.events()] == ["chat.mode", "snapshot", "chat.mode"]
    assert not phone.viewer.snapshot_waits


async def test_a_viewer_to_whom_nothing_can_be_sent_is_stuck(phone: Phone) -> None:
    now = asyncio.get_running_loop().time()
    assert not phone.viewer.stuck(now + 60)

    await jam(phone)

    assert not phone.viewer.stuck(now + viewers.STUCK_SECONDS / 2)
    assert phone.viewer.stuck(now + viewers.STUCK_SECONDS + 1)
    phone.reads.set()
    await phone.settle()
    assert not phone.viewer.stuck(now + 60)


async def test_what_was_handed_over_leaves_before_the_connection_is_closed(phone: Phone) -> None:
    phone.viewer.must(must(1))
    phone.viewer.close(4503)
    await phone.settle()

    assert [event["d"]["slow_s"] for event in phone.events()] == [1]
    assert phone.closed == 4503
    assert phone.task.done()


async def test_a_connection_that_takes_not_even_a_close_frame_is_cut(phone: Phone) -> None:
    await jam(phone)
    phone.viewer.close(TOO_SLOW)
    await phone.settle()
    assert phone.closed is None

    phone.viewer.cut()

    assert phone.cut
