"""P10: the process of 2,000 viewers is killed, and all of them come back to another one.

Half are signed in by session cookie. They come back as the protocol says: after a random time, and where the
process lets nobody in just now, when it says. Must events go on all the while. Everybody is back when all are
welcomed and know the lane up to where it was then; each viewer checks that no offset is missing.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from django.conf import settings

from streams.models import Stream
from tests.bench import crowd, database, machine, table
from tests.bench.ladder import Pin
from tests.bench.processes import OPEN_DOOR, Viewers, live
from tests.bench.runs import CannotRun, count, note, paced
from tests.streams import make

VIEWERS, SIGNED_IN = 2000, 1000
EVENTS_PER_SECOND = 10
MOST_SECONDS, FIRST_SECONDS = 60, 150


def run() -> list[table.Row]:
    """Return the rows of P10."""
    # One show for all runs: who comes for the first time is looked up in the database, which takes its time
    # and is not what is measured.
    stream, cookies = make.show(), crowd.cookies(crowd.users(SIGNED_IN))
    seconds, statements, missing = [], [], []
    for _ in range(count()):
        back, asked, lost = _once(stream, cookies)
        seconds.append(back)
        statements.append(asked / VIEWERS)
        missing.append(lost)
    who = f"{VIEWERS:,} viewers, {SIGNED_IN:,} of them signed in"
    return [
        table.Row(
            "P10", f"kill -9 until all are back, {who}", median(seconds), "s", target=table.at_most(15)
        ),
        table.Row(
            "P10",
            "SQL statements per viewer who came back",
            median(statements),
            "",
            target=table.at_most(0.05),
        ),
        table.Row("P10", "must events that a viewer missed", sum(missing), "", target=table.at_most(0)),
    ]


def _once(stream: Stream, cookies: list[str]) -> tuple[float, int, int]:
    """Return seconds until all were back, statements meanwhile, and how many events were missed."""
    # The refuge lets in as many as it does by default.
    with (
        Viewers() as viewers,
        live(**OPEN_DOOR) as (first, port),
        live(**database.logged()) as (second, refuge),
    ):
        path = f"/ws/v1/live/{stream.slug}"
        origin = settings.BASE_URL
        more = {"path": path, "cookies": cookies, "origin": origin, "back": True}
        coming = viewers.open("crowd", VIEWERS, port, within=FIRST_SECONDS, **more)["seconds"]
        viewers.begin("crowd")
        viewers.order("move", group="crowd", port=refuge)
        viewers.hear("moved", group="crowd", within=10)
        pin = Pin(stream)
        with telling(pin):
            time.sleep(0.5)
            known = len(database.statements)
            before, killed = machine.cpu_seconds(second.pid), time.monotonic()
            os.kill(first.pid, signal.SIGKILL)
            back = viewers.hear("whole", group="crowd", within=MOST_SECONDS)
            while back["lost_sockets"] < VIEWERS:  # Somebody was back before the last had noticed.
                back = viewers.hear("whole", group="crowd", within=MOST_SECONDS)
        used = machine.cpu_seconds(second.pid) - before
        pin.tell(1)
        viewers.hear("all", group="crowd", mark=1, within=20)
        stats = viewers.stats("crowd")
        statements = database.statements[known:]
    if stats["lost_sockets"] != VIEWERS:
        raise CannotRun(f"{stats['lost_sockets'] - VIEWERS} viewers were lost again")
    taken = back["at"] - killed
    note(f"{taken:.1f} s; all had come in {coming:.0f} s; {len(statements)} statements")
    note(f"  {used / taken:.0%} of a core, {used / VIEWERS * 1000:.1f} ms of it per viewer")
    asked = f"{back['refused']} times asked to wait, {back['most_tries']} tries at most"
    note(f"  {asked}; {back['unrecovered']} had to be given a snapshot")
    for statement, times in Counter(each[:60] for each in statements).most_common(3):
        note(f"  {times} times: {statement}")
    return taken, len(statements), stats["gaps"]


@contextmanager
def telling(pin: Pin) -> Iterator[None]:
    """Keep must events coming until the block ends."""
    over = threading.Event()

    def run() -> None:
        for _ in paced(EVENTS_PER_SECOND, 2 * MOST_SECONDS):
            if over.is_set():
                return
            pin.tell(0)

    thread = threading.Thread(target=run, name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
