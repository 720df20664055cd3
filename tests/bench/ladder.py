"""P1: what one viewer costs the server for one frame; the same frame, viewers and client on every rung.

All rungs run side by side and take turns, so that a rung and its floor see the same machine. A frame is told,
then everybody has it, then the next is told. What counts is the CPU time of the server's process.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from commerce import redis_client
from streams import showlog
from streams.frames import wire
from streams.models import Stream
from tests.bench import floor, frames, machine, node, peers, table
from tests.bench.processes import OPEN_DOOR, Viewers, live, serving
from tests.bench.runs import CannotRun, count, note
from tests.streams import make

VIEWERS = 1000
PAYLOAD = 175  # Bytes of a frame.
TURNS = 5  # Of every rung in a run.
FRAMES, STOCK_FRAMES = 20, 3  # In a turn; a frame of stock Channels takes a third of a second.


@dataclass
class Rung:
    """One server of the ladder: how a frame with a mark is told, and what was measured."""

    name: str
    what: str
    pid: int
    tell: Callable[[int], None]
    frames: int = FRAMES
    used: float = 0.0  # CPU seconds of the run so far: the server's,
    client: float = 0.0  # and the load client's.
    read: int = 0  # Frames that arrived in it.
    microseconds: list[float] = field(default_factory=list)  # Per run.
    client_microseconds: list[float] = field(default_factory=list)

    def settle(self) -> None:
        """End a run."""
        self.microseconds.append(self.used / self.read * 1e6)
        self.client_microseconds.append(self.client / self.read * 1e6)
        self.used, self.client, self.read = 0.0, 0.0, 0


def run(cache: Path) -> list[table.Row]:
    """Measure the ladder and return its rows; `cache` is where programs are built and fetched."""
    with ExitStack() as stack, Viewers() as viewers:
        rungs = list(_rungs(stack, viewers, cache))
        marks = itertools.count(1)
        # The first run is short, warms up and does not count.
        for turns in (1, *[TURNS] * count()):
            for rung in rungs * turns:
                _measure(rung, viewers, marks)
            for rung in rungs:
                rung.settle()
    for rung in rungs:
        del rung.microseconds[0], rung.client_microseconds[0]
    return _rows(rungs)


def _rows(rungs: list[Rung]) -> list[table.Row]:
    medians = {rung.name: median(rung.microseconds) for rung in rungs}
    bottom = medians.get("floor")
    rows = [
        table.Row(
            "P1",
            rung.what,
            medians[rung.name],
            "us",
            None if rung.name == "floor" else bottom,
            table.at_most_floors(1.4) if rung.name == "ours" else None,
        )
        for rung in rungs
    ]
    client = median(each for rung in rungs if rung.name == "ours" for each in rung.client_microseconds)
    rows.append(table.Row("P1", "load client's CPU per frame it reads", client, "us"))
    for rung in rungs:
        note(f"{rung.name}: {', '.join(f'{each:.2f}' for each in rung.microseconds)} us")
    return rows


def _measure(rung: Rung, viewers: Viewers, marks: Iterator[int]) -> None:
    viewers.begin(rung.name)
    before = machine.cpu_seconds(rung.pid)
    for mark in itertools.islice(marks, rung.frames):
        rung.tell(mark)
        viewers.hear("all", group=rung.name, mark=mark, within=20)
    rung.used += machine.cpu_seconds(rung.pid) - before
    stats = viewers.stats(rung.name)
    if stats["lost_sockets"]:
        raise CannotRun(f"{rung.name} lost {stats['lost_sockets']} viewers")
    rung.client += stats["cpu_seconds"]
    rung.read += rung.frames * VIEWERS


def _rungs(stack: ExitStack, viewers: Viewers, cache: Path) -> Iterator[Rung]:
    bottom = stack.enter_context(floor.running(VIEWERS, cache))
    viewers.open("floor", VIEWERS, bottom.port, handshake=False, hello=False)
    bottom.ready()
    what = "floor: a C loop of send(2)" if bottom.in_c else "no C compiler, so: a Python loop of socket.send"
    yield Rung("floor", what, bottom.pid, lambda mark: bottom.tell(frames.text(_plain(mark))))

    stream = make.show()
    child, port = stack.enter_context(live(**OPEN_DOOR))
    viewers.open("ours", VIEWERS, port, path=f"/ws/v1/live/{stream.slug}")
    yield Rung("ours", "ours: a must event through Redis and the hub", child.pid, Pin(stream).tell)

    try:
        program = node.installed(cache / "node")
    except CannotRun as error:
        note(f"no row for node's ws: {error}")
    else:
        talker, port = node.room(program, cache / "node")
        stack.enter_context(talker)
        viewers.open("node", VIEWERS, port, hello=False)
        what = f"node {machine.said(program, '--version')}, ws {node.WS}: send for each client"
        yield Rung("node", what, talker.pid, lambda mark: talker.write(_plain(mark) + b"\n"))

    child, port = stack.enter_context(serving("awaiting", "tests.bench.peers awaiting"))
    viewers.open("awaiting", VIEWERS, port, hello=False)
    _until_heard(peers.CHANNEL)
    what = "a hub that awaits send for each viewer"
    yield Rung("awaiting", what, child.pid, _publish)

    child, port = stack.enter_context(serving("stock", "tests.bench.peers stock"))
    viewers.open("stock", VIEWERS, port, hello=False)
    layer, runner = peers.layer(), stack.enter_context(asyncio.Runner())
    _until_heard("bench*__group__*")
    what = "stock Channels: AsyncJsonWebsocketConsumer, Redis pub/sub layer"

    def tell(mark: int) -> None:
        message = {"type": "told", "frame": _sized(json.dumps, mark)}
        runner.run(layer.group_send(peers.GROUP, message))

    yield Rung("stock", what, child.pid, tell, STOCK_FRAMES)


def _publish(mark: int) -> None:
    redis_client.sync().publish(peers.CHANNEL, _plain(mark))


def _plain(mark: int) -> bytes:
    """Return a frame's payload for the servers that know nothing of the protocol."""
    return wire.dumps(_sized(wire.dumps, mark)).encode()


