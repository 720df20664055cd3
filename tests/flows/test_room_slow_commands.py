"""A slow command delays its own caller and nobody else, which on asgiref's shared thread it would."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import connection, transaction

from streams import client, showlog
from streams.consumers import RoomConsumer
from streams.live import executor
from streams.models import Stream
from tests.live_server import LiveRoom, aside, environment, eventually
from tests.streams import make

SLOW_SECONDS = 2.0


# Takes the guard away: all commands share the threads.
ONE_CREW = """
from streams.live import executor
several = executor.Crews.of
executor.Crews.of = lambda crews, app: several(crews, "all")
"""


@contextlib.asynccontextmanager
async def locked_table(table: str = "streams_chatmessage") -> AsyncIterator[None]:
    """Let every command that touches the table, the chat's, wait for as long as this lasts."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            locked.set()
            done.wait(20)

    holding = asyncio.create_task(aside(hold))
    await eventually(locked.is_set)
    try:
        yield
    finally:
        done.set()
        await holding


def tell(stream: Stream, n: int) -> None:
    showlog.append(stream_id=stream.id, t="chat.mode", d={"slow_s": n}, key=f"n:{n}", ts=1)


def paced(n: int, d: dict[str, Any]) -> bool:
    return bool(d["slow_s"] == n)


