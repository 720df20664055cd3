"""slow: one viewer among 500 that never reads, what it does to the others, and what becomes of it."""

import time
from dataclasses import dataclass
from statistics import median

from streams import showlog
from tests.bench import machine, table
from tests.bench.ladder import Pin
from tests.bench.processes import OPEN_DOOR, Viewers, live
from tests.bench.runs import CannotRun, count, note, paced
from tests.streams import make

VIEWERS = 500
EVENT = 4096  # Bytes; a hundred thousand of them a second fill what the kernel and the process hold.
EVENTS_PER_SECOND = 25
SECONDS = 5
FILLING_PER_SECOND = 100
MOST_SECONDS = 40  # Until the slow one is closed.
RECEIVE_BUFFER = 4096


@dataclass(frozen=True)
class Spell:
    """What was seen while events were told."""

    p99_ms: float
    grown_bytes: int
    seconds: float


def run() -> list[table.Row]:
    """Return the rows of `slow`."""
    stream = make.show()
    without, beside, grown, closed = [], [], [], []
    with Viewers() as viewers, live(**OPEN_DOOR) as (child, port):
        path = f"/ws/v1/live/{stream.slug}"
        viewers.open("room", VIEWERS, port, path=path)
        pin = Pin(stream, size=EVENT)
        # First as many events as the process keeps for those who come back.
        _tell(viewers, pin, child.pid, seconds=showlog.RING / FILLING_PER_SECOND + 1, rate=FILLING_PER_SECOND)
        for number in range(count()):
            without.append(_tell(viewers, pin, child.pid, seconds=SECONDS).p99_ms)
            slow = f"slow{number}"
            viewers.open(slow, 1, port, path=path, receive_buffer=RECEIVE_BUFFER, rate=1)
            viewers.order("stop_reading", group=slow)
            ((address, port_there),) = viewers.hear("deaf", group=slow, within=5)["ends"]
            spell = _tell(viewers, pin, child.pid, seconds=MOST_SECONDS, until_closed=(address, port_there))
            beside.append(spell.p99_ms)
            grown.append(spell.grown_bytes / 1024)
            closed.append(spell.seconds)
            note(
                f"p99 {without[-1]:.1f} ms without, {beside[-1]:.1f} ms with; process grew by "
                f"{grown[-1]:.0f} KB; slow one closed after {closed[-1]:.1f} s"
            )
            viewers.close(slow)
    what = f"must event of {EVENT:,} bytes, p99 of {VIEWERS} viewers beside one that never reads"
    return [
        table.Row("slow", what, median(beside), "ms", median(without), table.at_most(200)),
        table.Row("slow", "growth of the process meanwhile", median(grown), "KB", target=table.at_most(1024)),
        table.Row(
            "slow", "seconds until the slow one is closed", median(closed), "s", target=table.at_most(30)
        ),
    ]


def _tell(
    viewers: Viewers,
    pin: Pin,
    pid: int,
    *,
    seconds: float,
    rate: float = EVENTS_PER_SECOND,
    until_closed: tuple[str, int] | None = None,
) -> Spell:
    """Tell events for so many seconds, or until the server has closed the connection from there."""
    viewers.begin("room")
    before = most = machine.resident_bytes(pid)
    last, begun = 0, time.monotonic()
    for last in paced(rate, seconds):
        pin.tell(last)
        most = max(most, machine.resident_bytes(pid))
        if until_closed and last % 10 == 9 and not machine.holds(pid, until_closed):
            break
    else:
        if until_closed:
            raise CannotRun(f"the viewer that never reads was not closed in {seconds} s")
    taken = time.monotonic() - begun
    viewers.hear("all", group="room", mark=last, within=20)
    stats = viewers.stats("room")
    if stats["gaps"] or stats["lost_sockets"]:
        raise CannotRun(f"{stats['gaps']} gaps and {stats['lost_sockets']} lost sockets")
    return Spell(stats["p99_ms"], most - before, taken)
