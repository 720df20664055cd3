"""One viewer's way out: what may wait for a slow one, in which order it leaves, when it is closed.

Every rule holds on both ways: straight to a socket, and through an ASGI server's `send`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
import uvloop

from streams.frames import wire
from streams.live import held, packing, tally
from streams.live import viewer as viewers
from streams.live.connection import Connection
from streams.live.hub import Hub
from streams.live.viewer import CUT_SECONDS, STUCK_SECONDS, TOO_SLOW
from tests.streams.live import phones
from tests.streams.live.phones import Phone, chat, must, now, state


@pytest.fixture
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that the live process runs on."""
    policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
    return policy


@pytest.fixture(params=["queued", "direct"])
async def phone(request: pytest.FixtureRequest) -> AsyncIterator[Phone]:
    made = await phones.phone(request.param)
    yield made
    await made.end()
    assert tally.here.held == 0


async def test_a_viewer_that_reads_gets_everything_in_order(phone: Phone) -> None:
    for n in range(500):
        phone.viewer.must(must(n, padding=n))
        if n % 7 == 0:
            await asyncio.sleep(0)

    assert [event["d"]["slow_s"] for event in await phone.events(500)] == list(range(500))


async def test_text_of_any_language_and_size_arrives_whole(phone: Phone) -> None:
    sizes = [1, 20, 30, 70, 100, 200, 7_000, 8_000]
    for size in sizes:
        phone.viewer.snapshot(wire.event("chat.message", {"text": "ü🎁न" * size}))

    assert [len(event["d"]["text"]) // 3 for event in await phone.events(len(sizes))] == sizes


async def test_of_a_state_only_the_newest_waits(phone: Phone) -> None:
    await phone.jam()
    for n in range(1000):
        phone.viewer.state("stock:a", state("stock:a", n))
        phone.viewer.state("stock:b", state("stock:b", -n))
    assert phone.viewer.held < 1000
    phone.go()

    assert [event["d"]["left"] for event in await phone.events(2)] == [999, -999]


async def test_of_chat_the_last_frames_wait_and_the_gap_is_told(phone: Phone) -> None:
    await phone.jam()
    for n in range(held.CHAT_FRAMES + 30):
        phone.viewer.chat(2, chat(n))
    phone.go()

    *lines, gap = await phone.events(held.CHAT_FRAMES + 1)
    assert [line["d"]["n"] for line in lines] == list(range(30, held.CHAT_FRAMES + 30))
    assert gap == {"v": 1, "t": "chat.gap", "d": {"dropped": 60}}


async def test_must_frames_leave_before_states_and_chat(phone: Phone) -> None:
    await phone.jam()
    phone.viewer.chat(1, chat(1))
    phone.viewer.state("k", state("k", 1))
    phone.viewer.must(must(1))
    phone.go()

    assert [event["t"] for event in await phone.events(3)] == ["chat.mode", "stock.changed", "chat.message"]


async def test_after_holding_back_everything_flows_again(phone: Phone) -> None:
    await phone.jam()
    for n in range(100):
        phone.viewer.must(must(n, padding=1000))
    phone.go()
    await phone.until(lambda: phone.viewer.flows or None)
    for n in range(100, 200):
        phone.viewer.must(must(n))

    assert [event["d"]["slow_s"] for event in await phone.events(200)] == list(range(200))
    assert phone.viewer.held == 0


async def test_a_line_taken_down_while_it_was_held_back_is_not_told(phone: Phone) -> None:
    await phone.jam()
    both = b"\n".join(packing.unpack(chat(1) + chat(2)))
    phone.viewer.chat(2, packing.pack(both))
    phone.viewer.chat(1, chat(1))
    phone.viewer.strike(b'"id":"line-1"')
    phone.viewer.must(must(0))
    phone.go()

    assert [event["d"].get("n") for event in await phone.events(2)] == [None, 2]


async def test_a_viewer_whose_must_frames_pile_up_is_closed_and_keeps_nothing(phone: Phone) -> None:
    await phone.jam()
    for n in range(1000):
        phone.viewer.must(must(n, padding=1000))

    assert phone.viewer.closing == TOO_SLOW
    assert phone.viewer.backlog == phone.viewer.held == 0
    phone.viewer.must(must(1, padding=1000))
    phone.viewer.state("k", state("k", 1))
    phone.viewer.chat(1, chat(1))
    assert phone.viewer.held == 0
    phone.go()
    assert await phone.closed() == TOO_SLOW
    assert phone.got() == []


async def test_without_the_limit_the_pile_would_grow(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "HELD_BYTES", 10**9)
    await phone.jam()
    for n in range(1000):
        phone.viewer.must(must(n, padding=1000))

    assert phone.viewer.closing is None
    assert phone.viewer.backlog > 1_000_000
    phone.viewer.cut()


async def test_a_snapshot_is_no_backlog(phone: Phone) -> None:
    await phone.jam()
    phone.viewer.snapshot(wire.event("snapshot", {"items": "x" * 1_000_000}))
    phone.viewer.must(must(1))

    assert phone.viewer.closing is None
    assert phone.viewer.snapshot_waits
    phone.go()
    assert [event["t"] for event in await phone.events(2)] == ["snapshot", "chat.mode"]
    await phone.until(lambda: None if phone.viewer.snapshot_waits else True)


async def test_a_viewer_of_whom_the_network_takes_nothing_is_stuck(phone: Phone) -> None:
    assert not phone.viewer.stuck(now() + 60)

    await phone.jam()

    assert not phone.viewer.stuck(now() + STUCK_SECONDS / 2)
    assert phone.viewer.stuck(now() + STUCK_SECONDS + 1)
    phone.go()
    await phone.until(lambda: phone.viewer.flows or None)
    assert not phone.viewer.stuck(now() + 60)


async def test_who_holds_back_is_looked_at_soon(phone: Phone) -> None:
    phone.wheel.put(phone.viewer, now() + 25)
    await phone.jam()

    assert phone.wheel.turn(now() + viewers.LOOK_SECONDS + 1) == [phone.viewer]


async def test_what_was_handed_over_leaves_before_the_connection_is_closed(phone: Phone) -> None:
    await phone.jam()
    for n in range(100):
        phone.viewer.must(must(n, padding=1000))
    phone.viewer.close(4503)
    phone.viewer.must(must(100))
    phone.go()

    assert await phone.closed() == 4503
    assert [event["d"]["slow_s"] for event in phone.got()] == list(range(100))


async def test_nothing_follows_the_close_frame(phone: Phone) -> None:
    phone.viewer.must(must(1))
    phone.viewer.close(4503)
    for n in range(10):
        phone.viewer.must(must(n))
        phone.viewer.chat(1, chat(n))
        phone.viewer.close(4500)
        await asyncio.sleep(0)

    assert await phone.closed() == 4503
    assert [event["d"]["slow_s"] for event in phone.got()] == [1]


async def test_a_connection_that_takes_not_even_a_close_frame_is_cut(phone: Phone) -> None:
    await phone.jam()
    phone.viewer.close(TOO_SLOW)
    await asyncio.sleep(0)
    assert phone.code is None
    assert phone.wheel.turn(now() + CUT_SECONDS + 1) == [phone.viewer]

    phone.viewer.cut()

    phone.go()
    await phone.until(lambda: phone.has_ended() or None)
    assert phone.viewer.gone
    assert not phone.viewer.flows


async def test_what_is_told_the_moment_after_all_was_sent_is_sent_too() -> None:
    phone = phones.Queue()
    for n in range(50):
        phone.viewer.must(must(n))
        # As many rounds of the loop as bring it to every moment between.
        for _ in range(n % 5):
            await asyncio.sleep(0)
    phone.viewer.close(4503)

    assert await phone.closed() == 4503
    assert [event["d"]["slow_s"] for event in phone.got()] == list(range(50))


async def test_what_comes_from_a_viewer_who_was_told_to_go_is_not_looked_at(phone: Phone) -> None:
    await phone.jam()
    connection = Connection(cast(Hub, None), slug="show", cookie=None, origin=None, now=now())
    connection.viewer = phone.viewer
    heard = tally.here.heard
    connection.take("{}", now())
    assert tally.here.heard == heard + 1

    # What was said before waits to be read by her, so the connection is still there.
    phone.viewer.close(4403)
    connection.take("{}", now())

    assert tally.here.heard == heard + 1
