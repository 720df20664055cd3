"""The load client against real processes: what it counts is what was sent."""

import time
from pathlib import Path
from typing import Any

import pytest

from commerce import redis_client
from streams import showlog
from tests.bench import floor, frames
from tests.bench.ladder import PAYLOAD, Pin
from tests.bench.processes import Viewers
from tests.bench.runs import CannotRun
from tests.bench.viewing import Group, Viewer
from tests.live_server import LiveRoom
from tests.streams import make


@pytest.mark.parametrize("compiler", ["cc", "no-such-compiler"])
def test_both_floors_send_to_everybody_and_the_client_counts_it(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", compiler)
    with floor.running(5, tmp_path) as bottom, Viewers() as viewers:
        viewers.open("floor", 5, bottom.port, handshake=False, hello=False)
        bottom.ready()
        viewers.begin("floor")
        for mark in range(1, 4):
            event = f'{{"t":"told","d":{{"mark":{mark},"at":{time.monotonic_ns()}}}}}'
            bottom.tell(frames.text(event.encode()))
            viewers.hear("all", group="floor", mark=mark, within=10)
        stats = viewers.stats("floor")
    assert (stats["frames"], stats["gaps"], stats["lost_sockets"]) == (15, 0, 0)
    assert 0 < stats["p50_ms"] <= stats["p99_ms"] <= stats["most_ms"]


def test_the_client_says_how_many_are_in_when_the_rest_does_not_come(tmp_path: Path) -> None:
    # Nobody answers the handshake.
    with (
        floor.running(2, tmp_path) as bottom,
        Viewers() as viewers,
        pytest.raises(CannotRun, match="0 of 2 are in"),
    ):
        viewers.open("mute", 2, bottom.port, within=0.5)


def test_a_room_is_entered_told_lost_and_entered_again(live_process: LiveRoom) -> None:
    stream, other = make.show(), LiveRoom(live_process.env)
    with Viewers() as viewers:
        viewers.open("room", 3, live_process.port, path=f"/ws/v1/live/{stream.slug}", back=True)
        viewers.begin("room")
        pin = Pin(stream)
        pin.tell(1)
        viewers.hear("all", group="room", mark=1, within=10)
        other.start()
        try:
            viewers.order("move", group="room", port=other.port)
            viewers.hear("moved", group="room", within=10)
            live_process.kill()
            pin.tell(2)
            back = viewers.hear("whole", group="room", within=20)
            while back["lost_sockets"] < 3:
                back = viewers.hear("whole", group="room", within=20)
            pin.tell(3)
            viewers.hear("all", group="room", mark=3, within=10)
            stats = viewers.stats("room")
        finally:
            other.stop()
    assert (back["unrecovered"], stats["gaps"], stats["lost_sockets"]) == (0, 0, 3)


def test_an_offset_that_is_missing_is_counted_and_a_repetition_is_not() -> None:
    viewer = Viewer(Group("room", 1, 1), 0)
    viewer.epoch, viewer.offset = "e", 4
    for offset in (5, 5, 3, 8, 9):
        viewer.place("e", offset)
    assert (viewer.group.gaps, viewer.offset) == (1, 9)


def test_every_told_event_has_the_size_that_is_compared(transactional_db: None) -> None:
    stream = make.show()
    pin = Pin(stream)
    for mark in (1, 1000):
        pin.tell(mark)
    kept: Any = redis_client.sync().xrange(f"{showlog.base(stream.id)}:x")
    assert [len(fields[b"f"]) for _, fields in kept] == [PAYLOAD, PAYLOAD]