def _sized(dumps: Callable[[Any], str], mark: int) -> dict[str, Any]:
    """Return an event that has PAYLOAD bytes when it is written by `dumps`."""
    event: dict[str, Any] = {"v": 1, "t": "told", "d": {"mark": mark, "at": time.monotonic_ns(), "pad": ""}}
    event["d"]["pad"] = "x" * (PAYLOAD - len(dumps(event)))
    return event


class Pin:
    """Tells a show's room must events of one size, as the relay does."""

    def __init__(self, stream: Stream, *, size: int = PAYLOAD) -> None:
        self.stream, self.size = stream, size
        self.epoch, self.offset = showlog.position(stream.id)

    def tell(self, mark: int) -> None:
        """Publish one event with a mark and the moment."""
        ts = time.time_ns() // 1_000_000
        d = {"mark": mark, "at": time.monotonic_ns(), "pad": ""}
        halves = wire.must_halves("product.pinned", d, ts=ts)
        size = sum(map(len, halves)) + len(f'{self.epoch}","o":{self.offset + 1}')
        d["pad"] = "x" * max(0, self.size - size)
        place = showlog.append(stream_id=self.stream.id, t="product.pinned", d=d, key=str(uuid4()), ts=ts)
        self.epoch, self.offset = place.epoch, place.offset


def _until_heard(pattern: str) -> None:
    """Wait until a process has subscribed to a channel."""
    deadline = time.monotonic() + 10
    while not redis_client.sync().pubsub_channels(pattern):
        if time.monotonic() > deadline:
            raise CannotRun(f"nobody hears {pattern}")
        time.sleep(0.02)