async def test_a_command_that_takes_two_seconds_delays_no_broadcast(live_room: LiveRoom) -> None:
    stream = await aside(make.show)
    users = [await aside(make.user) for _ in range(3)]
    callers = [await aside(live_room.visitor, stream, user) for user in users]
    loop = asyncio.get_running_loop()

    async with live_room.room(stream) as viewer, callers[0], callers[1], callers[2]:
        async with locked_table():
            waiting = [
                asyncio.create_task(caller.command("chat.send", {"text": "Hi"}, key=uuid4()))
                for caller in callers
                for _ in range(2)
            ]
            started, took = loop.time(), []
            for n in range(1000):
                sent = loop.time()
                await aside(tell, stream, n)
                await viewer.wait("chat.mode", partial(paced, n), since=max(0, len(viewer.events) - 2))
                took.append(loop.time() - sent)
                # The slow caller itself hears the room and is answered what needs no thread.
                await callers[0].wait("chat.mode", partial(paced, n))
                if loop.time() - started > SLOW_SECONDS:
                    break
                await asyncio.sleep(0.02)
            clock = await callers[0].command("time.sync", {"c": 1}, deadline=0.5)
            assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)

    assert clock["c"] == 1
    assert max(took) < SLOW_SECONDS / 2
    assert sorted(took)[len(took) // 2] < 0.1


async def test_who_leaves_during_a_slow_command_is_no_ghost(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with live_room.room(stream) as viewer:
        caller = await aside(live_room.visitor, stream, noa)
        await caller.connect()
        await caller.cut()
        async with locked_table():
            await caller.connect()
            waiting = asyncio.create_task(caller.command("chat.send", {"text": "Hi"}, key=uuid4()))
            await viewer.wait("viewers.count", lambda d: d["n"] == 2)
            await caller.cut()
            await viewer.wait("viewers.count", lambda d: d["n"] == 1, since=len(viewer.events))
        with contextlib.suppress(Exception):
            await waiting
        # It was said all the same: a closed socket takes no command back.
        await viewer.wait("chat.message", lambda d: d["text"] == "Hi")


async def chat_takes(live: LiveRoom) -> float:
    """Return how long a line of chat took while more shoppers than there are threads waited for a lock."""
    stream, noa = await aside(make.show), await aside(make.user)
    shoppers = [await aside(make.user) for _ in range(24)]
    carts = [await aside(live.visitor, stream, user) for user in shoppers]
    async with await aside(live.visitor, stream, noa) as talker:
        await asyncio.gather(*(cart.connect() for cart in carts))
        async with locked_table("orders_purchase"):
            waiting = [
                asyncio.create_task(cart.command("purchase.status", {"key": str(uuid4())})) for cart in carts
            ]
            await asyncio.sleep(0.5)  # Until all threads that may wait do.
            started = time.perf_counter()
            with contextlib.suppress(TimeoutError):
                await talker.command("chat.send", {"text": "Hi"}, key=uuid4(), deadline=SLOW_SECONDS)
            took = time.perf_counter() - started
            assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.gather(*(cart.close() for cart in carts))
    return took


async def test_chat_does_not_wait_for_carts(live_room: LiveRoom) -> None:
    assert await chat_takes(live_room) < SLOW_SECONDS / 2


async def test_with_threads_of_their_own_taken_away_it_does(transactional_db: None) -> None:
    shared = LiveRoom(environment(), before=ONE_CREW)
    await aside(shared.start)
    try:
        assert await chat_takes(shared) >= SLOW_SECONDS
    finally:
        await aside(shared.stop)


async def dispatch_takes(consumer: AsyncWebsocketConsumer) -> float:
    started = time.perf_counter()
    await consumer.dispatch({"type": "websocket.receive", "text": "{}"})
    return time.perf_counter() - started


async def test_on_the_shared_thread_a_slow_call_holds_up_every_viewer() -> None:
    shared = asyncio.create_task(sync_to_async(time.sleep)(0.5))
    await asyncio.sleep(0.05)

    stock, ours = await dispatch_takes(AsyncWebsocketConsumer()), await dispatch_takes(RoomConsumer())

    await shared
    assert stock > 0.3
    assert ours < 0.1


async def test_a_crew_keeps_the_loop_and_other_tasks_free() -> None:
    hands = executor.BoundedExecutor(name="test", threads=2, waiting=0)
    slow = asyncio.create_task(hands.run(time.sleep, 0.5))
    started = time.perf_counter()

    assert await hands.run(lambda: "quick") == "quick"

    assert time.perf_counter() - started < 0.3
    await slow
    hands.stop()


async def test_a_crew_refuses_what_it_cannot_do_soon() -> None:
    hands = executor.BoundedExecutor(name="test", threads=1, waiting=1)
    go = threading.Event()
    busy = [asyncio.create_task(hands.run(go.wait, 5)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(executor.Busy) as refused:
        await hands.run(lambda: None)

    assert refused.value.temporary
    go.set()
    await asyncio.gather(*busy)
    await hands.run(lambda: None)
    hands.stop()


async def test_a_thread_is_counted_until_it_is_free_even_if_nobody_waits() -> None:
    hands = executor.BoundedExecutor(name="test", threads=1, waiting=0)
    go = threading.Event()
    gone = asyncio.create_task(hands.run(go.wait, 5))
    await asyncio.sleep(0.01)
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone

    with pytest.raises(executor.Busy):
        await hands.run(lambda: None)

    go.set()
    async with asyncio.timeout(5):
        while True:
            try:
                await hands.run(lambda: None)
                break
            except executor.Busy:
                await asyncio.sleep(0.01)
    hands.stop()


async def test_a_command_in_flight_is_finished_before_the_process_goes(live_process: LiveRoom) -> None:
    stream, noa, ben = await aside(make.show), await aside(make.user), await aside(make.user, "Ben")

    async with (
        await aside(live_process.visitor, stream, noa) as caller,
        await aside(live_process.visitor, stream, ben) as late,
    ):
        async with locked_table():
            asked = asyncio.create_task(
                caller.command("chat.send", {"text": "Last words"}, key=uuid4(), deadline=30)
            )
            await caller.command("time.sync", {"c": 1})  # What was sent before has been taken in.
            stopping = asyncio.create_task(aside(live_process.stop))
            await caller.wait("reconnect")
            while await refusal(late) != "UNAVAILABLE":  # noqa: ASYNC110  # it begins nothing any more
                await asyncio.sleep(0.2)
            assert not asked.done()
        said = await asked
        codes = {await caller.wait_closed(), await late.wait_closed()}
        await stopping

    assert not said["replayed"]
    assert codes == {4503}


async def refusal(viewer: client.Room) -> str:
    with pytest.raises(client.RefusedByServer) as refused:
        await viewer.command("purchase.status", {"purchase": str(uuid4())})
    return refused.value.code
