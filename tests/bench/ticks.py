"""P2 and P3: a full room in which chat runs, and what must be told on top of it.

P2 counts chat lines that viewers received per CPU second of the live process: 2,000 viewers, 100 lines a
second, which the process gathers into ten frames a second. Its floor is the C loop sending frames of the same
size. P3 is the time from publishing a must event until a viewer's process has read its last byte, while that
chat runs.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

from streams import showlog
from streams.frames import wire
from streams.models import Stream
from tests.bench import floor, frames, machine, table
from tests.bench.ladder import Pin
from tests.bench.processes import OPEN_DOOR, Viewers, live
from tests.bench.runs import CannotRun, count, note, paced
from tests.streams import make

VIEWERS = 2000
LINES_PER_SECOND = 100
LINE = 178  # Bytes of a line of chat on the wire.
SECONDS = 5
EVENTS_PER_SECOND = 10
FLOOR_FRAMES = 30


def throughput(cache: Path) -> list[table.Row]:
    """Return the rows of P2."""
    rates, floors, per_frame = [], [], []
    with Viewers() as viewers, _room(viewers) as room, floor.running(VIEWERS, cache) as bottom:
        viewers.open("floor", VIEWERS, bottom.port, handshake=False, hello=False)
        bottom.ready()
        chat(room.stream, seconds=1)
        for _ in range(count()):
            viewers.begin("room")
            before = machine.cpu_seconds(room.pid)
            chat(room.stream, seconds=SECONDS)
            _until_arrived(viewers)
            used = machine.cpu_seconds(room.pid) - before
            stats = viewers.stats("room")
            rates.append(stats["lines"] / used)
            per_frame.append(stats["lines"] / stats["frames"])
            floors.append(_floor_rate(bottom, viewers, lines=round(per_frame[-1])))
            seconds = stats["seconds"]
            note(
                f"{stats['frames'] / VIEWERS / seconds:.1f} frames/s of {per_frame[-1]:.1f} lines, "
                f"{used / seconds:.0%} of a core, client {stats['cpu_seconds'] / seconds:.0%}: "
                f"{rates[-1]:,.0f} lines/CPU-s, floor {floors[-1]:,.0f}"
            )
    what = f"chat lines delivered per CPU second, {VIEWERS:,} viewers, {median(per_frame):.0f} a frame"
    return [table.Row("P2", what, median(rates), "/s", median(floors), table.at_least(1_500_000))]


def latency() -> list[table.Row]:
    """Return the rows of P3."""
    middles, tails, client = [], [], []
    with Viewers() as viewers, _room(viewers) as room:
        pin, marks = Pin(room.stream), iter(range(1, 10_000))
        for number in range(count() + 1):
            viewers.begin("room")
            last = 0
            with chatting(room.stream):
                for _ in paced(EVENTS_PER_SECOND, SECONDS if number else 1):
                    last = next(marks)
                    pin.tell(last)
                viewers.hear("all", group="room", mark=last, within=20)
            stats = viewers.stats("room")
            if stats["gaps"] or stats["lost_sockets"]:
                raise CannotRun(f"{stats['gaps']} gaps and {stats['lost_sockets']} lost sockets")
            if number:
                middles.append(stats["p50_ms"])
                tails.append(stats["p99_ms"])
                client.append(stats["cpu_seconds"] / stats["seconds"])
                note(f"p50 {middles[-1]:.1f} ms, p99 {tails[-1]:.1f}, worst {stats['most_ms']:.1f}")
    load = f"{VIEWERS:,} viewers, chat at {LINES_PER_SECOND}/s"
    note(f"the client used {median(client):.0%} of its core; its own queue is part of what it measures")
    return [
        table.Row("P3", f"must event, publish to viewer, p50, {load}", median(middles), "ms"),
        table.Row("P3", "the same, p99", median(tails), "ms", target=table.at_most(50)),
    ]


@dataclass(frozen=True)
class Room:
    """A live process with a full room."""

    stream: Stream
    pid: int


@contextmanager
def _room(viewers: Viewers) -> Iterator[Room]:
    stream = make.show()
    with live(**OPEN_DOOR) as (child, port):
        viewers.open("room", VIEWERS, port, path=f"/ws/v1/live/{stream.slug}")
        yield Room(stream, child.pid)


def chat(stream: Stream, *, seconds: float) -> None:
    """Say LINES_PER_SECOND lines of LINE bytes, evenly, for so many seconds."""
    for _ in paced(LINES_PER_SECOND, seconds):
        say(stream.id)


@contextmanager
def chatting(stream: Stream, per_second: float = LINES_PER_SECOND) -> Iterator[None]:
    """Keep the chat running until the block ends, with so many lines a second."""
    over = threading.Event()

    def run() -> None:
        for _ in paced(per_second, 600):
            if over.is_set():
                return
            say(stream.id)

    thread = threading.Thread(target=run, name="chat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def say(stream_id: UUID) -> None:
    """Publish one line of chat, LINE bytes with its envelope."""
    message, ts = uuid4(), time.time_ns() // 1_000_000
    d = {"id": str(message), "name": "Noa", "role": "viewer", "at": ts, "text": ""}
    d["text"] = "x" * (LINE - len(wire.event("chat.message", d, ts=ts)))
    showlog.tell_chat(stream_id=stream_id, message_id=message, d=d, ts=ts)


def _until_arrived(viewers: Viewers) -> None:
    """Wait until the last lines have gone out: until a while after nothing new is counted."""
    before = -1
    for _ in range(50):
        lines = viewers.stats("room")["lines"]
        if lines == before:
            return
        before = lines
        time.sleep(0.2)
    raise CannotRun("the chat does not come to rest")


def _floor_rate(bottom: floor.Floor, viewers: Viewers, *, lines: int) -> float:
    """Return how many lines per CPU second a loop of send delivers in frames of so many."""
    viewers.begin("floor")
    before = machine.cpu_seconds(bottom.pid)
    for mark in range(1, FLOOR_FRAMES + 1):
        told = wire.event("told", {"mark": mark, "at": time.monotonic_ns()})
        pad = "x" * (lines * (LINE + 1) - len(told) - 12)
        bottom.tell(frames.text(f'{told}\n{{"pad":"{pad}"}}'.encode()))
        viewers.hear("all", group="floor", mark=mark, within=20)
    used = machine.cpu_seconds(bottom.pid) - before
    return FLOOR_FRAMES * VIEWERS * lines / used
