"""The process's subscriber: what is published is heard, and who may have missed something is told so."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
from django.conf import settings

from commerce import errors, redis_client
from config import embedded, processes, servers
from config.children import Program
from streams.live import subscriber as subscriber_module
from streams.live.subscriber import Subscriber
from tests.live_server import eventually


@pytest.fixture
async def subscriber() -> AsyncIterator[Subscriber]:
    client = redis_client.asynchronous()
    made = Subscriber(client, process="test")
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await client.aclose()


class Listener:
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.interruptions = 0

    def again(self) -> None:
        self.interruptions += 1


async def listen(subscriber: Subscriber, channel: str) -> Listener:
    listener = Listener()
    await subscriber.hear(channel, heard=listener.heard.append, again=listener.again)
    return listener


async def test_what_is_published_after_hear_returned_is_heard(
    subscriber: Subscriber, redis_server: redis.Redis
) -> None:
    one, two = await listen(subscriber, "one"), await listen(subscriber, "two")

    for n in range(50):
        redis_server.publish("one", f"{n}")
    redis_server.publish("two", "x")

    await eventually(lambda: two.heard)
    assert one.heard == [str(n).encode() for n in range(50)]
    assert (one.interruptions, two.heard) == (0, [b"x"])


async def test_it_hears_over_tcp_as_over_a_unix_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    port = embedded.free_port()
    argv = [servers.redis_program(), "--port", str(port), "--save", "", "--appendonly", "no"]
    child = servers.start(Program(name="redis", argv=argv, ready=processes.listens(port), quiet=True))
    monkeypatch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{port}/0")
    client = redis_client.asynchronous()
    running = asyncio.create_task((tcp := Subscriber(client, process="test")).run())
    try:
        listener = await listen(tcp, "one")
        await client.publish("one", "x")
        await eventually(lambda: listener.heard == [b"x"])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await client.aclose()
        child.stop()


async def test_an_interruption_is_told_and_the_channels_are_heard_again(
    subscriber: Subscriber, redis_server: redis.Redis
) -> None:
    listeners = [await listen(subscriber, name) for name in ("one", "two")]

    redis_server.client_kill_filter(_type="pubsub")

    await eventually(lambda: all(listener.interruptions == 1 for listener in listeners))
    redis_server.publish("two", "back")
    await eventually(lambda: listeners[1].heard == [b"back"])


async def test_a_forgotten_channel_is_not_heard(subscriber: Subscriber, redis_server: redis.Redis) -> None:
    one = await listen(subscriber, "one")
    two = await listen(subscriber, "two")
    await subscriber.forget("one")

    redis_server.publish("one", "x")
    redis_server.publish("two", "x")

    await eventually(lambda: two.heard)
    assert one.heard == []
    assert await eventually(lambda: redis_server.pubsub_numsub("one") == [(b"one", 0)])


async def test_one_unreadable_message_does_not_deafen(
    subscriber: Subscriber, redis_server: redis.Redis
) -> None:
    def choke(_: bytes) -> None:
        raise ValueError

    await subscriber.hear("bad", heard=choke, again=lambda: None)
    good = await listen(subscriber, "good")

    redis_server.publish("bad", "x")
    redis_server.publish("good", "x")

    await eventually(lambda: good.heard)


@pytest.mark.parametrize("rounds", range(6))
async def test_who_leaves_while_a_channel_is_opened_is_gone_and_leaves_it_to_others(
    subscriber: Subscriber, redis_server: redis.Redis, rounds: int
) -> None:
    listener = await listen(subscriber, "one")
    hers = asyncio.create_task(listen(subscriber, "hers"))
    for _ in range(rounds):
        await asyncio.sleep(0)
    hers.cancel()
    await asyncio.wait([hers])

    assert hers.cancelled()
    again = await asyncio.wait_for(listen(subscriber, "hers"), 2)
    redis_server.publish("hers", "x")
    redis_server.publish("one", "x")
    await eventually(lambda: listener.heard == [b"x"])
    assert (again.interruptions, listener.interruptions) == (0, 0)


async def test_without_redis_it_is_said_that_nothing_can_be_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber_module, "READY_SECONDS", 0.2)
    client = redis.asyncio.Redis.from_url("redis://127.0.0.1:1/0")
    deaf = Subscriber(client, process="test")
    running = asyncio.create_task(deaf.run())

    with pytest.raises(errors.Unavailable):
        await listen(deaf, "one")

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await client.aclose()


async def test_a_connection_that_went_deaf_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, subscriber: Subscriber, redis_server: redis.Redis
) -> None:
    monkeypatch.setattr(subscriber_module, "ECHO_SECONDS", 0.1)
    listener = await listen(subscriber, "one")
    # Subscribed to nothing any more, as if the server had forgotten it: not even the echo arrives.
    await subscriber._connection.send_command("UNSUBSCRIBE", check_health=False)

    await eventually(lambda: listener.interruptions >= 1)
    redis_server.publish("one", "x")
    await eventually(lambda: listener.heard == [b"x"])
