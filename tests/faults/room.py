"""A crowd in a room under load, and what must be true of it whatever was done to the processes meanwhile.

    async with crowd(live_room, other, stream=stream) as people:     # they watch, some chat, events are told
        await people.for_seconds(1)
        live_room.kill()
        ...
        await people.settle()                                        # no more events; everybody has the last
        assert people.lost() == []

What each viewer has applied is compared with the show's log in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from redis.exceptions import RedisError

from commerce import redis_client
from commerce.models import User
from streams import announce, client, presence, showlog
from streams.frames import wire
from streams.models import ChatMessage, ShowEvent, Stream
from tests import protocol, scraping
from tests.live_server import LiveRoom, aside, eventually
from tests.streams import make

Place = tuple[str, int]

WATCHERS, TALKERS = 60, 3
EVENTS_PER_SECOND, LINES_PER_SECOND = 20, 20
BACKOFF = (0.1, 2.0)
TALK_SECONDS = 2.2  # Between two lines of one person; the server allows five in ten.


class Teller(threading.Thread):
    """Tells a show must events and lines of chat as verbs and relay do, until told to stop."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.told: list[str] = []  # What each event is known by, in order.
        self.failure: BaseException | None = None
        self._over = threading.Event()
        self._line = protocol.document()["components"]["messages"]["chat_message"]["examples"][0]["payload"][
            "d"
        ]

    def run(self) -> None:
        """Tell."""
        try:
            number = 0
            while not self._over.wait(1 / EVENTS_PER_SECOND):
                number += 1
                self.told.append(_record(self.stream))
                for _ in range(LINES_PER_SECOND // EVENTS_PER_SECOND):
                    self._say(f"line {number}")
                LiveRoom.relay()
            self._finish()
        except BaseException as error:
            self.failure = error
        finally:
            connection.close()

    def stop(self) -> None:
        """Tell nothing more; returns once all that was recorded is in the log. Raises what went wrong."""
        self._over.set()
        self.join(40)
        if self.failure is not None:
            raise self.failure

    def _say(self, text: str) -> None:
        line, now = uuid4(), time.time_ns() // 1_000_000
        with suppress(RedisError):
            d = {**self._line, "id": str(line), "text": text, "at": now}
            showlog.tell_chat(stream_id=self.stream.id, message_id=line, d=d, ts=now)

    def _finish(self) -> None:
        until = time.monotonic() + 30
        while set(self.told) - set(logged_variants(self.stream)):
            assert time.monotonic() < until, "the relay has not told everything"
            LiveRoom.relay()
            time.sleep(0.05)


def tell_one(stream: Stream) -> None:
    """Tell a show one must event."""
    _record(stream)
    LiveRoom.relay()


def _record(stream: Stream) -> str:
    variant = str(uuid4())
    with transaction.atomic():
        announce.tell_room(
            stream_id=stream.id, t="stock.sold_out", d={"variant": variant}, key=f"told:{variant}"
        )
    return variant


def log_of(stream: Stream) -> list[tuple[Place, dict[str, Any]]]:
    """Return the show's log as PostgreSQL has it: place and frame, in the order of telling."""
    rows = ShowEvent.objects.filter(stream=stream).order_by("id")
    return [((row.epoch, row.offset), row.frame) for row in rows]


def logged_variants(stream: Stream) -> list[str]:
    """Return what the told events of the log are known by."""
    return [frame["d"].get("variant", "") for _, frame in log_of(stream)]


class Talker:
    """Somebody who chats; a line without an answer is sent again with the same key."""

    def __init__(self, room: client.Room, user: User) -> None:
        self.room, self.user = room, user
        self.keys: list[UUID] = []  # Of lines that were answered.

    async def talk(self) -> None:
        """Talk until cancelled."""
        await asyncio.sleep(TALK_SECONDS * random.random())
        while True:
            key = uuid4()
            while key not in self.keys:
                try:
                    await self.room.command("chat.send", {"text": f"I am {key}"}, key=key, deadline=5)
                    self.keys.append(key)
                except client.RefusedByServer as refusal:
                    if not refusal.temporary:
                        raise
                    await asyncio.sleep((refusal.retry_ms or 200) / 1000)
                except (client.Disconnected, TimeoutError):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(TALK_SECONDS)

    def said_once(self) -> bool:
        """Whether each line that was answered is stored, once."""
        stored = ChatMessage.objects.filter(author=self.user, key__in=self.keys).values_list("key", flat=True)
        return sorted(map(str, stored)) == sorted(map(str, self.keys))


class Crowd:
    """Viewers of one show, spread over processes, who come back by themselves."""

    def __init__(self, stream: Stream, viewers: list[client.Room], talkers: list[Talker]) -> None:
        self.stream, self.viewers, self.talkers = stream, viewers, talkers
        self.teller = Teller(stream)
        self.log: list[tuple[Place, dict[str, Any]]] = []

    @property
    def everybody(self) -> list[client.Room]:
        """Viewers and talkers."""
        return [*self.viewers, *(each.room for each in self.talkers)]

    def at(self, live: LiveRoom) -> list[client.Room]:
        """Those who came in by this process."""
        return [each for each in self.everybody if f":{live.port}/" in each.url]

    async def for_seconds(self, seconds: float, *, at: LiveRoom | None = None) -> None:
        """Let it go on for a while, and see that all, or all of one process, are told something new."""
        some = self.everybody if at is None else self.at(at)
        told = [viewer.told for viewer in some]
        await asyncio.sleep(seconds)
        await eventually(lambda: all(each.told > n for each, n in zip(some, told, strict=True)), deadline=20)

    async def all_back(self, *, within: float) -> float:
        """Return after how many seconds everybody is connected and whole; TimeoutError otherwise."""
        began = time.monotonic()
        await eventually(lambda: all(viewer.online for viewer in self.everybody), deadline=within)
        return time.monotonic() - began

    async def settle(self, *, deadline: float = 30.0) -> None:
        """Stop telling, read the log, and wait until everybody stands at its end."""
        await aside(self.teller.stop)
        self.log = await aside(log_of, self.stream)
        end = self.log[-1][0]
        try:
            await eventually(lambda: all(each.position == end for each in self.everybody), deadline=deadline)
        except TimeoutError:
            away = [
                (each.position, each.online, each.over) for each in self.everybody if each.position != end
            ]
            raise AssertionError(f"the log ends at {end}, but some stand at {away[:5]}") from None
        for viewer in self.everybody:
            assert viewer.failure is None, viewer.failure

    def lost(self) -> list[Place]:
        """Return the places of events that some viewer was not told of. Call `settle` before."""
        return sorted({place for each in self.everybody for place in missed(each, self.log)})

    def told_anew(self) -> int:
        """Return how many snapshots there were beyond everybody's first."""
        return sum(len(viewer.of("snapshot")) - 1 for viewer in self.everybody)


def missed(viewer: client.Room, log: list[tuple[Place, dict[str, Any]]]) -> list[Place]:
    """Return the places of the log that a viewer has not applied since it came.

    A snapshot makes up for what was before it only where a new epoch began. Raises AssertionError where
    something was applied that is not in the log, or out of order, or twice.
    """
    frames, order = dict(log), {place: n for n, (place, _) in enumerate(log)}
    before: dict[str, int] = {}  # The end of the log when an epoch began.
    for n, ((epoch, _), _) in enumerate(log):
        before.setdefault(epoch, n - 1)
    known: set[int] = set()
    at = ("", -1)
    for event in viewer.events:
        if event.get("l") != "s":
            continue
        place = event["e"], event["o"]
        if event["t"] == "snapshot":
            if place[0] != at[0]:
                known.update(range(order.get(place, before.get(place[0], len(log) - 1)) + 1))
        else:
            assert frames.get(place) == event, f"{event} is not what the log has at {place}"
            assert order[place] not in known, f"{event} came twice, or after its successors"
            known.add(order[place])
        at = place
    return [place for n, (place, _) in enumerate(log) if n not in known]


@asynccontextmanager
async def crowd(
    *processes: LiveRoom,
    stream: Stream,
    watchers: int = WATCHERS,
    talkers: int = TALKERS,
    room: Callable[..., client.Room] | None = None,
) -> AsyncIterator[Crowd]:
    """Let a crowd in, evenly over the processes, and tell it things until the end of the block."""
    users = [await aside(make.user) for _ in range(talkers)]
    viewers = []
    for n in range(watchers):
        live = processes[n % len(processes)]
        # Holding every frame against the document costs; a few see what all see.
        viewers.append(
            live.room(stream, stay=True, backoff=BACKOFF)
            if n < 2 * len(processes)
            else (room or client.Room)(live.url(stream.slug), stay=True, backoff=BACKOFF)
        )
    speaking = []
    for n, user in enumerate(users):
        visitor = await aside(processes[n % len(processes)].visitor, stream, user, stay=True, backoff=BACKOFF)
        speaking.append(Talker(visitor, user))
    people = Crowd(stream, viewers, speaking)
    talking: list[asyncio.Task[None]] = []
    try:
        await asyncio.gather(*(viewer.__aenter__() for viewer in people.everybody))
        people.teller.start()
        talking = [asyncio.create_task(each.talk()) for each in speaking]
        yield people
    finally:
        for task in talking:
            task.cancel()
        with suppress(BaseException):
            await aside(people.teller.stop)
        await asyncio.gather(*(viewer.close() for viewer in people.everybody), return_exceptions=True)
    for task in talking:
        if not task.cancelled():
            task.result()
    assert all([await aside(each.said_once) for each in speaking])


def unheard(stream: Stream) -> None:
    """Log an event whose publication is lost."""
    server, base = redis_client.sync(), showlog.base(stream.id)
    epoch, top = showlog.position(stream.id)
    place = showlog.Place(epoch, top + 1, 1, True)
    frame = showlog.frame_of(t="stock.sold_out", d={"variant": str(stream.id)}, place=place)
    server.xadd(f"{base}:x", {"f": wire.dumps(frame)}, id=f"{top + 1}-0")
    server.hincrby(f"{base}:m", "top", 1)


async def counted(stream: Stream, n: int, *, within: float = 10.0) -> None:
    """Wait until so many are counted as watching; AssertionError otherwise."""
    try:
        await eventually(lambda: presence.count(stream_id=stream.id) == n, deadline=within)
    except TimeoutError:
        raise AssertionError(f"{presence.count(stream_id=stream.id)} are counted, not {n}") from None


async def deserted(live: LiveRoom, *, within: float = 10.0) -> None:
    """Wait until a process has no connection left, by its own metrics; AssertionError otherwise."""
    found = await aside(scraping.until, live.metrics_port, _empty, deadline=within)
    assert found.has("yellowcart_sockets")


def _empty(found: scraping.Scraped) -> bool:
    return found.value("yellowcart_sockets") == 0


@contextmanager
def keeper() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Start processes from a thread that lives on: what a thread has started ends with it."""
    with ThreadPoolExecutor(1) as thread:

        async def run(work: Callable[[], Any]) -> Any:
            return await asyncio.get_running_loop().run_in_executor(thread, work)

        yield run
