"""How many watch: summed over processes, without those that have died."""

from uuid import UUID

import pytest
import redis

from commerce import redis_client
from streams import presence, reactions, showlog
from streams.frames import wire

STREAM = UUID(int=9)


async def report(process: str, viewers: int) -> int:
    client = redis_client.asynchronous()
    try:
        return await presence.report(client, stream_id=STREAM, process=process, viewers=viewers)
    finally:
        await client.aclose()


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
    for name, report in redis_server.hgetall(reports).items():
        n, until = report.decode().split("|")  # type: ignore[union-attr]
        redis_server.hset(reports, name, f"{n}|{int(until) - ms}")
    told = redis_server.hget(states, "viewers")
    if isinstance(told, bytes):
        at, frame = told.decode().split("|", 1)
        redis_server.hset(states, "viewers", f"{int(at) - ms}|{frame}")


async def test_the_processes_counts_are_summed() -> None:
    assert await report("a", 3) == 3
    assert await report("b", 4) == 7
    assert await report("a", 2) == 6
    assert presence.count(stream_id=STREAM) == 6


async def test_a_process_that_has_died_fades(redis_server: redis.Redis) -> None:
    await report("dead", 100)
    await report("alive", 1)
    later(redis_server, presence.FADES_MS + 1000)

    assert presence.count(stream_id=STREAM) == 0
    assert await report("alive", 1) == 1
    assert await told() == {"viewers": 1}


async def test_a_process_that_still_reports_does_not_fade(redis_server: redis.Redis) -> None:
    await report("a", 5)
    later(redis_server, presence.FADES_MS - 2000)

    assert presence.count(stream_id=STREAM) == 5


async def test_a_process_without_viewers_is_forgotten(redis_server: redis.Redis) -> None:
    await report("a", 5)
    await report("a", 0)

    assert redis_server.hgetall(f"{showlog.base(STREAM)}:p") == {}


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
