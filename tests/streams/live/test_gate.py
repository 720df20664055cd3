"""The gate: how many sockets come in at once, from one address, and without a word."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from streams.live import gate
from streams.live.gate import Gate


class Caller:
    """A handshake at a gate, and what it is told."""

    def __init__(
        self, door: Gate, address: str = "192.0.2.1", *, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        self.told: list[dict[str, Any]] = []
        scope = {
            "type": "websocket",
            "client": (address, 5000),
            "headers": list(headers),
            "extensions": {"websocket.http.response": {}},
        }
        self.task = asyncio.ensure_future(door(scope, self.receive, self.send))

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.told.append(message)

    @property
    def status(self) -> int | None:
        return self.told[0].get("status") if self.told else None

    @property
    def retry_after(self) -> int:
        return int(dict(self.told[0]["headers"])[b"retry-after"])

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Inside:
    """What is behind the gate: stays until it is cancelled."""

    def __init__(self) -> None:
        self.visits: list[gate.Visit] = []

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        here = gate.visit.get()
        assert here is not None
        self.visits.append(here)
        await asyncio.Event().wait()


def a_gate(inside: Inside, **more: Any) -> Gate:
    limits: dict[str, Any] = {"per_second": 1000, "burst": 2000, "per_address": 1000, "trust_proxy": False}
    return Gate(inside, **(limits | more))


async def come(door: Gate, count: int, **more: Any) -> list[Caller]:
    callers = [Caller(door, **more) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return callers


async def test_a_burst_beyond_the_bucket_is_asked_to_wait_before_anything_is_done() -> None:
    inside = Inside()
    callers = await come(a_gate(inside, per_second=10, burst=20), 50)

    refused = [caller for caller in callers if caller.status is not None]
    assert len(inside.visits) in (20, 21)
    assert len(refused) == 50 - len(inside.visits)
    assert {caller.status for caller in refused} == {503}
    assert all(1 <= caller.retry_after <= 5 for caller in refused)


async def test_without_the_bucket_all_would_come_in_at_once() -> None:
    inside = Inside()
    await come(a_gate(inside), 50)
    assert len(inside.visits) == 50


async def test_the_bucket_fills_again() -> None:
    inside = Inside()
    door = a_gate(inside, per_second=50, burst=1)
    await come(door, 2)
    assert len(inside.visits) == 1
    async with asyncio.timeout(5):
        while len(inside.visits) < 3:
            await come(door, 1)
            await asyncio.sleep(0.01)


async def test_one_address_has_its_limit_and_others_do_not_feel_it() -> None:
    inside = Inside()
    door = a_gate(inside, per_address=3)
    mine = await come(door, 5, address="192.0.2.1")
    others = await come(door, 3, address="192.0.2.2")

    assert [caller.status for caller in mine] == [None, None, None, 429, 429]
    assert [caller.status for caller in others] == [None] * 3


async def test_who_leaves_makes_room() -> None:
    door = a_gate(Inside(), per_address=1)
    [first] = await come(door, 1)
    await first.leave()
    [second] = await come(door, 1)
    assert second.status is None
    await second.leave()
    assert not door._there
    assert door.silent == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_of_ipv6_a_64_is_one_network(one: str, other: str, same: bool) -> None:
    assert (gate.network(one) == gate.network(other)) is same


@pytest.mark.parametrize(("trusted", "counted"), [(True, "203.0.113.7"), (False, "192.0.2.1")])
async def test_only_a_trusted_proxys_own_word_counts(trusted: bool, counted: str) -> None:
    inside = Inside()
    forwarded = ((b"x-forwarded-for", b"198.51.100.1, 203.0.113.7"),)
    await come(a_gate(inside, trust_proxy=trusted), 1, headers=forwarded)
    assert inside.visits[0].address == counted


@pytest.mark.parametrize("entry", [b"203.0.113.7:4711", b"[2001:db8:1:2::1]:4711"])
async def test_an_address_with_a_port_is_counted(entry: bytes) -> None:
    inside = Inside()
    door = a_gate(inside, per_address=1, trust_proxy=True)
    callers = await come(door, 2, headers=((b"x-forwarded-for", entry),))
    assert [caller.status for caller in callers] == [None, 429]


async def test_those_who_say_nothing_cannot_fill_the_house() -> None:
    inside = Inside()
    door = a_gate(inside, per_second=10, burst=1000)
    callers = await come(door, 10 * gate.HELLO_SECONDS + 1)
    assert callers[-1].status == 503

    inside.visits[0].greeted()
    inside.visits[0].greeted()
    assert [caller.status for caller in await come(door, 2)] == [None, 503]


async def test_a_server_without_http_answers_is_told_to_close() -> None:
    door, told = a_gate(Inside(), per_address=0), []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await door({"type": "websocket", "client": ("192.0.2.1", 1), "headers": []}, receive, send)
    assert told == [{"type": "websocket.close"}]
