"""How the client comes back: resuming, tickets, waits."""

import asyncio
import statistics

import pytest

from streams import client
from streams.client import room
from streams.client.comeback import ABUSE_WAIT, STEADY, Comeback
from tests.streams.scripted_room import EPOCH, Peer, scripted
from tests.streams.test_client import staying, told


async def test_who_stays_resumes_after_a_lost_connection() -> None:
    async def first(peer: Peer) -> None:
        await peer.welcome()
        await peer.event(1)
        peer.socket.transport.abort()

    async def second(peer: Peer) -> None:
        hello = await peer.welcome(recovered=True, top=2)
        assert hello["resume"] == {"s": {"epoch": EPOCH, "offset": 1}}
        await peer.event(2)
        await peer.stay()

    async with scripted(first, second) as script, staying(script) as viewer:
        assert await told(viewer, 2) == [1, 2]
        assert len(viewer.of("snapshot")) == 1


async def test_who_may_not_resume_is_whole_after_the_snapshot() -> None:
    async def first(peer: Peer) -> None:
        await peer.welcome(u=3)
        await peer.event(1)
        await peer.close(4508)

    async def second(peer: Peer) -> None:
        hello = await peer.welcome(recovered=False, u=8, top=40)
        assert hello["resume"]["u"] == {"epoch": EPOCH, "offset": 3}
        await peer.event(41)
        await peer.stay()

    async with scripted(first, second) as script, staying(script) as viewer:
        assert await told(viewer, 41) == [1, 41]
        assert viewer.heard.u == (EPOCH, 8)


async def test_a_process_that_goes_is_left_after_what_is_under_way() -> None:
    async def going(peer: Peer) -> None:
        await peer.welcome()
        asked = await peer.hear("time.sync")
        await peer.say({"t": "reconnect", "d": {"spread_ms": 0, "resume": True}})
        await peer.event(1)
        await asyncio.sleep(0.05)
        await peer.reply(asked, c=1, server_ms=2)
        await peer.stay()

    async def second(peer: Peer) -> None:
        assert (await peer.welcome(recovered=True))["resume"]["s"]["offset"] == 1
        await peer.event(2)
        await peer.stay()

    async with scripted(going, second) as script, staying(script) as viewer:
        assert (await viewer.command("time.sync", {"c": 1}))["server_ms"] == 2
        assert await told(viewer, 2) == [1, 2]


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4500, 4503, 4508, 4509, 4511])
async def test_what_passes_by_itself_is_come_back_from(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.client.comeback.SPREAD", 0.05)

    async def first(peer: Peer) -> None:
        await peer.welcome()
        await peer.close(code)

    async def second(peer: Peer) -> None:
        assert "resume" in await peer.welcome(recovered=True)
        await peer.event(1)
        await peer.stay()

    async with scripted(first, second) as script, staying(script) as viewer:
        assert await told(viewer, 1) == [1]


@pytest.mark.parametrize("code", [1000, 1009, 4400, 4403, 4404, 4406, 4409])
async def test_where_something_has_to_be_changed_first_it_is_over(code: int) -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.close(code)

    async with scripted(act) as script, staying(script) as viewer:
        assert await viewer.wait_over() == code
        with pytest.raises(client.Disconnected):
            await viewer.wait("chat.mode")
        assert len(script.comings) == 1


async def test_a_connection_that_expires_is_renewed_with_another_ticket() -> None:
    fetched: list[str] = []

    async def ticket() -> str:
        fetched.append(f"ticket-{len(fetched)}")
        return fetched[-1]

    async def act(peer: Peer) -> None:
        assert (await peer.welcome())["ticket"] == "ticket-0"
        await peer.say({"t": "auth.expiring", "d": {"expires_at": 0}})
        asked = await peer.hear("auth.refresh")
        assert asked["d"] == {"ticket": "ticket-1"}
        await peer.reply(asked, expires_at=1)
        await peer.close(4512)

    async def second(peer: Peer) -> None:
        hello = await peer.welcome(recovered=True)
        assert hello["ticket"] == "ticket-2"
        await peer.event(1)
        await peer.stay()

    async with scripted(act, second) as script, staying(script, ticket=ticket) as viewer:
        assert await told(viewer, 1) == [1]


async def test_a_refused_ticket_is_replaced_once() -> None:
    fetched: list[str] = []

    async def ticket() -> str:
        fetched.append("ticket")
        return "ticket"

    async def turned_away(peer: Peer) -> None:
        await peer.refuse(await peer.hear("hello"), "UNAUTHENTICATED")
        await peer.close(4401)

    async def let_in(peer: Peer) -> None:
        await peer.welcome()
        await peer.close(4500)

    async with scripted(turned_away, let_in, turned_away, turned_away) as script:
        async with staying(script, ticket=ticket) as viewer:
            assert await viewer.wait_over() == 4401
        assert len(fetched) == len(script.comings) == 4


async def test_a_ticket_that_cannot_be_fetched_is_a_lost_network() -> None:
    tries: list[int] = []

    async def ticket() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError
        return "ticket"

    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.stay()

    async with scripted(act) as script, staying(script, ticket=ticket) as viewer:
        assert viewer.online
        assert len(script.comings) == 1


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks() -> None:
    async def act(peer: Peer) -> None:
        await peer.welcome()
        await peer.stay()

    async with scripted(1, act) as script, staying(script):
        first, second = script.comings
        assert second - first >= 1


async def test_a_silent_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SILENCE", 0.05)

    async def silent(peer: Peer) -> None:
        await peer.welcome(heartbeat_ms=50)
        await peer.stay()

    async def second(peer: Peer) -> None:
        await peer.welcome(recovered=True)
        await peer.event(1)
        await peer.stay()

    async with scripted(silent, second) as script, staying(script) as viewer:
        assert await told(viewer, 1) == [1]


def test_the_wait_doubles_with_full_jitter_up_to_the_longest() -> None:
    waits = [[comeback.after(1006, lasted=0) or 0 for _ in range(12)] for comeback in _some(400)]
    by_attempt = list(zip(*waits, strict=True))

    for attempt, each in enumerate(by_attempt):
        top = min(30.0, 0.5 * 2**attempt)
        assert 0 <= min(each) <= max(each) <= top
        assert statistics.mean(each) == pytest.approx(top / 2, rel=0.2)


def test_only_a_connection_that_held_earns_a_quick_return() -> None:
    for comeback in _some(50):
        for _ in range(10):
            comeback.after(4500, lasted=STEADY / 2)
        assert (comeback.after(4500, lasted=STEADY + 1) or 0) <= 0.5


def test_who_was_refused_for_abuse_waits_a_minute() -> None:
    assert all((comeback.after(4429, lasted=0) or 0) >= ABUSE_WAIT for comeback in _some(50))


def _some(count: int) -> list[Comeback]:
    return [Comeback(0.5, 30.0) for _ in range(count)]
