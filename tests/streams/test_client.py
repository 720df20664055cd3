"""The Python client against a room that says exactly what the test wants, and against real processes."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from streams import chat, client
from streams.client import heard
from streams.client.heard import Heard
from tests.live_server import LiveRoom, aside, ticket_of
from tests.streams import make
from tests.streams.scripted_room import EPOCH, Peer, ScriptedRoom, scripted

QUICK = (0.01, 0.05)  # Back-off in seconds.


def staying(script: ScriptedRoom, **more: Any) -> client.Room:
    return client.Room(script.url, stay=True, backoff=QUICK, **more)


def paces(viewer: client.Room) -> list[int]:
    return [event["d"]["slow_s"] for event in viewer.of("chat.mode")]


async def told(viewer: client.Room, pace: int) -> list[int]:
    await viewer.wait("chat.mode", lambda d: d["slow_s"] == pace)
    return paces(viewer)


# --- what is news ---


async def test_what_comes_twice_is_told_once() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.event(1, 1, 2, 1, 2, 3)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        assert await told(viewer, 3) == [1, 2, 3]
        assert viewer.position == (EPOCH, 3)


async def test_after_a_gap_nothing_is_told_until_the_snapshot() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.event(1, 3, 4)
        asked = await peer.hear("resync")
        assert asked["d"] == {"lanes": ["s"]}
        await peer.event(5)
        await peer.reply(asked)
        await peer.snapshot(5)
        await peer.event(6)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        assert await told(viewer, 6) == [1, 6]
        assert len(viewer.of("snapshot")) == 2


async def test_another_epoch_is_a_gap() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.event(1)
        await peer.event(2, epoch="00000000")
        await peer.reply(await peer.hear("resync"))
        await peer.snapshot(7)
        await peer.event(8)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        assert await told(viewer, 8) == [1, 8]


async def test_a_resync_that_has_to_wait_is_asked_for_again() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.event(2)
        await peer.refuse(await peer.hear("resync"), "RATE_LIMITED", temporary=True, retry_ms=20)
        await peer.reply(await peer.hear("resync"))
        await peer.snapshot(2)
        await peer.event(3)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        assert await told(viewer, 3) == [3]


async def test_the_server_may_find_the_gap_first() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.say({"t": "resync", "d": {"lane": "s", "epoch": EPOCH, "offset": 9}})
        await peer.event(1)
        await peer.snapshot(9)
        await peer.event(10)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        assert await told(viewer, 10) == [10]


async def test_a_hole_in_a_users_lane_leaves_the_shows_lane_alone() -> None:
    def private(o: int) -> dict[str, Any]:
        return {"t": "order.updated", "l": "u", "e": EPOCH, "o": o, "d": {"id": str(o)}}

    async def act(peer: Peer) -> None:
        await peer.welcome(u=4)
        await peer.say(private(5), private(5), private(7))
        assert (await peer.hear("resync"))["d"] == {"lanes": ["u"]}
        await peer.say({"t": "resync", "d": {"lane": "u", "epoch": EPOCH, "offset": 9}})
        await peer.say(private(8), private(10))
        await peer.event(1)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        assert await told(viewer, 1) == [1]
        assert [event["d"]["id"] for event in viewer.of("order.updated")] == ["5", "7", "10"]
        assert viewer.heard.u == (EPOCH, 10)


async def test_of_a_state_only_what_is_newer_counts_and_a_snapshot_begins_anew() -> None:
    def left(n: int) -> dict[str, Any]:
        return {"t": "stock.changed", "k": "stock:red", "n": n, "d": {"variant": "red", "left": n}}

    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.say(left(2), left(1), left(2), left(3))
        await peer.snapshot(0)
        await peer.say(left(3))
        await peer.event(1)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        await told(viewer, 1)
        assert [event["d"]["left"] for event in viewer.of("stock.changed")] == [2, 3, 3]


async def test_a_line_that_is_known_or_was_taken_down_is_not_told_again() -> None:
    def line(name: str) -> dict[str, Any]:
        return {"t": "chat.message", "d": {"id": name}}

    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.snapshot(0, chat=[{"id": "old"}])
        await peer.say(line("old"), line("new"), line("new"))
        await peer.say({"t": "chat.removed", "l": "s", "e": EPOCH, "o": 1, "d": {"id": "bad"}})
        await peer.say(line("bad"))
        await peer.event(2)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        await told(viewer, 2)
        assert [event["d"]["id"] for event in viewer.of("chat.message")] == ["new"]


def test_what_a_client_remembers_is_bounded() -> None:
    memory = Heard()
    for number in range(3 * heard.STATES):
        memory.take({"t": "stock.changed", "k": f"stock:{number}", "n": 1, "d": {}})
        memory.take({"t": "chat.message", "d": {"id": str(number)}})

    assert len(memory._states) == heard.STATES
    assert len(memory._lines) == heard.LINES


async def test_only_so_many_events_are_kept_and_the_count_goes_on() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        for offset in range(1, 101):
            await peer.event(offset)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url, keep=10) as viewer:
        assert len(await told(viewer, 100)) <= 20
        assert viewer.told == 102  # welcome and snapshot too
        with pytest.raises(TimeoutError):
            await viewer.wait("chat.mode", since=viewer.told, deadline=0.05)


async def test_pings_are_answered() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.say({"t": "ping", "d": {}})
        await peer.hear("pong")
        await peer.event(1)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        await told(viewer, 1)


async def test_a_ping_and_a_goodbye_in_one_piece_do_not_wait_for_each_other() -> None:
    errors = [{"t": "error", "d": {"code": "BAD_REQUEST", "message": "", "temporary": False}}] * 40

    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.hear("time.sync")
        peer.burst({"t": "ping", "d": {}}, *errors, code=4429)
        await peer.stay()

    async with scripted(act) as script, client.Room(script.url) as viewer:
        await viewer.send("time.sync")
        # websockets itself gives up on a goodbye after ten seconds.
        assert await viewer.wait_closed(deadline=5) == 4429
        assert len(viewer.of("error")) == 40


# --- real processes ---


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["drained", "killed"])
async def test_who_stays_goes_on_in_another_process(
    end: str, live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async def ticket() -> str:
        return await aside(ticket_of, noa, stream)

    async with live_process.room(stream, stay=True, ticket=ticket) as viewer:
        await aside(partial(chat.slow, host_id=stream.host_id, stream_id=stream.id, seconds=1))
        await aside(LiveRoom.relay)
        assert await told(viewer, 1) == [1]

        viewer.url = live_room.url(stream.slug)
        await aside(live_process.stop if end == "drained" else live_process.kill)
        await aside(partial(chat.slow, host_id=stream.host_id, stream_id=stream.id, seconds=2))
        await aside(LiveRoom.relay)

        assert await told(viewer, 2) == [1, 2]
        await viewer.wait_online()
        assert len(viewer.of("snapshot")) == 1
        said = await viewer.command("chat.send", {"text": "Still here"}, key=uuid4())
        await viewer.wait("chat.message", lambda d: bool(d["id"] == said["id"]))
        assert viewer.comings == 2
