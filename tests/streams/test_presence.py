"""How many watch: people over all processes, each once, without those whose process has died."""

from collections.abc import Collection
from uuid import UUID

import pytest
import redis

from commerce import redis_client
from streams import presence, reactions, showlog
from streams.frames import wire

STREAM = UUID(int=9)
NOA, BEN, EVA = (UUID(int=n) for n in (1, 2, 3))


async def report(
    process: str,
    anonymous: int = 0,
    *,
    sockets: int | None = None,
    joined: Collection[UUID] = (),
    left: Collection[UUID] = (),
    full: bool = True,
) -> int | None:
    """Report and return how many watch; None: Redis does not know the process."""
    client = redis_client.asynchronous()
    try:
        found = await presence.report(
            client,
            stream_id=STREAM,
            process=process,
            anonymous=anonymous,
            sockets=anonymous + len(joined) if sockets is None else sockets,
            joined=joined,
            left=left,
            full=full,
        )
    finally:
        await client.aclose()
    return found.viewers if found else None


async def told() -> dict[str, int]:
    """Return what the room was told last, by key."""
    client = redis_client.asynchronous()
    try:
        states = (await showlog.read(client, stream_id=STREAM, after=0)).states
    finally:
        await client.aclose()
    found = {key: wire.check(frame)[0]["d"] for key, (_, frame) in states.items()}
    return {key: d["n"] if "n" in d else sum(d["counts"].values()) for key, d in found.items()}


def later(redis_server: redis.Redis, ms: int) -> None:
    """Let everything that was reported and told be that much older."""
    reports, states = f"{showlog.base(STREAM)}:p", f"{showlog.base(STREAM)}:s"
    for name, said in redis_server.hgetall(reports).items():
        until, rest = said.decode().split("|", 1)  # type: ignore[union-attr]
        redis_server.hset(reports, name, f"{int(until) - ms}|{rest}")
    held = redis_server.hget(states, "viewers")
    if isinstance(held, bytes):
        at, frame = held.decode().split("|", 1)
        redis_server.hset(states, "viewers", f"{int(at) - ms}|{frame}")


async def test_the_processes_anonymous_viewers_are_summed() -> None:
    assert await report("a", 3) == 3
    assert await report("b", 4) == 7
    assert await report("a", 2) == 6
    assert presence.count(stream_id=STREAM) == 6


async def test_a_user_on_two_processes_is_one_viewer() -> None:
    await report("a", 1, joined=[NOA, BEN])
    await report("b", joined=[NOA, EVA])

    assert presence.figures(stream_id=STREAM) == presence.Figures(users=3, anonymous=1, sockets=5)
    await report("a", 1, left=[NOA], sockets=2, full=False)
    assert presence.count(stream_id=STREAM) == 4
    await report("b", left=[NOA], sockets=1, full=False)
    assert presence.count(stream_id=STREAM) == 3


async def test_only_what_changed_has_to_be_said() -> None:
    await report("a", joined=[NOA])

    assert await report("a", joined=[BEN], sockets=2, full=False) == 2
    assert await report("a", joined=[BEN], sockets=2, full=False) == 2
    assert await report("a", left=[NOA], sockets=1, full=False) == 1


async def test_a_process_that_has_died_fades_with_its_users(redis_server: redis.Redis) -> None:
    await report("dead", 100, joined=[NOA, BEN])
    await report("alive", 1, joined=[BEN])
    later(redis_server, presence.FADES_MS + 1000)

    assert presence.count(stream_id=STREAM) == 0
    assert await report("alive", 1, joined=[BEN]) == 2
    assert await told() == {"viewers": 2}


def test_a_dead_process_is_no_longer_counted_within_ten_seconds() -> None:
    # It said something last just before it died; the others look every EVERY_SECONDS.
    assert presence.FADES_MS / 1000 + presence.EVERY_SECONDS < 10


async def test_a_process_that_still_reports_does_not_fade(redis_server: redis.Redis) -> None:
    await report("a", 5)
    later(redis_server, presence.FADES_MS - 2000)

    assert presence.count(stream_id=STREAM) == 5


async def test_a_process_without_viewers_is_forgotten(redis_server: redis.Redis) -> None:
    await report("a", 5, joined=[NOA])
    await report("a", 0)

    assert redis_server.keys(f"{showlog.base(STREAM)}:[pwu]*") == []


async def test_a_process_that_redis_has_forgotten_says_everything_anew(redis_server: redis.Redis) -> None:
    await report("a", 2, joined=[NOA])
    redis_server.flushall()

    assert await report("a", 2, sockets=3, full=False) is None
    assert await report("a", 2, joined=[NOA]) == 3


async def test_what_came_and_went_costs_the_same_in_a_large_show(redis_server: redis.Redis) -> None:
    def commands() -> int:
        # Redis' clients ask now and then whether they are still connected, which is no part of a report.
        stats = redis_server.info("commandstats")
        return sum(stat["calls"] for name, stat in stats.items() if name != "cmdstat_ping")

    costs = []
    for size in (10, 3000):
        await report("a", joined=[UUID(int=1000 + n) for n in range(size)])
        before = commands()
        await report("a", joined=[NOA], sockets=size + 1, full=False)
        costs.append(commands() - before)

    assert costs[0] == costs[1]


async def test_the_room_is_told_at_most_once_a_round(redis_server: redis.Redis) -> None:
    await report("a", 1)
    await report("b", 1)
    assert await told() == {"viewers": 1}

    later(redis_server, 2000)
    await report("a", 1)

    assert await told() == {"viewers": 2}


async def test_the_room_is_not_told_the_same_again(redis_server: redis.Redis) -> None:
    await report("a", 2)
    later(redis_server, 5000)
    before = redis_server.hget(f"{showlog.base(STREAM)}:s", "viewers")

    await report("a", 2)

    assert redis_server.hget(f"{showlog.base(STREAM)}:s", "viewers") == before


@pytest.mark.parametrize("counts", [{"heart": 3}, {"heart": 1, "fire": 2}])
async def test_reactions_are_told_as_totals(counts: dict[str, int]) -> None:
    client = redis_client.asynchronous()
    await reactions.add(client, stream_id=STREAM, counts=counts)
    await reactions.add(client, stream_id=STREAM, counts={"heart": 2})
    await client.aclose()

    assert await told() == {"reactions": 5}
