"""Rounds: one piece of work for all who ask at the same time, and each has her own answer."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from django.db import OperationalError

from commerce import errors
from streams.live import grouped
from streams.live.executor import BoundedExecutor, Busy
from streams.live.grouped import Grouped


class Work:
    """Doubles numbers, and notes for whom it was done in each round; `go` lets it."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.go = threading.Event()
        self.go.set()
        self.under_way = threading.Event()
        self.fail: Callable[[Sequence[int]], None] = lambda asked: None

    def __call__(self, asked: Sequence[int]) -> list[int | errors.Refusal]:
        self.rounds.append(list(asked))
        self.under_way.set()
        assert self.go.wait(10)
        self.fail(asked)
        return [errors.Forbidden() if each == 13 else 2 * each for each in asked]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def pool() -> AsyncIterator[BoundedExecutor]:
    made = BoundedExecutor(name="test", threads=2, waiting=10)
    yield made
    made.stop()


@pytest.fixture
async def asked(work: Work, pool: BoundedExecutor) -> Grouped[int, int]:
    return Grouped(work, name="test", pool=pool, begin=asyncio.get_running_loop().create_task)


async def all_of(asked: Grouped[int, int], numbers: Sequence[int]) -> list[int | BaseException]:
    async with asyncio.timeout(10):
        return await asyncio.gather(*(asked.ask(each) for each in numbers), return_exceptions=True)


async def test_who_come_at_once_share_a_round(asked: Grouped[int, int], work: Work) -> None:
    assert await all_of(asked, range(100, 200)) == [2 * each for each in range(100, 200)]
    assert work.rounds == [list(range(100, 200))]


async def test_a_round_takes_no_more_than_it_may(asked: Grouped[int, int], work: Work) -> None:
    await all_of(asked, range(100, 350))
    assert [len(each) for each in work.rounds] == [grouped.MOST, grouped.MOST, 50]


async def test_who_come_while_a_round_is_under_way_share_the_next(
    asked: Grouped[int, int], work: Work
) -> None:
    work.go.clear()
    first = asyncio.create_task(asked.ask(1))
    await asyncio.to_thread(work.under_way.wait, 10)
    later = [asyncio.create_task(asked.ask(each)) for each in (2, 3, 4)]
    await asyncio.sleep(0)
    assert asked.waiting == 3
    work.go.set()

    assert [await each for each in (first, *later)] == [2, 4, 6, 8]
    assert work.rounds == [[1], [2, 3, 4]]


async def test_a_refusal_is_for_whom_it_was_found(asked: Grouped[int, int]) -> None:
    found = await all_of(asked, [12, 13, 14])

    assert isinstance(found[1], errors.Forbidden)
    assert [found[0], found[2]] == [24, 28]


async def test_one_whom_nobody_can_answer_fails_alone(asked: Grouped[int, int], work: Work) -> None:
    def choke(on: Sequence[int]) -> None:
        if 57 in on:
            raise ValueError(57)

    work.fail = choke
    found = await all_of(asked, range(50, 70))

    assert [type(each) for each in found].count(ValueError) == 1
    assert isinstance(found[7], ValueError)
    assert [each for each in found if isinstance(each, int)] == [2 * n for n in range(50, 70) if n != 57]


async def test_without_the_database_all_are_asked_to_come_again_and_the_next_are_answered(
    asked: Grouped[int, int], work: Work
) -> None:
    def away(_: Sequence[int]) -> None:
        raise OperationalError

    work.fail = away
    found = await all_of(asked, [1, 2, 3])
    work.fail = lambda _: None

    assert all(isinstance(each, errors.Unavailable) and each.temporary for each in found)
    assert len(work.rounds) == 1
    assert await all_of(asked, [4]) == [8]


async def test_an_answer_too_few_is_nobodys(asked: Grouped[int, int], work: Work) -> None:
    short: Grouped[int, int] = Grouped(
        lambda asked: work(asked)[1:], name="test", pool=asked._pool, begin=asyncio.create_task
    )
    assert all(isinstance(each, ValueError) for each in await all_of(short, [1, 2, 3]))


async def test_who_has_gone_is_not_asked_for(asked: Grouped[int, int], work: Work) -> None:
    work.go.clear()
    first = asyncio.create_task(asked.ask(1))
    await asyncio.to_thread(work.under_way.wait, 10)
    gone, there = asyncio.create_task(asked.ask(2)), asyncio.create_task(asked.ask(3))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    work.go.set()

    assert [await first, await there] == [2, 6]
    assert work.rounds == [[1], [3]]


async def test_who_goes_while_it_is_her_round_leaves_the_others_their_answers(
    asked: Grouped[int, int], work: Work
) -> None:
    work.go.clear()
    gone, there = asyncio.create_task(asked.ask(2)), asyncio.create_task(asked.ask(3))
    await asyncio.to_thread(work.under_way.wait, 10)
    gone.cancel()
    await asyncio.sleep(0)
    work.go.set()

    async with asyncio.timeout(10):
        assert await there == 6
    assert work.rounds == [[2, 3]]


async def test_no_more_wait_than_may(
    asked: Grouped[int, int], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouped, "WAITING", 3)

    found = await all_of(asked, [1, 2, 3, 4])

    assert isinstance(found[3], Busy)
    assert found[:3] == [2, 4, 6]


async def test_a_round_runs_in_nobodys_name(asked: Grouped[int, int], work: Work) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")
    seen: list[str] = []
    work.fail = lambda _: seen.append(name.get())
    name.set("Noa")

    await asked.ask(1)

    assert seen == ["nobody"]
